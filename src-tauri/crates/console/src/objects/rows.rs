//! The tree as a list: what is open decides which rows there are, and a window of them is made without the others.

use std::ops::Range;

use super::{Column, Function, Objects, SchemaKind, TableId, TableKind, range};

/// What is open. All that is not named is closed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Open {
    /// The database itself is closed: none of its schemas is shown.
    pub database_closed: bool,
    /// Schemas.
    pub schemas: Vec<String>,
    /// Schemas whose functions are shown.
    pub functions: Vec<String>,
    /// Tables, by schema and name.
    pub tables: Vec<(String, String)>,
}

/// A window of rows.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// How many there are in all.
    pub total: u64,
    /// Those of the window.
    pub rows: Vec<Row<'a>>,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RowKind {
    /// The database that was read.
    Database,
    /// Another database of the server; its objects are not here.
    OtherDatabase,
    /// A schema.
    Schema(SchemaKind),
    /// A table.
    Table(TableKind),
    /// A column.
    Column,
    /// The functions of a schema.
    Functions,
    /// A function or procedure.
    Function,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What it shows.
    pub kind: RowKind,
    /// How deep it lies; a database has zero.
    pub depth: u32,
    /// Name of what it shows.
    pub name: &'a str,
    /// The schema it is in.
    pub schema: Option<&'a str>,
    /// The table it is in.
    pub table: Option<&'a str>,
    /// Tables of a schema, rows of a table, functions.
    pub count: Option<u64>,
    /// Whether it is open; `None` when there is nothing to open.
    pub open: Option<bool>,
    /// Facts of a column.
    pub column: Option<Column<'a>>,
    /// Facts of a function.
    pub function: Option<Function<'a>>,
    /// What somebody said about it.
    pub remarks: Option<&'a str>,
    /// Number of the row it lies under.
    pub parent: Option<u64>,
    /// Its place among its siblings, from 1,
    pub place: u32,
    /// and how many those are.
    pub of: u32,
}

impl<'a> Row<'a> {
    fn new(kind: RowKind, depth: u32, name: &'a str) -> Self {
        Self {
            kind,
            depth,
            name,
            schema: None,
            table: None,
            count: None,
            open: None,
            column: None,
            function: None,
            remarks: None,
            parent: None,
            place: 1,
            of: 1,
        }
    }
}

