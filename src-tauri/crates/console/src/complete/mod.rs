//! What can be written where the cursor is: columns of the tables a statement names, through aliases, subqueries and
//! common table expressions; tables, schemas and functions of the catalogue.
//!
//! [`tokens`] cuts the text at the cursor, [`scope`] says which tables are seen from there; this file looks them up in the
//! catalogue and puts what fits in order. Without a catalogue a statement's own names are still offered.

mod scope;
mod tokens;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use scope::{Block, Clause, Cte, Level, Place, Source, What};
use tokens::{Cut, Sort, Token};

use crate::objects::{Match, Objects, SchemaKind, Table, TableKind, quoted, same_name};
use crate::split::Strings;

/// At most so many offers. Whoever does not find a name among them writes a letter more.
const OFFERS: usize = 200;

/// Queries are followed through so many others: a recursive one names itself.
const DEEPEST: usize = 16;

/// Columns of one query at most.
const WIDEST: usize = 5_000;

/// What fits where the cursor is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Completion {
    /// Where the name begins that is being written, in bytes.
    pub from: usize,
    /// Best first.
    pub offers: Vec<Offer>,
    /// Whether words of the language may go here, or types.
    pub words: Words,
}

/// Which words of the language may go somewhere.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Words {
    /// None.
    #[default]
    None,
    /// Types: behind `::`.
    Types,
    /// Any.
    All,
}

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// What it is.
    pub kind: OfferKind,
    /// The name, as it is.
    pub name: String,
    /// What is written, in quotes where SQL wants them.
    pub insert: String,
    /// A column's type, a table's schema, what a function takes and gives.
    pub detail: String,
    /// It begins with what is written, or is it.
    pub close: bool,
}

/// What can be offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OfferKind {
    /// A column of a table or query.
    Column,
    /// A name that the statement gives: an alias, an output column.
    Alias,
    /// A common table expression.
    Cte,
    /// A table of the catalogue.
    Table(TableKind),
    /// A schema.
    Schema(SchemaKind),
    /// A function.
    Function,
    /// A procedure.
    Procedure,
}

/// Finds what fits at byte `at` of `text`.
#[must_use]
pub fn complete(text: &str, at: usize, objects: Option<&Objects>, strings: Strings) -> Completion {
    let Some(cut) = tokens::cut(text, at, strings) else { return Completion { from: at, ..Completion::default() } };
    let level = scope::read(&cut.tokens);
    let place = level.place(cut.at);
    let mut search = Search { cut: &cut, objects, place: &place, offers: Vec::new() };
    let words = match (cut.is_type, cut.path.is_empty()) {
        (true, _) => Words::Types,
        (false, true) => {
            search.unqualified();
            if cut.quoted { Words::None } else { Words::All }
        }
        (false, false) => {
            search.qualified();
            Words::None
        }
    };
    Completion { from: cut.from, offers: search.finish(), words }
}

/// A column as a query sees it.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    type_name: String,
}

/// Classes of offers, in the order they are shown in where they match alike.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Class {
    Column,
    Local,
    OnPath,
    Outer,
    Schema,
    Function,
    Elsewhere,
    System,
}

struct Search<'a> {
    cut: &'a Cut<'a>,
    objects: Option<&'a Objects>,
    place: &'a Place<'a>,
    offers: Vec<(Match, Class, Offer)>,
}

