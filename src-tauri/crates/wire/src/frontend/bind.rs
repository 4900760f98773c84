//! Bind: gives a prepared statement its parameters and makes a portal.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::frame::{put_count, put_frame, put_string, put_value};
use crate::reader::Reader;
use crate::{DecodeError, EncodeError, Format};

/// Gives a prepared statement its parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bind<'a> {
    /// Portal to make; empty for the unnamed one.
    pub portal: Cow<'a, str>,
    /// Statement to bind; empty for the unnamed one.
    pub statement: Cow<'a, str>,
    /// Values in order.
    pub parameters: Vec<BindParameter<'a>>,
    /// How results should come: none means all text, one goes for all columns.
    pub results: Vec<Format>,
}

/// One bound value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BindParameter<'a> {
    /// How it is written.
    pub format: Format,
    /// The bytes; `None` is NULL.
    pub value: Option<&'a [u8]>,
}

impl<'a> Bind<'a> {
    /// `B`
    pub const TAG: u8 = b'B';

    /// Reads a frame's body.
    ///
    /// # Errors
    /// When lists are not as long as announced, or there are formats for some parameters but not for all.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (portal, statement) = (reader.string()?, reader.string()?);
        let formats = decode_formats(&mut reader)?;
        let count = reader.count()?;
        let format_of = formats_for(&formats, count)?;
        let mut parameters = Vec::with_capacity(count.min(reader.remaining() / 4));
        for index in 0..count {
            parameters.push(BindParameter { format: format_of(index), value: decode_value(&mut reader)? });
        }
        let results = decode_formats(&mut reader)?;
        reader.finish()?;
        Ok(Self { portal, statement, parameters, results })
    }

    /// Portal, statement and as many values as there are, of a message whose end has been cut off.
    ///
    /// # Errors
    /// When even the names are not whole.
    pub fn decode_beginning(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let (portal, statement) = (reader.string()?, reader.string()?);
        let mut bind = Self { portal, statement, parameters: Vec::new(), results: Vec::new() };
        let Ok(formats) = decode_formats(&mut reader) else { return Ok(bind) };
        let Ok(count) = reader.count() else { return Ok(bind) };
        let format_of = formats_for(&formats, count)?;
        for index in 0..count {
            let Ok(value) = decode_value(&mut reader) else { break };
            bind.parameters.push(BindParameter { format: format_of(index), value });
        }
        Ok(bind)
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When a name holds a zero byte or a list is longer than 65535.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_frame(out, Self::TAG, |out| {
            put_string(out, "the name of a portal", self.portal.as_bytes())?;
            put_string(out, "the name of a statement", self.statement.as_bytes())?;
            put_count(out, "the list of parameters", self.parameters.len())?;
            self.parameters.iter().for_each(|parameter| out.put_i16(parameter.format.code()));
            put_count(out, "the list of parameters", self.parameters.len())?;
            self.parameters.iter().try_for_each(|parameter| put_value(out, parameter.value))?;
            put_count(out, "the list of result formats", self.results.len())?;
            self.results.iter().for_each(|format| out.put_i16(format.code()));
            Ok(())
        })
    }
}

fn decode_formats(reader: &mut Reader<'_>) -> Result<Vec<Format>, DecodeError> {
    let count = reader.count()?;
    (0..count).map(|_| Format::from_code(reader.i16()?)).collect()
}

/// No formats: all text. One: for all. Otherwise one for each.
fn formats_for(formats: &[Format], count: usize) -> Result<impl Fn(usize) -> Format + '_, DecodeError> {
    if formats.len() > 1 && formats.len() != count {
        return Err(DecodeError::Unexpected { what: "number of parameter formats", value: formats.len() as i64 });
    }
    Ok(move |index: usize| match formats {
        [] => Format::Text,
        [one] => *one,
        many => many[index],
    })
}

fn decode_value<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, DecodeError> {
    match reader.i32()? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) => reader.take(length).map(Some),
            Err(_) => Err(DecodeError::Unexpected { what: "length of a parameter", value: length.into() }),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sample() -> Bind<'static> {
        Bind {
            portal: "p".into(),
            statement: "s".into(),
            parameters: vec![
                BindParameter { format: Format::Text, value: Some(b"one") },
                BindParameter { format: Format::Binary, value: Some(b"\0\x01") },
                BindParameter { format: Format::Text, value: None },
            ],
            results: vec![Format::Binary],
        }
    }

    #[test]
    fn it_comes_back_as_it_went() {
        let mut out = BytesMut::new();
        sample().encode(&mut out).unwrap();
        assert_eq!(Bind::decode(&out[5..]).unwrap(), sample());
    }

    #[test]
    fn one_format_goes_for_all_parameters() {
        let bind = Bind::decode(b"\0\0\0\x01\0\x01\0\x02\0\0\0\x01a\0\0\0\x01b\0\0").unwrap();
        assert!(bind.parameters.iter().all(|parameter| parameter.format == Format::Binary));
    }

    #[test]
    fn formats_for_some_parameters_only_are_refused() {
        let body = b"\0\0\0\x02\0\0\0\0\0\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0";
        assert!(matches!(Bind::decode(body), Err(DecodeError::Unexpected { what: "number of parameter formats", .. })));
    }

    #[test]
    fn of_a_cut_message_the_whole_values_are_read() {
        let mut out = BytesMut::new();
        sample().encode(&mut out).unwrap();
        let whole = sample();
        for end in 9..out.len() {
            let Ok(bind) = Bind::decode_beginning(&out[5..end]) else { continue };
            assert_eq!((&bind.portal, &bind.statement), (&whole.portal, &whole.statement));
            assert_eq!(bind.parameters, whole.parameters[..bind.parameters.len()]);
        }
        assert!(Bind::decode_beginning(b"p\0s").is_err());
    }
}
