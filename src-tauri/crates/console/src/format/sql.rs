//! INSERT statements that both Redshift and PostgreSQL read back to the same values.
//!
//! The two differ in what a backslash in a literal means, and a server may be set either way. So no backslash is written:
//! `CHR(92)` stands for each.

use std::fmt;
use std::str::FromStr;

use super::{Cell, Layout, LayoutError, WriteError, value};
use crate::types::{self, Column};

/// Rows of one INSERT.
const BATCH_ROWS: usize = 1_000;

/// A statement is not made longer than this by another row. Redshift takes 16 MB, and a row with its literals may be long.
const BATCH_BYTES: usize = 1 << 20;

/// The name of a table, possibly with its schema and database, each as the catalogue has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableName(Vec<String>);

impl Default for TableName {
    fn default() -> Self {
        Self(vec!["exported".to_owned()])
    }
}

/// Why a text is no name of a table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no table name; write it as table, schema.table or \"Schema\".\"Table\"")]
pub struct NoTableName(String);

impl FromStr for TableName {
    type Err = NoTableName;

    /// Parts with points between; a part in quotes may hold points, and quotes written twice.
    fn from_str(text: &str) -> Result<Self, NoTableName> {
        let wrong = || NoTableName(text.to_owned());
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_part(quoted).ok_or_else(wrong)?,
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    (rest[..end].to_owned(), &rest[end..])
                }
            };
            if part.is_empty() || part.contains('\0') || (!rest.starts_with('"') && part.contains('"')) {
                return Err(wrong());
            }
            parts.push(part);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => return Err(wrong()),
            }
        }
        if parts.len() > 3 { Err(wrong()) } else { Ok(Self(parts)) }
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None => return Some((part, after)),
        }
    }
}

/// Quoted as SQL wants it.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { "." } else { "" }, quoted(part))?;
        }
        Ok(())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) struct Sql {
    table: TableName,
    /// `INSERT INTO "t" ("a", "b") VALUES`
    head: Vec<u8>,
    types: Vec<u32>,
    /// Of the statement at hand.
    rows: usize,
    bytes: usize,
    literals: Vec<u8>,
}

impl Sql {
    pub(super) fn new(table: TableName) -> Self {
        Self { table, head: Vec::new(), types: Vec::new(), rows: 0, bytes: 0, literals: Vec::new() }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.rows) > 0 {
            out.extend_from_slice(b";\n");
        }
        self.bytes = 0;
    }
}

impl Layout for Sql {
    fn begin(&mut self, columns: &[&Column], _out: &mut Vec<u8>) -> Result<(), WriteError> {
        if columns.is_empty() {
            return Err(WriteError::NoColumns(super::Format::Sql));
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        self.head = format!("INSERT INTO {} ({}) VALUES\n", self.table, names.join(", ")).into_bytes();
        self.types = columns.iter().map(|column| column.type_oid).collect();
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.literals.clear();
        self.literals.push(b'(');
        for (index, (type_oid, cell)) in self.types.iter().zip(cells).enumerate() {
            if index > 0 {
                self.literals.extend_from_slice(b", ");
            }
            match cell {
                None => self.literals.extend_from_slice(b"NULL"),
                Some(cell) => put_literal(*type_oid, cell, &mut self.literals)
                    .map_err(|reason| LayoutError::Misfit(index, reason))?,
            }
        }
        self.literals.push(b')');
        if self.rows > 0 && (self.rows == BATCH_ROWS || self.bytes + self.literals.len() > BATCH_BYTES) {
            self.close(out);
        }
        out.extend_from_slice(if self.rows == 0 { &self.head } else { b",\n" });
        out.extend_from_slice(&self.literals);
        self.rows += 1;
        self.bytes += self.literals.len();
        self.literals.shrink_to(BATCH_BYTES);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        self.close(out);
        Ok(())
    }
}

fn put_literal(type_oid: u32, cell: &[u8], out: &mut Vec<u8>) -> Result<(), value::Reason> {
    let text = value::text(cell)?;
    let plain_number = || text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    match type_oid {
        types::BOOL => out.extend_from_slice(if value::boolean(cell)? { b"TRUE" } else { b"FALSE" }),
        types::INT2 | types::INT4 | types::INT8 | types::NUMERIC if plain_number() => out.extend_from_slice(cell),
        // A bare 1e300 would be read as a numeric first, which Redshift has no room for.
        types::FLOAT4 => put_cast(text, "REAL", out),
        types::FLOAT8 => put_cast(text, "DOUBLE PRECISION", out),
        types::SUPER => put_call("JSON_PARSE", text, out),
        types::VARBYTE => put_call("FROM_HEX", text, out),
        types::GEOMETRY => put_call("ST_GeomFromEWKB", text, out),
        types::BYTEA => {
            let digits = text.strip_prefix("\\x").ok_or(value::Reason::NotHex)?;
            out.extend_from_slice(b"DECODE(");
            put_text(digits, out);
            out.extend_from_slice(b", 'hex')");
        }
        // Put together of pieces it is a text, and no longer becomes by itself what its column is.
        _ if text.contains('\\') && !is_text(type_oid) => match types::name(type_oid) {
            Some(name) => put_cast(text, name, out),
            None => put_text(text, out),
        },
        _ => put_text(text, out),
    }
    Ok(())
}

/// `text`, `varchar`, `bpchar`, and what has no type.
fn is_text(type_oid: u32) -> bool {
    matches!(type_oid, types::TEXT | types::VARCHAR | 1042 | 19 | 705)
}

fn put_cast(text: &str, type_name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"CAST(");
    put_text(text, out);
    out.extend_from_slice(format!(" AS {type_name})").as_bytes());
}

