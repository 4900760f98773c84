//! Finds tables, columns and functions by a part of their name. Each name is looked at once, however many objects bear
//! it; what is found is put in order only as far as it is shown.

use super::{Match, Objects, Row, Rows};

/// What a search found, best first.
pub type Hits<'a> = Rows<'a>;

/// Classes of what is found, in the order they are shown in where they match alike.
const TABLE: u64 = 0;
const FUNCTION: u64 = 1;
const COLUMN: u64 = 2;

impl Objects {
    /// Finds what bears a name like `query`: a part of a name, or of several with points between, `sales.ord` or
    /// `orders.id`. Gives hits from `first` on, at most `count`.
    #[must_use]
    pub fn search(&self, query: &str, first: usize, count: usize) -> Hits<'_> {
        let lower = query.trim().to_lowercase();
        let terms: Vec<&str> =
            lower.split(['.', ' ']).map(|term| term.trim_matches('"')).filter(|t| !t.is_empty()).collect();
        let Some((last, owners)) = terms.split_last() else { return Hits { total: 0, rows: Vec::new() } };
        let named = self.names.matches(last);
        let owners: Vec<Vec<Match>> = owners.iter().rev().map(|term| self.names.matches(term)).collect();
        let mut keys = Vec::new();
        let mut push = |found: Match, class: u64, system: bool, name: super::NameId, at: usize| {
            let worse = (Match::Whole as u64).saturating_sub(found as u64);
            let length = self.names.get(name).len().min(255) as u64;
            keys.push(worse << 60 | u64::from(system) << 59 | class << 56 | length << 48 | at as u64);
        };
        let name_of = |name: super::NameId| named[name.0 as usize];
        let owned =
            |at: usize, name: super::NameId| owners.get(at).is_none_or(|found| found[name.0 as usize] != Match::None);

        for (at, table) in self.tables.iter().enumerate() {
            let schema = &self.schemas[table.schema as usize];
            let found = name_of(table.name);
            if found != Match::None && owners.len() < 2 && owned(0, schema.name) {
                push(found, TABLE, schema.system, table.name, at);
            }
            // `public.orders.id`, or `orders.id`.
            if owners.len() > 2 || !owned(0, table.name) || !owned(1, schema.name) {
                continue;
            }
            let columns = self.column_range(u32::try_from(at).unwrap_or(u32::MAX));
            for (place, column) in self.columns[columns.start as usize..columns.end as usize].iter().enumerate() {
                let found = name_of(column.name);
                if found != Match::None {
                    push(found, COLUMN, schema.system, column.name, columns.start as usize + place);
                }
            }
        }
        for (at, function) in self.functions.iter().enumerate() {
            let schema = &self.schemas[function.schema as usize];
            let found = name_of(function.name);
            if found != Match::None && owners.len() < 2 && owned(0, schema.name) {
                push(found, FUNCTION, schema.system, function.name, at);
            }
        }
        let total = keys.len();
        let end = first.saturating_add(count).min(total);
        if end < total {
            keys.select_nth_unstable(end);
            keys.truncate(end);
        }
        keys.sort_unstable();
        let rows = keys.iter().skip(first).map(|key| self.hit(*key)).collect();
        Hits { total: total as u64, rows }
    }

    fn hit(&self, key: u64) -> Row<'_> {
        let at = u32::try_from(key & 0xffff_ffff).unwrap_or(u32::MAX);
        match key >> 56 & 7 {
            TABLE => self.table_row(at, 0, false),
            COLUMN => {
                // The last table that begins at or before the column. Those without columns begin where the next does.
                let table = self.tables.partition_point(|table| table.first_column <= at) - 1;
                self.column_row(u32::try_from(table).unwrap_or(u32::MAX), at, 0)
            }
            _ => self.function_row(at, 0),
        }
    }
}