impl Objects {
    /// The rows from `first` on, at most `count`.
    #[must_use]
    pub fn rows(&self, open: &Open, first: u64, count: u64) -> Rows<'_> {
        let mut list = List { at: 0, window: first..first.saturating_add(count), rows: Vec::new() };
        let databases: Vec<_> = self.databases.iter().map(|name| self.names.get(*name)).collect();
        let others = databases.iter().filter(|name| **name != self.database);
        let of = u32::try_from(others.clone().count() + 1).unwrap_or(u32::MAX);
        let here = Row { open: Some(!open.database_closed), of, ..Row::new(RowKind::Database, 0, &self.database) };
        list.run(1, |_| here);
        if !open.database_closed {
            for schema in 0..self.schema_count() {
                self.schema_rows(&mut list, open, schema);
            }
        }
        for (place, name) in others.enumerate() {
            let place = u32::try_from(place + 2).unwrap_or(u32::MAX);
            list.run(1, |_| Row { place, of, ..Row::new(RowKind::OtherDatabase, 0, name) });
        }
        Rows { total: list.at, rows: list.rows }
    }

    fn schema_rows<'a>(&'a self, list: &mut List<'a>, open: &Open, at: u32) {
        let record = self.schemas[at as usize];
        let name = self.names.get(record.name);
        let (tables, functions) = (range(record.tables), range(record.functions));
        let (has_tables, has_functions) = (!tables.is_empty(), !functions.is_empty());
        let is_open = open.schemas.iter().any(|open| open == name);
        let row = list.at;
        let schema = Row {
            count: Some(u64::from(tables.end - tables.start)),
            open: (has_tables || has_functions).then_some(is_open),
            parent: Some(0),
            place: at + 1,
            of: self.schema_count(),
            ..Row::new(RowKind::Schema(record.kind), 1, name)
        };
        list.run(1, |_| schema);
        if !is_open {
            return;
        }
        let of = tables.end - tables.start + u32::from(has_functions);
        let table_row = |table: u32, is_open: bool| Row {
            parent: Some(row),
            place: table - tables.start + 1,
            of,
            ..self.table_row(table, 2, is_open)
        };
        let mut opened: Vec<u32> = open
            .tables
            .iter()
            .filter(|(schema, _)| schema == name)
            .filter_map(|(schema, table)| Some(self.table(schema, table)?.0))
            .collect();
        opened.sort_unstable();
        opened.dedup();
        let mut next = tables.start;
        for table in opened {
            list.run(table - next, |at| table_row(next + at, false));
            let row = list.at;
            list.run(1, |_| table_row(table, true));
            let columns = self.column_range(table);
            list.run(columns.end - columns.start, |at| Row {
                parent: Some(row),
                place: at + 1,
                of: columns.end - columns.start,
                ..self.column_row(table, columns.start + at, 3)
            });
            next = table + 1;
        }
        list.run(tables.end - next, |at| table_row(next + at, false));
        if has_functions {
            self.function_rows(list, open, name, functions, (row, of));
        }
    }

    fn function_rows<'a>(
        &'a self,
        list: &mut List<'a>,
        open: &Open,
        schema: &'a str,
        functions: Range<u32>,
        (parent, of): (u64, u32),
    ) {
        let is_open = open.functions.iter().any(|open| open == schema);
        let count = functions.end - functions.start;
        let row = list.at;
        let group = Row {
            schema: Some(schema),
            count: Some(u64::from(count)),
            open: Some(is_open),
            parent: Some(parent),
            place: of,
            of,
            ..Row::new(RowKind::Functions, 2, "")
        };
        list.run(1, |_| group);
        if is_open {
            list.run(count, |at| Row {
                parent: Some(row),
                place: at + 1,
                of: count,
                ..self.function_row(functions.start + at, 3)
            });
        }
    }

    pub(super) fn table_row(&self, at: u32, depth: u32, open: bool) -> Row<'_> {
        let table = self.table_of(TableId(at));
        Row {
            schema: Some(table.schema),
            count: table.rows,
            open: (!self.column_range(at).is_empty()).then_some(open),
            remarks: table.remarks,
            ..Row::new(RowKind::Table(table.kind), depth, table.name)
        }
    }

    pub(super) fn column_row(&self, table: u32, at: u32, depth: u32) -> Row<'_> {
        let (table, column) = (self.table_of(TableId(table)), self.column(at));
        Row {
            schema: Some(table.schema),
            table: Some(table.name),
            column: Some(column),
            ..Row::new(RowKind::Column, depth, column.name)
        }
    }

    pub(super) fn function_row(&self, at: u32, depth: u32) -> Row<'_> {
        let function = self.function(at);
        Row {
            schema: Some(function.schema),
            function: Some(function),
            ..Row::new(RowKind::Function, depth, function.name)
        }
    }
}

/// A list of which only a window is made.
struct List<'a> {
    at: u64,
    window: Range<u64>,
    rows: Vec<Row<'a>>,
}

impl<'a> List<'a> {
    /// `count` rows, of which those in the window are asked for.
    fn run(&mut self, count: u32, row: impl Fn(u32) -> Row<'a>) {
        let end = self.at + u64::from(count);
        let wanted = self.window.start.max(self.at)..self.window.end.min(end);
        // Both are within a run of at most four billion.
        self.rows.extend(wanted.map(|at| row(u32::try_from(at - self.at).unwrap_or(u32::MAX))));
        self.at = end;
    }
}
