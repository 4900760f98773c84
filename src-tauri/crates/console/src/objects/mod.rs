//! What a database holds: schemas, tables with their columns, functions. Read once per login, kept in memory, searched
//! and paged here, so that a window of fifty thousand tables holds the few dozen rows it shows.
//!
//! Names are numbers ([`names`]) and a column is twelve bytes; tables lie in the order they are shown in, the columns of
//! each side by side.

mod builder;
mod names;
mod rows;
mod search;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
#[cfg(test)]
pub(crate) use tests::warehouse;

use std::ops::Range;

pub use builder::{ColumnFacts, ObjectsBuilder};
pub(crate) use names::Match;
use names::{NameId, Names};
pub use rows::{Open, Row, RowKind, Rows};
pub use search::Hits;

/// The objects of one database, as one user sees them.
#[derive(Clone, Debug)]
pub struct Objects {
    pub(crate) database: String,
    pub(crate) redshift: bool,
    names: Names,
    encodings: Vec<NameId>,
    databases: Vec<NameId>,
    schemas: Vec<SchemaRecord>,
    tables: Vec<TableRecord>,
    columns: Vec<ColumnRecord>,
    functions: Vec<FunctionRecord>,
    /// Where names without a schema are looked for.
    path: Vec<u32>,
}

/// Where a schema's tables are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SchemaKind {
    /// In the database.
    #[default]
    Local,
    /// In a data lake or another server.
    External,
    /// In another warehouse, shared.
    Shared,
}

/// What a table is.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum TableKind {
    /// A table.
    #[default]
    Table,
    /// A view.
    View,
    /// A view that keeps its rows.
    MaterializedView,
    /// A view that looks its tables up when it is used.
    LateBindingView,
    /// A table whose rows are elsewhere.
    External,
    /// A table of another warehouse.
    Shared,
}

impl TableKind {
    /// It has a query rather than rows of its own.
    #[must_use]
    pub fn is_view(self) -> bool {
        matches!(self, Self::View | Self::MaterializedView | Self::LateBindingView)
    }
}

#[derive(Clone, Copy, Debug)]
struct SchemaRecord {
    name: NameId,
    kind: SchemaKind,
    /// The server's own.
    system: bool,
    tables: (u32, u32),
    functions: (u32, u32),
}

#[derive(Clone, Copy, Debug)]
struct TableRecord {
    name: NameId,
    schema: u32,
    first_column: u32,
    kind: TableKind,
    /// `u64::MAX`: not known.
    rows: u64,
    remarks: Option<NameId>,
}

#[derive(Clone, Copy, Debug)]
struct ColumnRecord {
    name: NameId,
    type_name: NameId,
    /// In [`Objects::encodings`]; zero is none.
    encoding: u16,
    sort: i8,
    flags: u8,
}

const NOT_NULL: u8 = 1;
const PRIMARY: u8 = 2;
const DISTRIBUTION: u8 = 4;
const PARTITION: u8 = 8;

#[derive(Clone, Copy, Debug)]
struct FunctionRecord {
    name: NameId,
    schema: u32,
    arguments: NameId,
    result: NameId,
    procedure: bool,
}

/// Names a table of [`Objects`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TableId(u32);

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// Its schema.
    pub schema: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: TableKind,
    /// How many rows it has, as the server thinks.
    pub rows: Option<u64>,
    /// What somebody said about it.
    pub remarks: Option<&'a str>,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type, as the server writes it.
    pub type_name: &'a str,
    /// It holds no NULL.
    pub not_null: bool,
    /// Part of the primary key.
    pub primary: bool,
    /// The distribution key.
    pub distribution: bool,
    /// A key that the files of an external table are parted by.
    pub partition: bool,
    /// Its place in the sort key, from 1; negative where the key is interleaved.
    pub sort: i8,
    /// How it is compressed.
    pub encoding: Option<&'a str>,
}

/// A function or procedure.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// Its schema.
    pub schema: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Types of what it takes.
    pub arguments: &'a str,
    /// Type of what it gives.
    pub result: &'a str,
    /// It is called with CALL.
    pub procedure: bool,
}

impl Objects {
    /// The database they are in.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The server is Redshift.
    #[must_use]
    pub fn redshift(&self) -> bool {
        self.redshift
    }

