//! Reaches a server: name, TCP, SSLRequest, TLS. Each way this can fail has its own error, because each has its own fix.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use postern_wire::startup::StartupPacket;
use rustls::CertificateError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::read_ahead::ReadAhead;
use crate::tcp::{self, NoConnection};
use crate::upstream::{Endpoint, Refusal, Transport};

/// Time for name, TCP and TLS together, unless said otherwise.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Why a server could not be reached. Nothing secret is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address.
    #[error("the name {host} has no address")]
    Unresolvable {
        /// The name.
        host: String,
        /// What the resolver said; none when it gave an empty answer.
        #[source]
        source: Option<io::Error>,
    },
    /// An address was found and no connection was made: refused, unreachable.
    #[error("no connection to {host} port {port}")]
    Connect {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// Of the last address tried.
        #[source]
        source: io::Error,
    },
    /// This process may open no more sockets.
    #[error("no connection to {host} port {port}: too many files and sockets are open here")]
    OutOfDescriptors {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// Which limit it is.
        #[source]
        source: io::Error,
    },
    /// Nothing answered in time, usually a security group or a missing route.
    #[error("no answer from {host} port {port} within {} s", limit.as_secs())]
    Timeout {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// How long was waited.
        limit: Duration,
    },
    /// The server speaks PostgreSQL but declined TLS.
    #[error("{host} port {port} does not offer TLS")]
    NotTls {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// What answered does not speak PostgreSQL.
    #[error("{host} port {port} does not speak PostgreSQL's protocol")]
    NotPostgres {
        /// The name.
        host: String,
        /// The port.
        port: u16,
    },
    /// The connection was closed before it was ready.
    #[error("{host} port {port} closed the connection before it was ready")]
    Closed {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// None when it was closed without an error.
        #[source]
        source: Option<io::Error>,
    },
    /// No trusted authority has signed the certificate.
    #[error("the certificate of {host} is not signed by a trusted authority")]
    Untrusted {
        /// The name.
        host: String,
        /// What the verifier said.
        #[source]
        source: rustls::Error,
    },
    /// The certificate is for other names.
    #[error("the certificate of {host} is not for the name {expected}")]
    WrongName {
        /// The name dialled.
        host: String,
        /// The name looked for.
        expected: String,
        /// The names found; empty when it has none that count, such as a Common Name only.
        presented: Vec<String>,
    },
    /// The certificate has expired or is not valid yet.
    #[error("the certificate of {host} is not valid at this time")]
    CertificateTime {
        /// The name.
        host: String,
        /// What the verifier said.
        #[source]
        source: rustls::Error,
    },
    /// TLS failed in another way.
    #[error("TLS with {host} port {port} failed")]
    Tls {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// How.
        #[source]
        source: io::Error,
    },
}

impl DialError {
    /// What a client is told: all are SQLSTATE 08001, with words of their own, but for what is lacking on this machine.
    pub fn to_refusal(self: &Arc<Self>) -> Refusal {
        let sqlstate = if matches!(**self, Self::OutOfDescriptors { .. }) { "53000" } else { "08001" };
        let mut refusal = Refusal::new(sqlstate, self.to_string());
        refusal.detail = self.detail();
        refusal.hint = Some(self.advice().to_owned());
        refusal.source = Some(Arc::clone(self) as _);
        refusal
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::WrongName { presented, .. } if presented.is_empty() => {
                Some("The certificate has no subject alternative name; a Common Name alone does not count.".to_owned())
            }
            Self::WrongName { presented, .. } => Some(format!("The certificate is for {}.", presented.join(", "))),
            other => std::error::Error::source(other).map(|source| source.to_string()),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Unresolvable { .. } => {
                "Check the host name, and that this machine's DNS can see private names (VPN)."
            }
            Self::Connect { .. } | Self::Closed { .. } => "Check host and port, and that the database is up.",
            Self::OutOfDescriptors { .. } => {
                "Close connections that are not used, or raise the limit of open files (ulimit -n) and start Postern again."
            }
            Self::Timeout { .. } => "Check security groups, routes and VPN: something drops the packets on the way.",
            Self::NotTls { .. } => {
                "Passwords are never sent in the clear. Check the port, or turn on TLS on the server."
            }
            Self::NotPostgres { .. } => "Check the port: something else is listening there.",
            Self::Untrusted { .. } => {
                "Give the authority's certificate in the database's tls.ca_cert, or check that this is the right server."
            }
            Self::WrongName { .. } => {
                "Set the database's tls.server_name to a name in the certificate, or dial the server by its own name."
            }
            Self::CertificateTime { .. } => {
                "Check this machine's clock; otherwise the server's certificate needs renewal."
            }
            Self::Tls { .. } => "Check that nothing between rewrites TLS, and that the server allows TLS 1.2 or 1.3.",
        }
    }
}

