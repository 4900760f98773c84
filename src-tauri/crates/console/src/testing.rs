//! A database server for tests: speaks the wire over an in-memory stream, says what a test tells it to say.

use bytes::BytesMut;
use postern_wire::backend::{
    Authentication, BackendKeyData, Column, CommandComplete, DataRow, ParameterStatus, ReadyForQuery, RowDescription,
    TransactionStatus,
};
use postern_wire::frontend::FrontendMessage;
use postern_wire::startup::{StartupMessage, StartupPacket};
use postern_wire::{CancelKey, ErrorResponse, take_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::session::Login;

pub(crate) fn login() -> Login {
    Login { user: "analyst".into(), database: "dev".into(), application_name: "postern".into() }
}

pub(crate) fn cancel_key(pid: i32) -> CancelKey {
    CancelKey::new(pid, *b"key!")
}

/// The server's end of a stream.
pub(crate) struct FakeServer {
    stream: DuplexStream,
    inbound: BytesMut,
    /// What is said but not sent yet.
    outbound: BytesMut,
    pub(crate) startup: Option<StartupMessage>,
}

impl FakeServer {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        Self { stream, inbound: BytesMut::new(), outbound: BytesMut::new(), startup: None }
    }

    /// Reads the StartupMessage.
    pub(crate) async fn hear_startup(&mut self) {
        loop {
            if let Some(StartupPacket::Startup(message)) = StartupPacket::take(&mut self.inbound).unwrap() {
                self.startup = Some(message);
                return;
            }
            assert!(self.stream.read_buf(&mut self.inbound).await.unwrap() > 0, "no start-up message");
        }
    }

    /// Lets anyone in.
    pub(crate) async fn welcome(stream: DuplexStream, pid: i32) -> Self {
        let mut server = Self::new(stream);
        server.hear_startup().await;
        Authentication::Ok.encode(&mut server.outbound).unwrap();
        ParameterStatus::new("server_version", "8.0.2").encode(&mut server.outbound).unwrap();
        ParameterStatus::new("standard_conforming_strings", "on").encode(&mut server.outbound).unwrap();
        BackendKeyData { key: cancel_key(pid) }.encode(&mut server.outbound).unwrap();
        server.ready().send().await;
        server
    }

    /// The next message of the client; `None` when it has hung up or said goodbye.
    async fn hear<T>(&mut self, read: impl Fn(FrontendMessage<'_>) -> Option<T>) -> Option<T> {
        loop {
            if let Some(frame) = take_frame(&mut self.inbound, 1 << 30).unwrap() {
                return read(FrontendMessage::decode(frame.tag, &frame.body).unwrap());
            }
            if self.stream.read_buf(&mut self.inbound).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The SQL of the next Query.
    pub(crate) async fn query(&mut self) -> Option<String> {
        self.hear(|message| match message {
            FrontendMessage::Query(query) => Some(query.sql.into_owned()),
            _ => None,
        })
        .await
    }

    /// The reason of the CopyFail that has to come now.
    pub(crate) async fn copy_fail(&mut self) -> Option<String> {
        self.hear(|message| match message {
            FrontendMessage::CopyFail(fail) => Some(fail.reason.into_owned()),
            _ => None,
        })
        .await
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.outbound.extend_from_slice(bytes);
        self
    }

    pub(crate) fn columns(&mut self, columns: &[(&str, u32)]) -> &mut Self {
        let columns = columns.iter().map(|(name, oid)| Column::new(*name, *oid)).collect();
        RowDescription { columns }.encode(&mut self.outbound).unwrap();
        self
    }

    pub(crate) fn row(&mut self, cells: &[Option<&[u8]>]) -> &mut Self {
        DataRow::encode(cells.iter().copied(), &mut self.outbound).unwrap();
        self
    }

    pub(crate) fn complete(&mut self, tag: &str) -> &mut Self {
        CommandComplete::new(tag).encode(&mut self.outbound).unwrap();
        self
    }

    pub(crate) fn error(&mut self, error: &ErrorResponse) -> &mut Self {
        error.encode(&mut self.outbound);
        self
    }

    pub(crate) fn notice(&mut self, text: &str) -> &mut Self {
        ErrorResponse::default().with(b'S', "NOTICE").with(b'M', text).encode_notice(&mut self.outbound);
        self
    }

    pub(crate) fn ready(&mut self) -> &mut Self {
        ReadyForQuery { status: TransactionStatus::Idle }.encode(&mut self.outbound);
        self
    }

    /// Sends what was said. A client that has hung up is no failure of the test.
    pub(crate) async fn send(&mut self) {
        let _ = self.stream.write_all(&self.outbound).await;
        self.outbound.clear();
    }
}
