//! As much of the PostgreSQL protocol as the front needs, from the server's side.
//!
//! Deliberately not `postern-wire`: the sandbox judges that crate, and a mistake made in one place twice is not seen.

use std::io;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// As in PostgreSQL: a longer first packet is not a client of ours.
const MAX_STARTUP: usize = 10_000;

/// How much of a message is kept in memory; what is longer passes through in pieces.
const MAX_WHOLE: usize = 64 * 1024;

/// The same of a RowDescription: longer than one of 1664 columns with the longest names.
const MAX_DESCRIPTION: usize = 256 * 1024;

/// Anything a client can send first.
#[derive(Debug)]
pub(crate) enum Startup {
    /// May we speak TLS?
    SslRequest,
    /// May we speak GSSAPI?
    GssEncRequest,
    /// Stop what the session with this key is doing.
    Cancel(CancelKey),
    /// Log in.
    Login(Login),
}

/// What names a session to a cancel request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CancelKey {
    pub(crate) pid: i32,
    pub(crate) secret: i32,
}

/// A StartupMessage.
#[derive(Debug)]
pub(crate) struct Login {
    /// Major version in the upper half.
    pub(crate) protocol: u32,
    /// In the client's order.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Login {
    /// The value of a parameter; names are compared as PostgreSQL does, without case.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl CancelKey {
    /// The request that carries it.
    pub(crate) fn request(self) -> BytesMut {
        let mut packet = BytesMut::with_capacity(16);
        packet.put_i32(16);
        packet.put_i32(80_877_102);
        packet.put_i32(self.pid);
        packet.put_i32(self.secret);
        packet
    }
}

