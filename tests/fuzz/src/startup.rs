//! A client before it is let in: packets without tags, then its answers to being asked for a password.

use bytes::BytesMut;
use postern_wire::frontend::{Password, SaslInitialResponse, SaslResponse};
use postern_wire::startup::{MAX_LENGTH, StartupPacket};
use postern_wire::{DecodeError, Frame};
use secrecy::ExposeSecret;

use crate::stream;

/// Start-up packets up to the first StartupMessage, then frames.
pub fn check(data: &[u8]) {
    let (packets, end) = packets(data);
    let used: usize = packets.iter().map(|(_, length)| length).sum();
    for (packet, length) in &packets {
        assert!(*length <= MAX_LENGTH);
        round_trip(packet);
    }
    if end.is_ok() && matches!(packets.last(), Some((StartupPacket::Startup(_), _))) {
        let (frames, _) = stream::frames(&data[used..]);
        frames.iter().for_each(answer);
    }
}

type Packets = Vec<(StartupPacket, usize)>;

/// The packets and their lengths, after checking that they are the same ones however they arrive.
fn packets(data: &[u8]) -> (Packets, Result<(), DecodeError>) {
    let whole = take_all(&mut BytesMut::from(data));
    let mut arriving = BytesMut::new();
    let (mut packets, mut end) = (Vec::new(), Ok(()));
    for piece in stream::pieces(data) {
        arriving.extend_from_slice(piece);
        let (more, result) = take_all(&mut arriving);
        packets.extend(more);
        end = result;
        assert!(arriving.capacity() <= 4 * MAX_LENGTH + 2 * data.len(), "room for what was only announced");
        if end.is_err() || matches!(packets.last(), Some((StartupPacket::Startup(_), _))) {
            break;
        }
    }
    assert_eq!((&packets, &end), (&whole.0, &whole.1), "packets depend on how their bytes arrive");
    whole
}

fn take_all(buffer: &mut BytesMut) -> (Packets, Result<(), DecodeError>) {
    let mut packets = Vec::new();
    loop {
        let before = buffer.len();
        match StartupPacket::take(buffer) {
            Ok(Some(packet)) => {
                let is_last = matches!(packet, StartupPacket::Startup(_));
                packets.push((packet, before - buffer.len()));
                if is_last {
                    return (packets, Ok(()));
                }
            }
            Ok(None) => {
                assert_eq!(buffer.len(), before);
                return (packets, Ok(()));
            }
            Err(error) => return (packets, Err(error)),
        }
    }
}

/// What was read can be said again, and is then read the same.
fn round_trip(packet: &StartupPacket) {
    let mut out = BytesMut::new();
    packet.encode(&mut out).unwrap();
    assert_eq!(StartupPacket::announced_length(&out), Ok(Some(out.len())));
    assert_eq!(StartupPacket::take(&mut out).as_ref(), Ok(&Some(packet.clone())));
    assert!(out.is_empty());
}

/// Which answer is meant only the question tells, so each frame is read as all three.
fn answer(frame: &Frame) {
    let body = &frame.body[..];
    if let Ok(password) = Password::decode(body) {
        assert_eq!(password.secret.expose_secret(), &body[..body.len() - 1]);
        assert_eq!(stream::body(Password::TAG, |out| password.encode(out).unwrap()), body);
    }
    if let Ok(first) = SaslInitialResponse::decode(body) {
        assert_eq!(stream::body(SaslInitialResponse::TAG, |out| first.encode(out).unwrap()), body);
    }
    let next = SaslResponse::decode(body);
    assert_eq!(stream::body(SaslResponse::TAG, |out| next.encode(out).unwrap()), body);
}
