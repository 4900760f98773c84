//! The first packets of a connection, which have no tag: a length, a code, a body.
//!
//! The code tells what it is: SSLRequest, GSSENCRequest and CancelRequest use numbers that cannot be protocol versions; anything else
//! is a StartupMessage and the code is the version it asks for.

use bytes::{BufMut, BytesMut};

use crate::frame::{put_counted, put_string};
use crate::reader::Reader;
use crate::{CancelKey, DecodeError, EncodeError, MAX_SECRET_LENGTH};

/// The longest packet PostgreSQL accepts here, counting the length itself (its MAX_STARTUP_PACKET_LENGTH).
pub const MAX_LENGTH: usize = 10_000;

/// Protocol 3.0 as a StartupMessage and NegotiateProtocolVersion write it.
pub const PROTOCOL_3_0: u32 = 196_608;

/// First byte of a TLS record that carries a ClientHello: a client that skips SSLRequest (`sslnegotiation=direct`).
pub const TLS_HANDSHAKE_BYTE: u8 = 0x16;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// A packet of the start-up phase.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StartupPacket {
    /// May we speak TLS? Answered with one byte, `S` or `N`.
    SslRequest,
    /// May we speak GSSAPI encryption? Answered with one byte, `G` or `N`.
    GssEncRequest,
    /// Cancel what another connection is running. Never answered.
    CancelRequest(CancelKey),
    /// Begin a session.
    Startup(StartupMessage),
}

/// Who wants to talk about what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StartupMessage {
    /// Version asked for: major in the upper half, minor in the lower.
    pub version: u32,
    /// Names and values in the order sent.
    pub parameters: Vec<(String, String)>,
}

impl StartupMessage {
    /// A message for protocol 3.0.
    pub fn new<N: Into<String>, V: Into<String>>(parameters: impl IntoIterator<Item = (N, V)>) -> Self {
        let parameters = parameters.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { version: PROTOCOL_3_0, parameters }
    }

    /// 3 in version 3.2.
    pub fn major(&self) -> u32 {
        self.version >> 16
    }

    /// 2 in version 3.2.
    pub fn minor(&self) -> u32 {
        self.version & 0xffff
    }

    /// Value of a parameter; of the last one when it is given twice, as PostgreSQL takes it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl StartupPacket {
    /// Length of the packet at the front of `bytes`, counting the length itself; `None` when fewer than four bytes are there.
    ///
    /// # Errors
    /// [`DecodeError::Length`] at once when a length outside 8..=[`MAX_LENGTH`] is announced, so that no one waits for, or makes room
    /// for, two gigabytes.
    pub fn announced_length(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
        let Some(length) = bytes.first_chunk::<4>() else {
            return Ok(None);
        };
        let announced = i32::from_be_bytes(*length);
        match usize::try_from(announced) {
            Ok(length @ 8..=MAX_LENGTH) => Ok(Some(length)),
            _ => Err(DecodeError::Length { announced: announced.into(), limit: MAX_LENGTH }),
        }
    }

    /// Takes the next whole packet off the front of `buffer`; `None` when it is not all there yet.
    ///
    /// # Errors
    /// When it is no packet of the start-up phase. The buffer is then of no further use.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, DecodeError> {
        let Some(length) = Self::announced_length(buffer)? else {
            return Ok(None);
        };
        if buffer.len() < length {
            buffer.reserve(length - buffer.len());
            return Ok(None);
        }
        let packet = buffer.split_to(length);
        Self::decode(&packet[4..]).map(Some)
    }

    /// Reads what follows the length.
    fn decode(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(packet);
        match reader.u32()? {
            SSL_REQUEST => reader.finish().map(|()| Self::SslRequest),
            GSSENC_REQUEST => reader.finish().map(|()| Self::GssEncRequest),
            CANCEL_REQUEST => decode_cancel(&mut reader).map(Self::CancelRequest),
            version => decode_startup(version, &mut reader).map(Self::Startup),
        }
    }

    /// Appends the packet.
    ///
    /// # Errors
    /// When a parameter holds a zero byte or has an empty name, which would end the list early.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let result = put_counted(out, |out| match self {
            Self::SslRequest => {
                out.put_u32(SSL_REQUEST);
                Ok(())
            }
            Self::GssEncRequest => {
                out.put_u32(GSSENC_REQUEST);
                Ok(())
            }
            Self::CancelRequest(key) => {
                out.put_u32(CANCEL_REQUEST);
                out.put_i32(key.pid);
                out.put_slice(key.expose_secret());
                Ok(())
            }
            Self::Startup(message) => encode_startup(message, out),
        });
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