impl Search<'_> {
    fn unqualified(&mut self) {
        match self.place.clause {
            Clause::Start | Clause::AfterTable | Clause::Other => {}
            Clause::Table => {
                self.ctes();
                self.tables();
                self.schemas();
            }
            Clause::Call => {
                self.functions(None, true);
                self.schemas();
            }
            Clause::Target => {
                self.target();
                // `SET a = b.c`
                self.sources(false);
            }
            Clause::Common => self.common(),
            Clause::Expression => {
                self.sources(true);
                self.outputs();
                self.functions(None, false);
                if self.place.blocks.iter().all(|block| block.sources.is_empty()) {
                    self.tables();
                }
                self.schemas();
            }
        }
    }

    /// Behind `a.` or `a.b.`.
    fn qualified(&mut self) {
        let path = self.cut.path.clone();
        let table_goes = self.place.clause == Clause::Table;
        if let [name] = path.as_slice()
            && !table_goes
            && self.columns_of_alias(name)
        {
            return;
        }
        let Some(objects) = self.objects else { return };
        // A path may begin with the database.
        let names: Vec<&str> = match path.split_first() {
            Some((first, rest)) if path.len() > 1 && same_name(first, objects.database()) => {
                rest.iter().map(String::as_str).collect()
            }
            _ => path.iter().map(String::as_str).collect(),
        };
        match names.as_slice() {
            [name] => {
                for table in objects.tables_in(name) {
                    self.table(&table, Class::OnPath, false);
                }
                self.functions(Some(name), self.place.clause == Clause::Call);
                if same_name(name, objects.database()) {
                    self.schemas();
                }
                if !table_goes && self.offers.is_empty() {
                    self.columns(&catalogue_columns(objects, &[(*name).to_owned()]), Class::Column);
                }
            }
            [schema, table] => {
                let columns = catalogue_columns(objects, &[(*schema).to_owned(), (*table).to_owned()]);
                self.columns(&columns, Class::Column);
            }
            _ => {}
        }
    }

    /// The columns behind `alias.`; false when nothing has that name.
    fn columns_of_alias(&mut self, name: &str) -> bool {
        let place = self.place;
        for block in place.blocks.iter().rev() {
            if let Some(source) = block.sources.iter().find(|source| source.answers_to(name)) {
                let columns = self.columns_of(block, source, place.ctes.len(), 0);
                self.columns(&columns, Class::Column);
                return true;
            }
            if block.target.as_ref().and_then(|target| target.last()).is_some_and(|target| same_name(target, name)) {
                self.target();
                return true;
            }
        }
        false
    }

    /// Columns and names of the tables that are seen. A column that two of them have is written with its table.
    fn sources(&mut self, with_outer: bool) {
        let place = self.place;
        for (depth, block) in place.blocks.iter().rev().enumerate() {
            if depth > 0 && !with_outer {
                break;
            }
            let class = if depth == 0 { Class::Column } else { Class::Outer };
            let found: Vec<(String, Vec<Column>)> = block
                .sources
                .iter()
                .map(|source| (source.name(), self.columns_of(block, source, place.ctes.len(), 0)))
                .collect();
            for (at, (name, columns)) in found.iter().enumerate() {
                let others = || found.iter().enumerate().filter(|(other, _)| *other != at);
                for column in columns {
                    let twice =
                        others().any(|(_, (_, columns))| columns.iter().any(|one| same_name(&one.name, &column.name)));
                    let insert = match twice && !name.is_empty() && !self.cut.quoted {
                        true => format!("{}.{}", quoted(name), quoted(&column.name)),
                        false => quoted(&column.name),
                    };
                    let detail = match (found.len() > 1, column.type_name.is_empty()) {
                        (true, false) => format!("{name} · {}", column.type_name),
                        (true, true) => name.clone(),
                        _ => column.type_name.clone(),
                    };
                    self.offer(OfferKind::Column, &column.name, insert, detail, class);
                }
            }
            for source in block.sources.iter().filter(|source| !source.name().is_empty()) {
                let name = source.name();
                let detail = match &source.what {
                    What::Table(parts) if source.alias.is_some() => parts.join("."),
                    _ => String::new(),
                };
                self.offer(OfferKind::Alias, &name, quoted(&name), detail, Class::Local);
            }
        }
    }

    /// Names that the query gives its output: Redshift lets them be used right away.
    fn outputs(&mut self) {
        let Some(block) = self.place.blocks.last() else { return };
        let named: Vec<String> = block
            .outputs
            .iter()
            .filter(|(start, end)| !(*start..=*end).contains(&self.cut.at))
            .filter_map(|(start, end)| match output(&self.cut.tokens[*start..*end]) {
                Output::Named { name, path } if path.is_empty() => Some(name),
                _ => None,
            })
            .collect();
        for name in named {
            self.offer(OfferKind::Alias, &name, quoted(&name), String::new(), Class::Local);
        }
    }

    fn target(&mut self) {
        let place = self.place;
        let target = place.blocks.last().and_then(|block| block.target.clone());
        if let (Some(target), Some(objects)) = (target, self.objects) {
            self.columns(&catalogue_columns(objects, &target), Class::Column);
        }
    }

    /// Columns that the last table has, and one before it.
    fn common(&mut self) {
        let place = self.place;
        let Some((last, before)) = place.blocks.last().and_then(|block| block.sources.split_last()) else { return };
        let Some(block) = place.blocks.last() else { return };
        let ctes = place.ctes.len();
        let known: Vec<Column> = before.iter().flat_map(|source| self.columns_of(block, source, ctes, 0)).collect();
        let mut columns = self.columns_of(block, last, ctes, 0);
        columns.retain(|column| known.iter().any(|one| same_name(&one.name, &column.name)));
        self.columns(&columns, Class::Column);
    }

    fn ctes(&mut self) {
        let names: Vec<String> = self.place.ctes.iter().map(|cte| cte.name.clone()).collect();
        for name in names {
            self.offer(OfferKind::Cte, &name, quoted(&name), String::new(), Class::Local);
        }
    }

    fn tables(&mut self) {
        let Some(objects) = self.objects else { return };
        // All fifty thousand are no help: the first letter says which.
        let all = !self.cut.prefix.is_empty();
        let mut tables: Vec<_> = objects
            .tables_everywhere(&self.cut.prefix)
            .filter_map(|(found, table, on_path, system)| {
                let class = match (on_path, system) {
                    (true, false) => Class::OnPath,
                    (_, true) => Class::System,
                    (false, false) => Class::Elsewhere,
                };
                (all || class == Class::OnPath).then_some((found, class, table, !on_path))
            })
            .collect();
        // More than are shown need not be written out.
        if tables.len() > OFFERS {
            let key = |(found, class, table, _): &(Match, Class, Table<'_>, bool)| {
                (std::cmp::Reverse(*found), *class, table.name.len())
            };
            tables.select_nth_unstable_by_key(OFFERS, key);
            tables.truncate(OFFERS);
            // What is left comes in the order of the catalogue again.
            tables.sort_by(|(.., one, _), (.., other, _)| (one.schema, one.name).cmp(&(other.schema, other.name)));
        }
        for (_, class, table, with_schema) in tables {
            self.table(&table, class, with_schema);
        }
    }

    fn table(&mut self, table: &Table<'_>, class: Class, with_schema: bool) {
        let insert = match with_schema && !self.cut.quoted {
            true => format!("{}.{}", quoted(table.schema), quoted(table.name)),
            false => quoted(table.name),
        };
        self.offer(OfferKind::Table(table.kind), table.name, insert, table.schema.to_owned(), class);
    }

    fn schemas(&mut self) {
        let Some(objects) = self.objects else { return };
        for (name, kind, system) in objects.schema_names() {
            if !system || !self.cut.prefix.is_empty() {
                self.offer(OfferKind::Schema(kind), name, quoted(name), String::new(), Class::Schema);
            }
        }
    }

    fn functions(&mut self, schema: Option<&str>, procedures: bool) {
        let Some(objects) = self.objects else { return };
        if schema.is_none() && self.cut.prefix.is_empty() && !procedures {
            return;
        }
        for function in objects.functions_in(schema).filter(|function| function.procedure == procedures) {
            let insert = match schema.is_some() || objects.is_on_path(function.schema) {
                true => quoted(function.name),
                false => format!("{}.{}", quoted(function.schema), quoted(function.name)),
            };
            let detail = match (function.arguments, function.result) {
                (arguments, "") => format!("({arguments})"),
                (arguments, result) => format!("({arguments}) → {result}"),
            };
            let kind = if procedures { OfferKind::Procedure } else { OfferKind::Function };
            self.offer(kind, function.name, insert, detail, Class::Function);
        }
    }

    fn columns(&mut self, columns: &[Column], class: Class) {
        for column in columns {
            self.offer(OfferKind::Column, &column.name, quoted(&column.name), column.type_name.clone(), class);
        }
    }

    fn offer(&mut self, kind: OfferKind, name: &str, insert: String, detail: String, class: Class) {
        let found = Match::of(name, &self.cut.prefix);
        // One letter somewhere inside is in nearly every name.
        let weak = found == Match::Inside && self.cut.prefix.chars().count() == 1;
        if found == Match::None || weak || name.is_empty() {
            return;
        }
        let insert = match self.cut.quoted && !insert.starts_with('"') {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => insert,
        };
        let close = found >= Match::Start || self.cut.prefix.is_empty();
        self.offers.push((found, class, Offer { kind, name: name.to_owned(), insert, detail, close }));
    }

    fn finish(mut self) -> Vec<Offer> {
        // Columns stay in the order of their table; of tables the shorter name is the nearer one.
        self.offers.sort_by_key(|(found, class, offer)| {
            let length = if matches!(offer.kind, OfferKind::Table(_)) { offer.name.len() } else { 0 };
            (std::cmp::Reverse(*found), *class, length)
        });
        let mut offers: Vec<Offer> = Vec::new();
        for (.., offer) in self.offers {
            let same = |other: &Offer| other.insert == offer.insert && other.kind == offer.kind;
            // What is there already is no offer, unless it is quoted: then it may want the quotes.
            if !offers.iter().any(same) {
                offers.push(offer);
            }
            if offers.len() == OFFERS {
                break;
            }
        }
        offers
    }

    /// Columns of a table as `block` reads it; of the common table expressions the first `seen` are known to it.
    fn columns_of(&self, block: &Block, source: &Source, seen: usize, depth: usize) -> Vec<Column> {
        if depth > DEEPEST {
            return Vec::new();
        }
        let mut columns = match &source.what {
            What::Query(inner) => self.columns_of_level(&block.inner[*inner].level, seen, depth + 1),
            What::Table(parts) => self.columns_of_table(parts, seen, depth),
            What::Function(_) => Vec::new(),
        };
        rename(&mut columns, &source.columns);
        columns
    }

    fn columns_of_table(&self, parts: &[String], seen: usize, depth: usize) -> Vec<Column> {
        if let [name] = parts {
            let known = self.place.ctes[..seen].iter().rposition(|cte| same_name(&cte.name, name));
            if let Some(at) = known {
                return self.columns_of_cte(self.place.ctes[at], at, depth);
            }
        }
        self.objects.map_or_else(Vec::new, |objects| catalogue_columns(objects, parts))
    }

    fn columns_of_cte(&self, cte: &Cte, at: usize, depth: usize) -> Vec<Column> {
        let mut columns = self.columns_of_level(&cte.body, at, depth + 1);
        rename(&mut columns, &cte.columns);
        columns
    }

    /// What a query gives: the columns of its first SELECT, as the server says.
    fn columns_of_level(&self, level: &Level, seen: usize, depth: usize) -> Vec<Column> {
        let Some(block) = level.blocks.iter().find(|block| !block.outputs.is_empty()) else {
            // `((SELECT …) UNION (SELECT …))`
            let inner = level.blocks.iter().flat_map(|block| &block.inner).next().filter(|_| depth < DEEPEST);
            return inner.map_or_else(Vec::new, |inner| self.columns_of_level(&inner.level, seen, depth + 1));
        };
        let mut columns = Vec::new();
        for (start, end) in &block.outputs {
            match output(&self.cut.tokens[*start..*end]) {
                Output::All => {
                    for source in &block.sources {
                        columns.extend(self.inner_columns(level, block, source, seen, depth));
                    }
                }
                Output::AllOf(name) => {
                    let source = block.sources.iter().find(|source| source.answers_to(&name));
                    columns
                        .extend(source.map_or_else(Vec::new, |it| self.inner_columns(level, block, it, seen, depth)));
                }
                Output::Named { name, path } => {
                    let type_name = self.type_of(level, block, &path, seen, depth).unwrap_or_default();
                    columns.push(Column { name, type_name });
                }
                // It has a place, where the list is given names from outside.
                Output::Unnamed => columns.push(Column { name: String::new(), type_name: String::new() }),
            }
            if columns.len() > WIDEST {
                columns.truncate(WIDEST);
                break;
            }
        }
        columns
    }

    /// As [`Self::columns_of`], where the query may have common table expressions of its own.
    fn inner_columns(&self, level: &Level, block: &Block, source: &Source, seen: usize, depth: usize) -> Vec<Column> {
        if let What::Table(parts) = &source.what
            && let [name] = parts.as_slice()
            && let Some(cte) = level.ctes.iter().rfind(|cte| same_name(&cte.name, name))
            && depth < DEEPEST
        {
            let mut columns = self.columns_of_cte(cte, seen, depth + 1);
            rename(&mut columns, &source.columns);
            return columns;
        }
        self.columns_of(block, source, seen, depth + 1)
    }

    /// The type of a column that is given on as it is.
    fn type_of(&self, level: &Level, block: &Block, path: &[String], seen: usize, depth: usize) -> Option<String> {
        let (name, owner) = path.split_last()?;
        let mut sources =
            block.sources.iter().filter(|source| owner.last().is_none_or(|owner| source.answers_to(owner)));
        sources.find_map(|source| {
            let columns = self.inner_columns(level, block, source, seen, depth);
            columns.into_iter().find(|column| same_name(&column.name, name)).map(|column| column.type_name)
        })
    }
}

