//! JSON, as one array or as one object per line.
//!
//! Numbers are written digit by digit as the server sent them, so nothing is rounded here; a reader that keeps numbers
//! as floats may still round. What JSON has no number for, NaN and the infinities, is text; so is a SUPER or a json value,
//! whose own text stays as the server wrote it.

use super::{Cell, Layout, LayoutError, WriteError, names, value};
use crate::types::{self, Column};

pub(super) struct Json {
    array: bool,
    fields: Vec<Field>,
    rows: u64,
}

/// A column: its key with quotes and colon, and what its values are.
struct Field {
    key: Vec<u8>,
    type_oid: u32,
}

impl Json {
    pub(super) fn array() -> Self {
        Self { array: true, fields: Vec::new(), rows: 0 }
    }

    pub(super) fn lines() -> Self {
        Self { array: false, ..Self::array() }
    }
}

impl Layout for Json {
    fn begin(&mut self, columns: &[&Column], out: &mut Vec<u8>) -> Result<(), WriteError> {
        self.rows = 0;
        self.fields = fields(columns);
        if self.array {
            out.push(b'[');
        }
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        if self.array {
            out.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
        }
        self.rows += 1;
        out.push(b'{');
        for (index, (field, cell)) in self.fields.iter().zip(cells).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&field.key);
            match cell {
                None => out.extend_from_slice(b"null"),
                Some(cell) => {
                    put_value(field.type_oid, cell, out).map_err(|reason| LayoutError::Misfit(index, reason))?
                }
            }
        }
        out.push(b'}');
        if !self.array {
            out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        if self.array {
            out.extend_from_slice(if self.rows == 0 { b"]\n" } else { b"\n]\n" });
        }
        Ok(())
    }

    fn break_off(&mut self, out: &mut Vec<u8>) {
        if self.array {
            out.push(b'\n');
        }
    }
}

/// An object keeps only one of two values with the same key, so keys are made unique.
fn fields(columns: &[&Column]) -> Vec<Field> {
    let keys = names::unique(columns).into_iter().map(|name| {
        let mut key = Vec::new();
        put_text(&name, &mut key);
        key.push(b':');
        key
    });
    keys.zip(columns).map(|(key, column)| Field { key, type_oid: column.type_oid }).collect()
}

fn put_value(type_oid: u32, cell: &[u8], out: &mut Vec<u8>) -> Result<(), value::Reason> {
    match (type_oid, cell) {
        (types::BOOL, b"t") => out.extend_from_slice(b"true"),
        (types::BOOL, b"f") => out.extend_from_slice(b"false"),
        _ if types::is_json_number(type_oid) && is_number(cell) => out.extend_from_slice(cell),
        _ => put_text(value::text(cell)?, out),
    }
    Ok(())
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text always has a JSON form, and memory takes it");
}

/// Whether `text` is a number by the grammar of RFC 8259, section 6.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_passes_for_a_number_is_one_to_a_json_reader(text in "[-+]?[0-9]{0,3}(\\.[0-9]{0,3})?([eE][-+]?[0-9]{0,2})?") {
            let read = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_number());
            prop_assert_eq!(is_number(text.as_bytes()), read, "{:?}", text);
        }
    }
}
