//! Collects a catalogue as its rows come, in any order.

use std::collections::HashMap;

use super::names::{NameId, NamesBuilder};
use super::{
    ColumnRecord, DISTRIBUTION, FunctionRecord, NOT_NULL, Objects, PARTITION, PRIMARY, SchemaKind, SchemaRecord,
    TableKind, TableRecord,
};

/// What is known of a column when it is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ColumnFacts<'a> {
    /// Its place in the table, from 1.
    pub ordinal: i32,
    /// Its name.
    pub name: &'a str,
    /// Its type, as the server writes it.
    pub type_name: &'a str,
    /// It holds no NULL.
    pub not_null: bool,
    /// The distribution key.
    pub distribution: bool,
    /// A key that the files of an external table are parted by.
    pub partition: bool,
    /// Its place in the sort key, from 1; negative where the key is interleaved, zero where it is not in it.
    pub sort: i32,
    /// How it is compressed; `none` and nothing are the same.
    pub encoding: &'a str,
}

/// A catalogue that is being read.
#[derive(Debug, Default)]
pub struct ObjectsBuilder {
    names: NamesBuilder,
    encodings: Vec<NameId>,
    databases: Vec<NameId>,
    schemas: Vec<SchemaRecord>,
    schema_at: HashMap<NameId, u32>,
    tables: Vec<TableRecord>,
    table_at: HashMap<(u32, NameId), u32>,
    /// Table, place and the column.
    columns: Vec<(u32, i32, ColumnRecord)>,
    /// The places of a table's primary key.
    keys: HashMap<u32, Vec<i32>>,
    functions: Vec<FunctionRecord>,
    path: Vec<NameId>,
}

impl ObjectsBuilder {
    /// A database of the server.
    pub fn database(&mut self, name: &str) {
        let name = self.names.add(name);
        self.databases.push(name);
    }

    /// A schema. Naming one again says more about it.
    pub fn schema(&mut self, name: &str, kind: SchemaKind) {
        let at = self.schema_index(name);
        self.schemas[at as usize].kind = kind;
    }

    /// A schema of the search path, in order.
    pub fn on_path(&mut self, schema: &str) {
        let name = self.names.add(schema);
        self.path.push(name);
    }

    /// A table. Naming one again says more about it.
    pub fn table(&mut self, schema: &str, name: &str, kind: TableKind, remarks: Option<&str>) {
        let at = self.table_index(schema, name);
        let remarks = remarks.filter(|text| !text.is_empty()).map(|text| self.names.add(text));
        let table = &mut self.tables[at as usize];
        table.kind = table.kind.max(kind);
        table.remarks = remarks.or(table.remarks);
    }

    /// How many rows a table has; of no use for one that was not named.
    pub fn rows(&mut self, schema: &str, name: &str, rows: u64) {
        if let Some(at) = self.known_table(schema, name) {
            self.tables[at as usize].rows = rows;
        }
    }

    /// A column; its table is there from now on.
    pub fn column(&mut self, schema: &str, table: &str, facts: &ColumnFacts<'_>) {
        let table = self.table_index(schema, table);
        let mut flags = 0;
        for (set, flag) in
            [(facts.not_null, NOT_NULL), (facts.distribution, DISTRIBUTION), (facts.partition, PARTITION)]
        {
            flags |= if set { flag } else { 0 };
        }
        let record = ColumnRecord {
            name: self.names.add(facts.name),
            type_name: self.names.add(facts.type_name),
            encoding: self.encoding(facts.encoding),
            sort: i8::try_from(facts.sort).unwrap_or(i8::MAX),
            flags,
        };
        self.columns.push((table, facts.ordinal, record));
    }

    /// A primary key, by the places of its columns.
    pub fn primary_key(&mut self, schema: &str, table: &str, ordinals: &[i32]) {
        let Some(table) = self.known_table(schema, table) else { return };
        self.keys.entry(table).or_default().extend(ordinals);
    }

    /// A function or procedure.
    pub fn function(&mut self, schema: &str, name: &str, arguments: &str, result: &str, procedure: bool) {
        let schema = self.schema_index(schema);
        let record = FunctionRecord {
            name: self.names.add(name),
            schema,
            arguments: self.names.add(arguments),
            result: self.names.add(result),
            procedure,
        };
        self.functions.push(record);
    }

