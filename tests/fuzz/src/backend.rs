//! A server: frames of any kind.

use bytes::BytesMut;
use postern_wire::backend::{Authentication, BackendMessage, DataRow};
use postern_wire::{ErrorResponse, backend};

use crate::stream::{self, is_exact};

/// All frames of the stream.
pub fn check(data: &[u8]) {
    let (frames, _) = stream::frames(data);
    for frame in &frames {
        whole(frame.tag, &frame.body);
    }
    // Where the stream is not cut into frames as its sender meant, a body may still be one.
    if let Some((&tag, body)) = data.split_first() {
        whole(tag, body);
    }
}

fn whole(tag: u8, body: &[u8]) {
    let Ok(message) = BackendMessage::decode(tag, body) else { return };
    if let BackendMessage::DataRow(row) = &message {
        cells(row, body.len());
    }
    if let BackendMessage::ErrorResponse(error) | BackendMessage::NoticeResponse(error) = &message {
        shown(error);
    }
    let Some(again) = encoded(tag, &message) else { return };
    if says_all(&message) {
        assert_eq!(again, body, "{message:?}");
    }
    assert_eq!(BackendMessage::decode(tag, &again).as_ref(), Ok(&message));
}

/// The body that the message makes; `None` for one that this crate has no name for.
fn encoded(tag: u8, message: &BackendMessage<'_>) -> Option<BytesMut> {
    use BackendMessage as M;
    if matches!(message, M::Other { .. }) {
        return None;
    }
    Some(stream::body(tag, |out| match message {
        M::Authentication(message) => message.encode(out).unwrap(),
        M::BackendKeyData(message) => message.encode(out).unwrap(),
        M::CommandComplete(message) => message.encode(out).unwrap(),
        M::CopyData(message) => message.encode(out).unwrap(),
        M::CopyDone(message) => message.encode(out),
        M::CopyResponse(message) => message.encode(out).unwrap(),
        M::DataRow(message) => DataRow::encode(message.cells(), out).unwrap(),
        M::Empty(message) => message.encode(out),
        M::ErrorResponse(message) => message.encode(out),
        M::NegotiateProtocolVersion(message) => message.encode(out).unwrap(),
        M::NoticeResponse(message) => message.encode_notice(out),
        M::NotificationResponse(message) => message.encode(out).unwrap(),
        M::ParameterDescription(message) => message.encode(out).unwrap(),
        M::ParameterStatus(message) => message.encode(out).unwrap(),
        M::ReadyForQuery(message) => message.encode(out),
        M::RowDescription(message) => message.encode(out).unwrap(),
        M::Other { .. } => {}
    }))
}

/// Whether nothing of the bytes was left out or replaced: text that is not UTF-8 is replaced, and of an Authentication that is not
/// known only the number is read.
fn says_all(message: &BackendMessage<'_>) -> bool {
    use BackendMessage as M;
    match message {
        M::Authentication(Authentication::Other { .. }) => false,
        M::CommandComplete(message) => is_exact(&message.command),
        M::ErrorResponse(message) | M::NoticeResponse(message) => {
            message.fields.iter().all(|(_, value)| is_exact(value))
        }
        M::NegotiateProtocolVersion(message) => message.unrecognized.iter().all(|option| is_exact(option)),
        M::NotificationResponse(message) => is_exact(&message.channel) && is_exact(&message.payload),
        M::ParameterStatus(message) => is_exact(&message.name) && is_exact(&message.value),
        M::RowDescription(message) => message.columns.iter().all(|column| is_exact(&column.name)),
        _ => true,
    }
}

/// As many cells as were announced, none longer than the row.
fn cells(row: &backend::DataRow<'_>, length: usize) {
    let cells = row.cells();
    assert_eq!(cells.len(), row.len());
    assert_eq!(row.is_empty(), cells.clone().next().is_none());
    let bytes: usize = cells.clone().map(|cell| 4 + cell.map_or(0, <[u8]>::len)).sum();
    assert_eq!((cells.count(), bytes + 2), (row.len(), length));
}

/// What a person is shown of an error.
fn shown(error: &ErrorResponse) {
    let _ = (error.severity(), error.sqlstate());
    assert!(error.to_string().contains(error.message()));
}