fn decode_cancel(reader: &mut Reader<'_>) -> Result<CancelKey, DecodeError> {
    let pid = reader.i32()?;
    match reader.remaining() {
        4..=MAX_SECRET_LENGTH => Ok(CancelKey::new(pid, reader.rest())),
        length => Err(DecodeError::Unexpected { what: "length of a cancel secret", value: length as i64 }),
    }
}

fn decode_startup(version: u32, reader: &mut Reader<'_>) -> Result<StartupMessage, DecodeError> {
    let mut parameters = Vec::new();
    // Version 2 had another layout; its sender is told about the version, not about the layout.
    if version >> 16 != 3 {
        return Ok(StartupMessage { version, parameters });
    }
    loop {
        let name = utf8(reader.string_bytes()?, "the name of a start-up parameter")?;
        if name.is_empty() {
            reader.finish()?;
            return Ok(StartupMessage { version, parameters });
        }
        parameters.push((name, utf8(reader.string_bytes()?, "the value of a start-up parameter")?));
    }
}

/// Names decide who may do what, so they are taken exactly or not at all.
fn utf8(bytes: &[u8], what: &'static str) -> Result<String, DecodeError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotUtf8 { what })
}

fn encode_startup(message: &StartupMessage, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u32(message.version);
    for (name, value) in &message.parameters {
        if name.is_empty() {
            return Err(EncodeError::EmbeddedZero { what: "the name of a start-up parameter" });
        }
        put_string(out, "the name of a start-up parameter", name.as_bytes())?;
        put_string(out, "the value of a start-up parameter", value.as_bytes())?;
    }
    out.put_u8(0);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn round_trip(packet: &StartupPacket) -> StartupPacket {
        let mut out = BytesMut::new();
        packet.encode(&mut out).unwrap();
        let back = StartupPacket::take(&mut out).unwrap().unwrap();
        assert!(out.is_empty());
        back
    }

    #[test]
    fn every_packet_comes_back_as_it_went() {
        let startup = StartupMessage::new([("user", "분석가"), ("database", "dev"), ("application_name", "")]);
        for packet in [
            StartupPacket::SslRequest,
            StartupPacket::GssEncRequest,
            StartupPacket::CancelRequest(CancelKey::new(1_073_750_177, *b"\0\x01\xff\x7f")),
            StartupPacket::CancelRequest(CancelKey::new(-1, vec![9; 256])),
            StartupPacket::Startup(startup),
            StartupPacket::Startup(StartupMessage { version: 0x3_0002, parameters: Vec::new() }),
        ] {
            assert_eq!(round_trip(&packet), packet);
        }
    }

    #[test]
    fn two_gigabytes_are_refused_when_announced() {
        let mut buffer = BytesMut::from(&[0x7f, 0xff, 0xff, 0xff][..]);
        assert_eq!(
            StartupPacket::take(&mut buffer),
            Err(DecodeError::Length { announced: 0x7fff_ffff, limit: MAX_LENGTH })
        );
        assert!(buffer.capacity() < 1000);
        for announced in [i32::MIN, -1, 0, 4, 7, 10_001] {
            assert!(StartupPacket::announced_length(&announced.to_be_bytes()).is_err(), "{announced}");
        }
    }

    #[test]
    fn a_packet_may_arrive_byte_by_byte() {
        let mut whole = BytesMut::new();
        StartupPacket::Startup(StartupMessage::new([("user", "a")])).encode(&mut whole).unwrap();
        let mut buffer = BytesMut::new();
        for byte in &whole[..whole.len() - 1] {
            buffer.put_u8(*byte);
            assert_eq!(StartupPacket::take(&mut buffer), Ok(None));
        }
        buffer.put_u8(0);
        assert!(StartupPacket::take(&mut buffer).unwrap().is_some());
    }

    #[test]
    fn the_last_of_a_repeated_parameter_counts() {
        let message = StartupMessage::new([("user", "a"), ("user", "b")]);
        assert_eq!(message.parameter("user"), Some("b"));
        assert_eq!(message.parameter("database"), None);
    }

    #[test]
    fn secrets_of_impossible_length_are_refused() {
        for length in [0, 3, 257] {
            let mut out = BytesMut::new();
            StartupPacket::CancelRequest(CancelKey::new(1, vec![1; length])).encode(&mut out).unwrap();
            assert!(StartupPacket::take(&mut out).is_err(), "{length}");
        }
    }

    #[test]
    fn names_that_are_not_utf8_are_refused() {
        let mut buffer = BytesMut::from(&b"\0\0\0\x10\0\x03\0\0user\0\xe9\0\0"[..]);
        assert!(matches!(StartupPacket::take(&mut buffer), Err(DecodeError::NotUtf8 { .. })));
    }
}