    /// Tables and columns so far.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.tables.len(), self.columns.len())
    }

    /// Brings all in the order it is shown in.
    #[must_use]
    pub fn finish(self, database: &str, redshift: bool) -> Objects {
        let Self { names, encodings, mut databases, schemas, tables, mut columns, mut functions, path, keys, .. } =
            self;
        let schema_order = order(schemas.len(), |one, other| {
            let key = |at: usize| (schemas[at].system, names.get(schemas[at].name));
            key(one).cmp(&key(other))
        });
        let schema_place = places(&schema_order);
        let table_order = order(tables.len(), |one, other| {
            let key = |at: usize| (schema_place[tables[at].schema as usize], names.get(tables[at].name));
            key(one).cmp(&key(other))
        });
        let table_place = places(&table_order);
        for (table, ordinal, column) in &mut columns {
            if keys.get(table).is_some_and(|keys| keys.contains(ordinal)) {
                column.flags |= PRIMARY;
            }
            *table = table_place[*table as usize];
        }
        // Two views may tell of one column: the same place twice is the same column.
        columns.sort_by_key(|(table, ordinal, _)| (*table, *ordinal));
        columns.dedup_by_key(|(table, ordinal, _)| (*table, *ordinal));
        let mut sorted_tables: Vec<_> = table_order.iter().map(|at| tables[*at as usize]).collect();
        let mut sorted_schemas: Vec<_> = schema_order.iter().map(|at| schemas[*at as usize]).collect();
        let mut column_at = 0;
        for (at, table) in sorted_tables.iter_mut().enumerate() {
            table.schema = schema_place[table.schema as usize];
            column_at += columns[column_at..].partition_point(|(of, ..)| (*of as usize) < at);
            table.first_column = u32::try_from(column_at).unwrap_or(u32::MAX);
        }
        for function in &mut functions {
            function.schema = schema_place[function.schema as usize];
        }
        functions.sort_by(|one, other| {
            let key = |of: &FunctionRecord| (of.schema, names.get(of.name), names.get(of.arguments));
            key(one).cmp(&key(other))
        });
        for (at, schema) in sorted_schemas.iter_mut().enumerate() {
            schema.tables = span(&sorted_tables, |table| table.schema as usize, at);
            schema.functions = span(&functions, |function| function.schema as usize, at);
        }
        let find = |name: &NameId| sorted_schemas.iter().position(|schema| schema.name == *name);
        let path = path.iter().filter_map(find).filter_map(|at| u32::try_from(at).ok()).collect();
        databases.sort_by(|one, other| names.get(*one).cmp(names.get(*other)));
        databases.dedup();
        let mut columns: Vec<_> = columns.into_iter().map(|(.., column)| column).collect();
        columns.shrink_to_fit();
        Objects {
            database: database.to_owned(),
            redshift,
            names: names.finish(),
            encodings,
            databases,
            schemas: sorted_schemas,
            tables: sorted_tables,
            columns,
            functions,
            path,
        }
    }

    fn schema_index(&mut self, name: &str) -> u32 {
        let id = self.names.add(name);
        *self.schema_at.entry(id).or_insert_with(|| {
            let system = name.starts_with("pg_") || matches!(name, "information_schema" | "catalog_history");
            let kind = SchemaKind::default();
            self.schemas.push(SchemaRecord { name: id, kind, system, tables: (0, 0), functions: (0, 0) });
            u32::try_from(self.schemas.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn table_index(&mut self, schema: &str, name: &str) -> u32 {
        let schema = self.schema_index(schema);
        let name = self.names.add(name);
        *self.table_at.entry((schema, name)).or_insert_with(|| {
            self.tables.push(TableRecord {
                name,
                schema,
                first_column: 0,
                kind: TableKind::default(),
                rows: u64::MAX,
                remarks: None,
            });
            u32::try_from(self.tables.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn known_table(&mut self, schema: &str, name: &str) -> Option<u32> {
        let schema = self.names.add(schema);
        let schema = *self.schema_at.get(&schema)?;
        let name = self.names.add(name);
        self.table_at.get(&(schema, name)).copied()
    }

    /// Zero for none: a warehouse knows a dozen.
    fn encoding(&mut self, name: &str) -> u16 {
        if name.is_empty() || name == "none" {
            return 0;
        }
        let id = self.names.add(name);
        let at = self.encodings.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.encodings.push(id);
            self.encodings.len() - 1
        });
        u16::try_from(at + 1).unwrap_or(0)
    }
}

/// The numbers below `count`, sorted.
fn order(count: usize, compare: impl Fn(usize, usize) -> std::cmp::Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).filter_map(|at| u32::try_from(at).ok()).collect();
    order.sort_by(|one, other| compare(*one as usize, *other as usize));
    order
}

/// Where each has come to.
fn places(order: &[u32]) -> Vec<u32> {
    let mut places = vec![0; order.len()];
    for (place, at) in order.iter().enumerate() {
        places[*at as usize] = u32::try_from(place).unwrap_or(u32::MAX);
    }
    places
}

/// The part of a sorted list that belongs to `at`.
fn span<T>(list: &[T], of: impl Fn(&T) -> usize, at: usize) -> (u32, u32) {
    let start = list.partition_point(|item| of(item) < at);
    let end = list.partition_point(|item| of(item) <= at);
    (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}
