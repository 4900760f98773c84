//! A client that is in: frames of any kind, whole and cut short.

use postern_wire::frontend::{Bind, Describe, FrontendMessage, FunctionCall, Target};
use postern_wire::{DecodeError, Format};

use crate::stream::{self, is_exact};

/// All frames of the stream.
pub fn check(data: &[u8]) {
    let (frames, _) = stream::frames(data);
    for frame in &frames {
        whole(frame.tag, &frame.body);
        beginnings(&frame.body);
    }
    // Where the stream is not cut into frames as its sender meant, a body may still be one.
    if let Some((&tag, body)) = data.split_first() {
        whole(tag, body);
        beginnings(body);
    }
}

fn whole(tag: u8, body: &[u8]) {
    let Ok(message) = FrontendMessage::decode(tag, body) else { return };
    let Some(again) = encoded(&message) else { return };
    if says_all(&message) {
        assert_eq!(again, body, "{message:?}");
    }
    assert_eq!(FrontendMessage::decode(tag, &again).as_ref(), Ok(&message));
}

/// The body that the message makes; `None` for those that only their receiver knows.
fn encoded(message: &FrontendMessage<'_>) -> Option<bytes::BytesMut> {
    use FrontendMessage as M;
    let tag = match message {
        M::Bind(_) => Bind::TAG,
        M::Close(_) => b'C',
        M::CopyData(_) => b'd',
        M::CopyDone(_) => b'c',
        M::CopyFail(_) => b'f',
        M::Describe(_) => Describe::TAG,
        M::Empty(message) => message.tag(),
        M::Execute(_) => b'E',
        M::Parse(_) => b'P',
        M::Query(_) => b'Q',
        M::FunctionCall(FunctionCall { .. }) | M::Secret | M::Other { .. } => return None,
    };
    Some(stream::body(tag, |out| match message {
        M::Bind(message) => message.encode(out).unwrap(),
        M::Close(message) => message.encode(out).unwrap(),
        M::CopyData(message) => message.encode(out).unwrap(),
        M::CopyDone(message) => message.encode(out),
        M::CopyFail(message) => message.encode(out).unwrap(),
        M::Describe(message) => message.encode(out).unwrap(),
        M::Empty(message) => message.encode(out),
        M::Execute(message) => message.encode(out).unwrap(),
        M::Parse(message) => message.encode(out).unwrap(),
        M::Query(message) => message.encode(out).unwrap(),
        M::FunctionCall(_) | M::Secret | M::Other { .. } => {}
    }))
}

/// Whether there is only one way to put the message on the wire. Bind has three for the formats of its parameters; text that is not
/// UTF-8 is read with replacements.
fn says_all(message: &FrontendMessage<'_>) -> bool {
    use FrontendMessage as M;
    match message {
        M::Bind(_) => false,
        M::Close(postern_wire::frontend::Close { target }) | M::Describe(Describe { target }) => match target {
            Target::Statement(name) | Target::Portal(name) => is_exact(name),
        },
        M::CopyFail(message) => is_exact(&message.reason),
        M::Execute(message) => is_exact(&message.portal),
        M::Parse(message) => is_exact(&message.name) && is_exact(&message.sql),
        M::Query(message) => is_exact(&message.sql),
        _ => true,
    }
}

/// Of a Bind that is cut anywhere no more is read than there is, and nothing that the whole does not hold.
fn beginnings(body: &[u8]) {
    let whole = Bind::decode(body);
    if let Ok(bind) = &whole {
        bounded(bind, body.len());
        assert_eq!(
            Bind::decode_beginning(body).map(|beginning| beginning.parameters),
            Ok(bind.parameters.clone()),
            "the beginning of a whole message is all of it"
        );
    }
    // Every end of a short message, and of a long one as many.
    let step = body.len() / 16 + 1;
    for end in (0..body.len()).step_by(step) {
        let Ok(cut) = Bind::decode_beginning(&body[..end]) else { continue };
        bounded(&cut, end);
        if let Ok(whole) = &whole {
            assert_eq!((&cut.portal, &cut.statement), (&whole.portal, &whole.statement));
            assert_eq!(cut.parameters, whole.parameters[..cut.parameters.len()]);
        }
    }
    let error = Bind::decode_beginning(body).err();
    assert!(
        error.is_none()
            || matches!(
                error,
                Some(DecodeError::UnterminatedString | DecodeError::Truncated | DecodeError::Unexpected { .. })
            ),
        "{error:?}"
    );
}

/// A message holds no more than the bytes it was read from.
fn bounded(bind: &Bind<'_>, length: usize) {
    let values: usize = bind.parameters.iter().map(|parameter| 4 + parameter.value.map_or(0, <[u8]>::len)).sum();
    // A replaced byte is three in UTF-8.
    assert!(values + 2 * bind.results.len() <= length);
    assert!(bind.portal.len() + bind.statement.len() <= 3 * length);
    assert!(bind.parameters.iter().all(|parameter| matches!(parameter.format, Format::Text | Format::Binary)));
}
