//! A stream of bytes as a network may deliver it, and what holds for the frames in it.

use bytes::BytesMut;
use postern_wire::{DecodeError, Frame, Header, take_frame};

/// The longest body that is taken; short, so that its refusal is met too.
const LIMIT: usize = 2048;

/// The pieces in which `data` arrives. Their lengths come from the bytes themselves: each input has its own cuts, and the same ones
/// each time.
pub(crate) fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let length = usize::from(rest.first()? % 29) + 1;
        let (piece, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        Some(piece)
    })
}

/// The frames of a stream, after checking that they are those bytes and no others, and the same ones however they arrive.
pub(crate) fn frames(data: &[u8]) -> (Vec<Frame>, Result<(), DecodeError>) {
    let mut buffer = BytesMut::from(data);
    let (whole, end) = take_all(&mut buffer);

    let mut at = 0;
    for frame in &whole {
        let header = Header { tag: frame.tag, body: frame.body.len() };
        assert_eq!(Header::peek(&data[at..]), Ok(Some(header)));
        assert!(frame.body.len() <= LIMIT);
        assert_eq!(frame.body, data[at + Header::SIZE..at + header.total()]);
        at += header.total();
    }
    assert_eq!(buffer, data[at..], "what is not taken stays as it came");
    assert!(buffer.capacity() <= 2 * (data.len() + LIMIT + Header::SIZE), "room for what was only announced");

    let mut arriving = BytesMut::new();
    let mut in_pieces = Vec::new();
    let mut end_in_pieces = Ok(());
    for piece in pieces(data) {
        arriving.extend_from_slice(piece);
        let (more, result) = take_all(&mut arriving);
        in_pieces.extend(more);
        end_in_pieces = result;
        if end_in_pieces.is_err() {
            break;
        }
    }
    assert_eq!((&in_pieces, &end_in_pieces), (&whole, &end), "frames depend on how their bytes arrive");
    (whole, end)
}

fn take_all(buffer: &mut BytesMut) -> (Vec<Frame>, Result<(), DecodeError>) {
    let mut frames = Vec::new();
    loop {
        match take_frame(buffer, LIMIT) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// What `encode` makes of a message of this tag: its body.
pub(crate) fn body(tag: u8, encode: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    encode(&mut out);
    let header = Header::peek(&out).unwrap().unwrap();
    assert_eq!((header.tag, header.total()), (tag, out.len()));
    out.split_off(Header::SIZE)
}

/// Whether nothing was replaced in reading a text. One that holds the replacement character itself counts as replaced.
pub(crate) fn is_exact(text: &str) -> bool {
    !text.contains(char::REPLACEMENT_CHARACTER)
}