/// Goes as far as a session would before logging in, and hangs up.
///
/// # Errors
/// As a session would meet them.
pub async fn probe(endpoint: &Endpoint) -> Result<(), DialError> {
    let mut stream = open(endpoint, CONNECT_LIMIT).await?;
    // The server learns sooner that nothing follows; that it could not be told does not matter.
    let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
    Ok(())
}

/// Connects, within `limit` for all steps together.
pub(crate) async fn open(endpoint: &Endpoint, limit: Duration) -> Result<ServerStream, DialError> {
    let deadline = Instant::now() + limit;
    let late = |_| DialError::Timeout { host: endpoint.host.clone(), port: endpoint.port, limit };
    let tcp = timeout_at(deadline, connect(endpoint)).await.map_err(late)??;
    match &endpoint.transport {
        Transport::Plaintext => Ok(ServerStream::Plain(tcp)),
        Transport::Tls { config, name } => {
            let handshake = async {
                let tcp = ask_for_tls(tcp, endpoint).await?;
                let connector = TlsConnector::from(Arc::clone(config));
                connector
                    .connect(name.clone(), ReadAhead::new(tcp))
                    .await
                    .map_err(|error| tls_error(error, endpoint, &name.to_str()))
            };
            let tls = timeout_at(deadline, handshake).await.map_err(late)??;
            Ok(ServerStream::Tls(Box::new(tls)))
        }
    }
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, DialError> {
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    tcp::connect(&endpoint.host, port).await.map_err(|error| match error {
        NoConnection::Unresolvable(Some(source)) | NoConnection::Failed(source) if is_out_of_descriptors(&source) => {
            DialError::OutOfDescriptors { host, port, source }
        }
        NoConnection::Unresolvable(source) => DialError::Unresolvable { host, source },
        NoConnection::Failed(source) => DialError::Connect { host, port, source },
    })
}

/// Whether this process, or this machine, has as many files and sockets open as it may.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    const CODES: [i32; 2] = [23, 24]; // ENFILE, EMFILE
    #[cfg(not(unix))]
    const CODES: [i32; 1] = [10024]; // WSAEMFILE
    error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}

/// Reads exactly one byte of answer: whatever came behind it in the clear would otherwise be taken for encrypted (CVE-2021-23222).
async fn ask_for_tls(mut tcp: TcpStream, endpoint: &Endpoint) -> Result<TcpStream, DialError> {
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    let mut request = BytesMut::new();
    StartupPacket::SslRequest.encode(&mut request).expect("it has no field that could fail");
    let closed = |source| DialError::Closed { host: host.clone(), port, source };
    tcp.write_all(&request).await.map_err(|error| closed(Some(error)))?;
    let mut answer = [0];
    match tcp.read(&mut answer).await {
        Err(error) => Err(closed(Some(error))),
        Ok(0) => Err(closed(None)),
        Ok(_) => match answer[0] {
            b'S' => Ok(tcp),
            b'N' => Err(DialError::NotTls { host, port }),
            _ => Err(DialError::NotPostgres { host, port }),
        },
    }
}

/// Finds rustls's own error inside the io::Error it travels in.
fn tls_error(error: io::Error, endpoint: &Endpoint, expected: &str) -> DialError {
    let (host, port) = (endpoint.host.clone(), endpoint.port);
    let Some(rustls_error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                DialError::Closed { host, port, source: Some(error) }
            }
            _ => DialError::Tls { host, port, source: error },
        };
    };
    let source = rustls_error.clone();
    match rustls_error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::NotValidForName => {
                DialError::WrongName { host, expected: expected.to_owned(), presented: Vec::new() }
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let presented = presented.iter().map(|name| readable_name(name)).collect();
                DialError::WrongName { host, expected: expected.to_owned(), presented }
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => DialError::CertificateTime { host, source },
            _ => DialError::Untrusted { host, source },
        },
        _ => DialError::Tls { host, port, source: error },
    }
}

/// webpki gives names as `DnsName("db.example.com")`; people want what is inside.
fn readable_name(name: &str) -> String {
    name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")")).unwrap_or(name).to_owned()
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) enum ServerStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<ReadAhead<TcpStream>>>),
}

impl ServerStream {
    /// Whether a password may be sent as it is.
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