/// Reads one packet without a type, as they come before a session is established.
pub(crate) async fn read_startup(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Startup> {
    let length = stream.read_u32().await? as usize;
    if !(8..=MAX_STARTUP).contains(&length) {
        return Err(invalid(format!("invalid length of startup packet: {length}")));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    let (code, rest) = body.split_at(4);
    match u32::from_be_bytes(array(code)?) {
        80_877_103 => Ok(Startup::SslRequest),
        80_877_104 => Ok(Startup::GssEncRequest),
        80_877_102 if rest.len() == 8 => {
            let (pid, secret) = rest.split_at(4);
            let key = CancelKey { pid: i32::from_be_bytes(array(pid)?), secret: i32::from_be_bytes(array(secret)?) };
            Ok(Startup::Cancel(key))
        }
        // A longer key is one of protocol 3.2, which nobody was given here.
        80_877_102 => Err(invalid("cancel request with a key of another size".to_owned())),
        protocol => Ok(Startup::Login(Login { protocol, parameters: parameters(rest)? })),
    }
}

fn parameters(body: &[u8]) -> io::Result<Vec<(String, String)>> {
    let mut strings = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut found = Vec::new();
    while let Some(name) = strings.next().filter(|name| !name.is_empty()) {
        let value = strings.next().ok_or_else(|| invalid("startup packet ends in a name".to_owned()))?;
        found.push((name, value));
    }
    Ok(found)
}

/// A StartupMessage of protocol 3.0.
pub(crate) fn startup_message<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> BytesMut {
    let mut packet = BytesMut::new();
    packet.put_u32(0);
    packet.put_u32(3 << 16);
    for (name, value) in parameters {
        put_text(&mut packet, name);
        put_text(&mut packet, value);
    }
    packet.put_u8(0);
    let length = u32::try_from(packet.len()).expect("made of parameters that came in a packet of limited length");
    packet[..4].copy_from_slice(&length.to_be_bytes());
    packet
}

/// Appends a message with a type byte.
pub(crate) fn put_message(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let start = out.len();
    out.put_u32(0);
    body(out);
    let length = u32::try_from(out.len() - start).expect("a message of ours is short");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends a string with its end mark; a NUL inside would end it early and is left out.
pub(crate) fn put_text(out: &mut BytesMut, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.put_u8(0);
}

/// Appends ParameterStatus.
pub(crate) fn put_parameter_status(out: &mut BytesMut, name: &str, value: &str) {
    put_message(out, b'S', |body| {
        put_text(body, name);
        put_text(body, value);
    });
}

/// An ErrorResponse with the fields that Redshift fills.
pub(crate) fn error_response(severity: &str, code: &str, message: &str) -> BytesMut {
    let mut out = BytesMut::new();
    put_message(&mut out, b'E', |body| {
        for (field, value) in [(b'S', severity), (b'C', code), (b'M', message)] {
            body.put_u8(field);
            put_text(body, value);
        }
        body.put_u8(0);
    });
    out
}

/// One field of the body of an ErrorResponse: `b'C'` its SQLSTATE, `b'M'` its message.
pub(crate) fn error_field(body: &[u8], wanted: u8) -> Option<String> {
    let mut fields = body.split(|byte| *byte == 0).take_while(|field| !field.is_empty());
    let field = fields.find(|field| field[0] == wanted)?;
    Some(String::from_utf8_lossy(&field[1..]).into_owned())
}

/// Takes a string with its end mark off the front of `body`.
pub(crate) fn take_text(body: &mut &[u8]) -> Option<String> {
    let end = body.iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8_lossy(&body[..end]).into_owned();
    *body = &body[end + 1..];
    Some(text)
}

/// A cut of a stream of messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A message; `body` is all of it unless it is very long, and `bytes` is what there is with its header.
    Message { tag: u8, total: usize, body: &'a [u8], bytes: &'a [u8] },
    /// More of the message before.
    More(&'a [u8]),
}

/// Cuts a stream into messages without ever holding a long one.
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    /// How much of the message that was cut last is still to come.
    owed: usize,
}

impl Cutter {
    /// The piece at the start of `input` and its length, or None when more must be read first.
    pub(crate) fn next<'a>(&mut self, input: &'a [u8]) -> io::Result<Option<(Piece<'a>, usize)>> {
        if self.owed > 0 && !input.is_empty() {
            let length = self.owed.min(input.len());
            self.owed -= length;
            return Ok(Some((Piece::More(&input[..length]), length)));
        }
        let Some((header, _)) = input.split_at_checked(5) else { return Ok(None) };
        let length = u32::from_be_bytes(array(&header[1..])?) as usize;
        if length < 4 {
            return Err(invalid(format!("message of length {length}")));
        }
        let total = length + 1;
        // A description of rows may have to be rewritten, and has at most as many columns as PostgreSQL allows.
        let most = if header[0] == b'T' { MAX_DESCRIPTION } else { MAX_WHOLE };
        if input.len() < total.min(most) {
            return Ok(None);
        }
        let here = total.min(input.len());
        self.owed = total - here;
        let bytes = &input[..here];
        Ok(Some((Piece::Message { tag: header[0], total, body: &bytes[5..], bytes }, here)))
    }
}

fn array(bytes: &[u8]) -> io::Result<[u8; 4]> {
    bytes.try_into().map_err(|_| invalid("packet too short".to_owned()))
}

pub(crate) fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_startup_packet_of_two_gigabytes_is_refused_before_it_is_read() {
        let mut announced: &[u8] = &[0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0];
        let error = read_startup(&mut announced).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_login_is_read_back_as_it_was_written() {
        let packet = startup_message([("user", "IAMR:x"), ("options", "")].into_iter());
        let Startup::Login(login) = read_startup(&mut &packet[..]).await.unwrap() else { panic!("not a login") };
        assert_eq!(login.protocol, 196_608);
        assert_eq!(login.parameter("USER"), Some("IAMR:x"));
        assert_eq!(login.parameter("options"), Some(""));
    }

    #[test]
    fn a_long_message_is_cut_and_passed_on_in_pieces() {
        let mut cutter = Cutter::default();
        let mut long = vec![b'D'];
        long.extend(100_004_u32.to_be_bytes());
        long.resize(MAX_WHOLE, 7);
        let (piece, length) = cutter.next(&long).unwrap().unwrap();
        assert!(matches!(piece, Piece::Message { tag: b'D', total: 100_005, .. }));
        assert_eq!(length, MAX_WHOLE);

        let rest = [7; 50_000];
        let (piece, length) = cutter.next(&rest).unwrap().unwrap();
        assert_eq!((piece, length), (Piece::More(&rest[..34_469]), 34_469));
        assert!(cutter.next(&rest[..4]).unwrap().is_none());
    }

    #[test]
    fn fields_of_an_error_are_found_by_their_letter() {
        let error = error_response("ERROR", "57014", "canceled");
        assert_eq!(error_field(&error[5..], b'C').as_deref(), Some("57014"));
        assert_eq!(error_field(&error[5..], b'H'), None);
    }
}