    /// How many tables and columns there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.tables.len(), self.columns.len())
    }

    /// Bytes of memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.names.bytes()
            + self.tables.capacity() * size_of::<TableRecord>()
            + self.columns.capacity() * size_of::<ColumnRecord>()
            + self.functions.capacity() * size_of::<FunctionRecord>()
    }

    /// The table of this schema and name; case counts only where two differ in nothing else.
    #[must_use]
    pub fn table(&self, schema: &str, name: &str) -> Option<TableId> {
        self.find(self.schema(schema)?, name)
    }

    /// The table that a name without a schema means: of the search path, else of the only schema that has it.
    #[must_use]
    pub fn table_on_path(&self, name: &str) -> Option<TableId> {
        let on_path = self.path.iter().find_map(|schema| self.find(*schema, name));
        on_path.or_else(|| (0..self.schema_count()).find_map(|schema| self.find(schema, name)))
    }

    /// What is known of a table.
    #[must_use]
    pub fn table_of(&self, id: TableId) -> Table<'_> {
        let record = self.tables[id.0 as usize];
        Table {
            schema: self.schema_name(record.schema),
            name: self.names.get(record.name),
            kind: record.kind,
            rows: (record.rows != u64::MAX).then_some(record.rows),
            remarks: record.remarks.map(|remarks| self.names.get(remarks)),
        }
    }

    /// The columns of a table, in order.
    pub fn columns_of(&self, id: TableId) -> impl ExactSizeIterator<Item = Column<'_>> {
        self.column_range(id.0).map(|at| self.column(at))
    }

    /// Its name as SQL writes it, with the schema.
    #[must_use]
    pub fn full_name(&self, id: TableId) -> String {
        let table = self.table_of(id);
        format!("{}.{}", quoted(table.schema), quoted(table.name))
    }

    /// A SELECT of all its columns by name.
    #[must_use]
    pub fn select_of(&self, id: TableId) -> String {
        let columns: Vec<String> = self.columns_of(id).map(|column| format!("    {}", quoted(column.name))).collect();
        match columns.is_empty() {
            true => format!("SELECT *\nFROM {}", self.full_name(id)),
            false => format!("SELECT\n{}\nFROM {}", columns.join(",\n"), self.full_name(id)),
        }
    }

    /// Names of the schemas, those of the search path first, those of the server last.
    pub(crate) fn schema_names(&self) -> impl Iterator<Item = (&str, SchemaKind, bool)> {
        let on_path = |schema: &SchemaRecord| self.path.iter().any(|at| self.schemas[*at as usize].name == schema.name);
        let mut order: Vec<_> = self.schemas.iter().collect();
        order.sort_by_key(|schema| (schema.system, !on_path(schema)));
        order.into_iter().map(|schema| (self.names.get(schema.name), schema.kind, schema.system))
    }

    /// The tables of a schema.
    pub(crate) fn tables_in(&self, schema: &str) -> impl Iterator<Item = Table<'_>> {
        let range = self.schema(schema).map_or(0..0, |at| range(self.schemas[at as usize].tables));
        range.map(|at| self.table_of(TableId(at)))
    }

    /// Tables whose names hold `term`, which is in lower case, and how well; with whether they are on the search path, and
    /// the server's own.
    pub(crate) fn tables_everywhere(&self, term: &str) -> impl Iterator<Item = (Match, Table<'_>, bool, bool)> {
        let named = self.names.matches(term);
        self.tables.iter().enumerate().filter_map(move |(at, record)| {
            let found = named[record.name.0 as usize];
            let id = TableId(u32::try_from(at).unwrap_or(u32::MAX));
            let on_path = self.path.contains(&record.schema);
            let system = self.schemas[record.schema as usize].system;
            (found != Match::None).then(|| (found, self.table_of(id), on_path, system))
        })
    }

    /// The functions of a schema, or of all.
    pub(crate) fn functions_in(&self, schema: Option<&str>) -> impl Iterator<Item = Function<'_>> {
        let range = match schema {
            None => 0..u32::try_from(self.functions.len()).unwrap_or(u32::MAX),
            Some(name) => self.schema(name).map_or(0..0, |at| range(self.schemas[at as usize].functions)),
        };
        range.map(|at| self.function(at))
    }

    /// Whether names of a schema need none in front.
    pub(crate) fn is_on_path(&self, schema: &str) -> bool {
        self.path.iter().any(|at| self.schema_name(*at).eq_ignore_ascii_case(schema))
    }

    fn schema_count(&self) -> u32 {
        u32::try_from(self.schemas.len()).unwrap_or(u32::MAX)
    }

    fn schema(&self, name: &str) -> Option<u32> {
        let found =
            |same: &dyn Fn(&str) -> bool| self.schemas.iter().position(|schema| same(self.names.get(schema.name)));
        let at = found(&|other| other == name).or_else(|| found(&|other| same_name(other, name)))?;
        u32::try_from(at).ok()
    }

    fn schema_name(&self, at: u32) -> &str {
        self.names.get(self.schemas[at as usize].name)
    }

    fn find(&self, schema: u32, name: &str) -> Option<TableId> {
        let tables = range(self.schemas[schema as usize].tables);
        let slice = &self.tables[tables.start as usize..tables.end as usize];
        let at = slice.binary_search_by(|table| self.names.get(table.name).cmp(name)).ok().or_else(|| {
            // Only names with capitals can be the same otherwise, and they are few.
            let lower = name.to_lowercase();
            match slice.binary_search_by(|table| self.names.get(table.name).cmp(&lower)) {
                Ok(at) => Some(at),
                Err(_) => slice.iter().position(|table| same_name(self.names.get(table.name), name)),
            }
        })?;
        Some(TableId(tables.start + u32::try_from(at).ok()?))
    }

    fn column_range(&self, table: u32) -> Range<u32> {
        let at = table as usize;
        let end = self.tables.get(at + 1).map_or(self.columns.len(), |next| next.first_column as usize);
        self.tables[at].first_column..u32::try_from(end).unwrap_or(u32::MAX)
    }

    fn column(&self, at: u32) -> Column<'_> {
        let record = self.columns[at as usize];
        Column {
            name: self.names.get(record.name),
            type_name: self.names.get(record.type_name),
            not_null: record.flags & NOT_NULL != 0,
            primary: record.flags & PRIMARY != 0,
            distribution: record.flags & DISTRIBUTION != 0,
            partition: record.flags & PARTITION != 0,
            sort: record.sort,
            encoding: (record.encoding > 0).then(|| self.names.get(self.encodings[usize::from(record.encoding) - 1])),
        }
    }

    fn function(&self, at: u32) -> Function<'_> {
        let record = self.functions[at as usize];
        Function {
            schema: self.schema_name(record.schema),
            name: self.names.get(record.name),
            arguments: self.names.get(record.arguments),
            result: self.names.get(record.result),
            procedure: record.procedure,
        }
    }
}