fn put_call(function: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(function.as_bytes());
    out.push(b'(');
    put_text(text, out);
    out.push(b')');
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    for (index, piece) in text.split('\\').enumerate() {
        if index > 0 {
            out.extend_from_slice(b" || CHR(92) || ");
        }
        out.push(b'\'');
        out.extend_from_slice(piece.replace('\'', "''").as_bytes());
        out.push(b'\'');
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn literal(type_oid: u32, text: &str) -> String {
        let mut out = Vec::new();
        put_literal(type_oid, text.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_backslash_means_the_same_to_each_server() {
        assert_eq!(literal(types::VARCHAR, r"C:\it's"), r"'C:' || CHR(92) || 'it''s'");
        assert_eq!(literal(114, r#"{"a":"\n"}"#), r#"CAST('{"a":"' || CHR(92) || 'n"}' AS json)"#);
    }

    #[test]
    fn types_that_a_plain_literal_would_change_are_named() {
        assert_eq!(literal(types::FLOAT8, "1e+300"), "CAST('1e+300' AS DOUBLE PRECISION)");
        assert_eq!(literal(types::FLOAT4, "NaN"), "CAST('NaN' AS REAL)");
        assert_eq!(literal(types::NUMERIC, "-12345678901234567890.10"), "-12345678901234567890.10");
        assert_eq!(literal(types::NUMERIC, "NaN"), "'NaN'");
        assert_eq!(literal(types::VARBYTE, "00ff"), "FROM_HEX('00ff')");
        assert_eq!(literal(types::BYTEA, r"\x00ff"), "DECODE('00ff', 'hex')");
        assert_eq!(literal(types::SUPER, r#"{"a":"it's"}"#), r#"JSON_PARSE('{"a":"it''s"}')"#);
        assert_eq!(literal(types::BOOL, "t"), "TRUE");
        assert_eq!(literal(types::DATE, "0044-03-15 BC"), "'0044-03-15 BC'");
    }

    #[test]
    fn a_table_name_has_up_to_three_parts_and_is_quoted() {
        let name = |text: &str| text.parse::<TableName>().map(|name| name.to_string());
        assert_eq!(name("sales.orders"), Ok(r#""sales"."orders""#.into()));
        assert_eq!(name(r#" "a.b"."c""d" "#), Ok(r#""a.b"."c""d""#.into()));
        for text in ["", ".", "a.", "a..b", "a.b.c.d", "\"a", "\"a\"b", "a\"b", "\"\""] {
            assert!(name(text).is_err(), "{text}");
        }
    }
}
