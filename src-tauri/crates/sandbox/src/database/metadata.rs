//! Redshift's longer row descriptions, for drivers that have asked for protocol version 1 or more.
//!
//! Each field is followed by schema, table, column and catalogue, and by flags. PostgreSQL's own description has the
//! numbers of table and column, so the names are looked up. They are read by a session of the sandbox's own: what a
//! client has made in a transaction that is still open has no names yet, and its fields are described as expressions are.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::sync::OnceCell;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::wire;
use super::workgroup::Awake;

/// May be NULL.
const NULLABLE: i16 = 1;
/// The server numbers it.
const AUTO_INCREMENT: i16 = 1 << 4;
/// Cannot be written to.
const READ_ONLY: i16 = 1 << 8;
/// May be used in WHERE.
const SEARCHABLE: i16 = 1 << 12;

/// Length of what follows a field's name in PostgreSQL's description.
const FIELD_TAIL: usize = 18;

const NAMES: &str = "
    SELECT attrelid, attnum, nspname, relname, attname, attnotnull, attidentity <> ''
    FROM pg_catalog.pg_attribute
    JOIN pg_catalog.pg_class ON pg_class.oid = attrelid
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE attrelid = ANY ($1)";

/// Table and column, as PostgreSQL numbers them.
type ColumnId = (u32, i16);

/// What a description says beyond PostgreSQL's.
#[derive(Debug)]
struct Column {
    schema: String,
    table: String,
    name: String,
    flags: i16,
}

/// Looks names up for one session.
#[derive(Debug)]
pub(crate) struct Metadata {
    awake: Arc<Awake>,
    database: String,
    /// Opened by the first result that comes from a table.
    client: OnceCell<Client>,
}

impl Metadata {
    pub(crate) fn new(awake: Arc<Awake>, database: String) -> Self {
        Self { awake, database, client: OnceCell::new() }
    }

    /// Appends the longer form of a RowDescription with this body.
    pub(crate) async fn put_description(&self, body: &[u8], output: &mut BytesMut) -> io::Result<()> {
        let fields = fields(body)?;
        let mut tables: Vec<u32> = fields.iter().map(|field| field.column.0).filter(|table| *table != 0).collect();
        tables.dedup();
        let columns = if tables.is_empty() { HashMap::new() } else { self.look_up(&tables).await? };
        wire::put_message(output, b'T', |out| {
            out.put_u16(u16::try_from(fields.len()).expect("as many as PostgreSQL has counted in 16 bits"));
            for field in &fields {
                out.put_slice(field.bytes);
                self.put_column(columns.get(&field.column), out);
            }
        });
        Ok(())
    }

    fn put_column(&self, column: Option<&Column>, out: &mut BytesMut) {
        let Some(column) = column else {
            out.put_slice(b"\0\0\0\0");
            return out.put_i16(NULLABLE | READ_ONLY);
        };
        for text in [&column.schema, &column.table, &column.name, &self.database] {
            wire::put_text(out, text);
        }
        out.put_i16(column.flags);
    }

    async fn look_up(&self, tables: &[u32]) -> io::Result<HashMap<ColumnId, Column>> {
        let client = self.client.get_or_try_init(|| self.awake.cluster.connect(&self.database)).await;
        let client = client.map_err(io::Error::other)?;
        let rows = client.query_typed(NAMES, &[(&tables, Type::OID_ARRAY)]).await.map_err(io::Error::other)?;
        let columns = rows.iter().map(|row| {
            let not_null: bool = row.get(5);
            let numbered: bool = row.get(6);
            let flags = SEARCHABLE | if not_null { 0 } else { NULLABLE } | if numbered { AUTO_INCREMENT } else { 0 };
            let column = Column { schema: row.get(2), table: row.get(3), name: row.get(4), flags };
            ((row.get(0), row.get(1)), column)
        });
        Ok(columns.collect())
    }
}

/// A field as PostgreSQL has described it.
struct Field<'a> {
    bytes: &'a [u8],
    column: ColumnId,
}

fn fields(mut body: &[u8]) -> io::Result<Vec<Field<'_>>> {
    let short = || wire::invalid("a row description is too short".to_owned());
    let count = body.try_get_u16().map_err(|_| short())?;
    let mut found = Vec::with_capacity(count.into());
    for _ in 0..count {
        let name = body.iter().position(|byte| *byte == 0).ok_or_else(short)? + 1;
        let (bytes, rest) = body.split_at_checked(name + FIELD_TAIL).ok_or_else(short)?;
        let mut numbers = &bytes[name..];
        found.push(Field { bytes, column: (numbers.get_u32(), numbers.get_i16()) });
        body = rest;
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart_and_a_description_cut_short_is_no_description() {
        let mut body = BytesMut::new();
        body.put_u16(2);
        for (name, table, column) in [("a", 16_400, 3), ("", 0, 0)] {
            wire::put_text(&mut body, name);
            body.put_u32(table);
            body.put_i16(column);
            body.put_slice(&[0; 12]);
        }
        let found = fields(&body).unwrap();
        assert_eq!(found.iter().map(|field| field.column).collect::<Vec<_>>(), [(16_400, 3), (0, 0)]);
        assert_eq!(found[0].bytes.len(), 2 + FIELD_TAIL);
        for length in 0..body.len() {
            assert!(fields(&body[..length]).is_err(), "{length}");
        }
    }
}