fn range((start, end): (u32, u32)) -> Range<u32> {
    start..end
}

/// Names are compared as Redshift does, which folds them to lower case.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one == other || (one.len() == other.len() && one.to_lowercase() == other.to_lowercase())
}

/// A name as SQL writes it: in quotes unless it is plain, and no word of the language.
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut characters = name.bytes();
    let begins = characters.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_');
    let plain = begins && characters.all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == b'_');
    if plain && RESERVED.binary_search(&name).is_err() {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reserved words of Redshift (<https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html>) and of PostgreSQL that are no
/// names without quotes, sorted.
const RESERVED: &[&str] = &[
    "aes128",
    "aes256",
    "all",
    "allowoverwrite",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "az64",
    "backup",
    "between",
    "binary",
    "blanksasnull",
    "both",
    "bytedict",
    "bzip2",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "connect",
    "constraint",
    "create",
    "credentials",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "current_user_id",
    "default",
    "deferrable",
    "deflate",
    "defrag",
    "delta",
    "delta32k",
    "desc",
    "disable",
    "distinct",
    "do",
    "else",
    "emptyasnull",
    "enable",
    "encode",
    "encrypt",
    "encryption",
    "end",
    "except",
    "explicit",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "globaldict256",
    "globaldict64k",
    "grant",
    "group",
    "gzip",
    "having",
    "identity",
    "ignore",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "language",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "lun",
    "luns",
    "lzo",
    "lzop",
    "minus",
    "mostly16",
    "mostly32",
    "mostly8",
    "natural",
    "new",
    "not",
    "notnull",
    "null",
    "nulls",
    "off",
    "offline",
    "offset",
    "oid",
    "old",
    "on",
    "only",
    "open",
    "or",
    "order",
    "outer",
    "overlaps",
    "parallel",
    "partition",
    "percent",
    "permissions",
    "pivot",
    "placing",
    "primary",
    "qualify",
    "raw",
    "readratio",
    "recover",
    "references",
    "rejectlog",
    "resort",
    "respect",
    "restore",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "snapshot",
    "some",
    "symmetric",
    "sysdate",
    "system",
    "table",
    "tablesample",
    "tag",
    "tdes",
    "text255",
    "text32k",
    "then",
    "timestamp",
    "to",
    "top",
    "trailing",
    "true",
    "truncatecolumns",
    "type",
    "union",
    "unique",
    "unnest",
    "unpivot",
    "user",
    "using",
    "variadic",
    "verbose",
    "wallet",
    "when",
    "where",
    "window",
    "with",
    "without",
];