impl Source {
    /// What it is called by in the rest of the query.
    fn name(&self) -> String {
        match (&self.alias, &self.what) {
            (Some(alias), _) => alias.clone(),
            (None, What::Table(parts)) => parts.last().cloned().unwrap_or_default(),
            (None, What::Function(name)) => name.clone(),
            (None, What::Query(_)) => String::new(),
        }
    }

    fn answers_to(&self, name: &str) -> bool {
        same_name(&self.name(), name)
    }
}

/// What an output column of a query is.
#[derive(Debug, Eq, PartialEq)]
enum Output {
    /// `*`
    All,
    /// `t.*`
    AllOf(String),
    /// With the column it is, when it is one as it stands.
    Named {
        name: String,
        path: Vec<String>,
    },
    Unnamed,
}

/// Reads `a.b`, `expression AS name`, `expression name`, `f(…)`, `x::type`.
fn output(tokens: &[Token<'_>]) -> Output {
    match tokens {
        [.., star] if star.text == "*" && tokens.len() == 1 => return Output::All,
        [.., name, dot, star] if star.text == "*" && dot.sort == Sort::Dot => return Output::AllOf(name.name()),
        [expression @ .., word, name] if word.is("as") && name.is_name() => {
            return Output::Named { name: name.name(), path: path(expression).unwrap_or_default() };
        }
        [expression @ .., before, name]
            if name.is_name()
                && (before.is_name() || matches!(before.sort, Sort::Close | Sort::Literal))
                && !before.is_one_of(&["and", "or", "not", "in", "is", "like", "ilike", "between", "then", "else"])
                && !name.is("end") =>
        {
            let whole: Vec<Token<'_>> = expression.iter().chain([before]).cloned().collect();
            return Output::Named { name: name.name(), path: path(&whole).unwrap_or_default() };
        }
        _ => {}
    }
    if let Some(cast) = tokens.iter().position(|token| token.sort == Sort::Cast) {
        return output(&tokens[..cast]);
    }
    if let Some(path) = path(tokens) {
        return path.last().cloned().map_or(Output::Unnamed, |name| Output::Named { name, path });
    }
    match tokens {
        [name, open, .., close] if name.is_name() && open.sort == Sort::Open && close.sort == Sort::Close => {
            Output::Named { name: name.name(), path: Vec::new() }
        }
        [case, .., end] if case.is("case") && end.is("end") => {
            Output::Named { name: "case".to_owned(), path: Vec::new() }
        }
        _ => Output::Unnamed,
    }
}

/// `a.b.c` and nothing else.
fn path(tokens: &[Token<'_>]) -> Option<Vec<String>> {
    let fits = |(at, token): (usize, &Token<'_>)| if at % 2 == 0 { token.is_name() } else { token.sort == Sort::Dot };
    let whole = tokens.len() % 2 == 1 && tokens.iter().enumerate().all(fits);
    whole.then(|| tokens.iter().step_by(2).map(Token::name).collect())
}

fn rename(columns: &mut [Column], names: &[String]) {
    for (column, name) in columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
}

fn catalogue_columns(objects: &Objects, parts: &[String]) -> Vec<Column> {
    let table = match parts {
        [name] => objects.table_on_path(name),
        [schema, name] => objects.table(schema, name),
        [database, schema, name] if same_name(database, objects.database()) => objects.table(schema, name),
        _ => None,
    };
    let column = |column: crate::objects::Column<'_>| Column {
        name: column.name.to_owned(),
        type_name: column.type_name.to_owned(),
    };
    table.map_or_else(Vec::new, |table| objects.columns_of(table).map(column).collect())
}
