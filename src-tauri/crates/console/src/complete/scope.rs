//! Which tables a statement names, where: common table expressions, aliases, subqueries, joins. Reads what is there and
//! takes no offence at what is missing, since a statement is mostly looked at while it is being written.

use super::tokens::{Sort, Token};

/// What goes where the cursor is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Clause {
    /// No statement has begun.
    #[default]
    Start,
    /// A table.
    Table,
    /// Behind a table: a join, an alias, the next clause.
    AfterTable,
    /// A column, or what is made of columns.
    Expression,
    /// A column of the table that is written to.
    Target,
    /// A column that both sides of a join have.
    Common,
    /// A procedure.
    Call,
    /// Something this does not know.
    Other,
}

/// What is between two parentheses, or a whole text: queries, one after the other or joined by set operations.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) ctes: Vec<Cte>,
    pub(super) blocks: Vec<Block>,
}

/// A common table expression.
#[derive(Debug)]
pub(super) struct Cte {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) body: Level,
    span: (usize, usize),
    recursive: bool,
    /// Which WITH it is of.
    group: usize,
}

/// One SELECT, INSERT, UPDATE, …
#[derive(Debug, Default)]
pub(super) struct Block {
    start: usize,
    /// Tables it reads, in order.
    pub(super) sources: Vec<Source>,
    /// Table it writes to.
    pub(super) target: Option<Vec<String>>,
    /// Tokens of each output column.
    pub(super) outputs: Vec<(usize, usize)>,
    pub(super) inner: Vec<Inner>,
    /// Where which clause begins.
    marks: Vec<(usize, Clause)>,
    group: usize,
    /// What it does, where its later words depend on it.
    statement: Option<Word>,
}

/// A query within another.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) level: Level,
    span: (usize, usize),
    /// It is a table of its own, and sees none of the tables around it.
    closed: bool,
}

/// A table that is read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) alias: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// Parts of its name.
    Table(Vec<String>),
    /// Number of the inner query.
    Query(usize),
    Function(String),
}

/// Where the cursor is.
#[derive(Debug, Default)]
pub(super) struct Place<'a> {
    /// The queries around it that it sees tables of, innermost last.
    pub(super) blocks: Vec<&'a Block>,
    /// The common table expressions it sees; each sees those before it.
    pub(super) ctes: Vec<&'a Cte>,
    pub(super) clause: Clause,
}

/// Words that end a list of tables or a name's alias.
const CLAUSES: &[&str] = &[
    "select",
    "from",
    "where",
    "group",
    "having",
    "qualify",
    "order",
    "limit",
    "offset",
    "fetch",
    "union",
    "intersect",
    "except",
    "minus",
    "window",
    "on",
    "using",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "outer",
    "set",
    "values",
    "when",
    "with",
    "returning",
    "tablesample",
    "pivot",
    "unpivot",
    "as",
    "and",
    "or",
    "not",
    "into",
    "for",
    "start",
    "connect",
    "then",
    "lateral",
    "default",
    "is",
    "in",
    "between",
    "like",
    "ilike",
    "update",
    "delete",
    "insert",
    "merge",
    "create",
];

pub(super) fn read(tokens: &[Token<'_>]) -> Level {
    let mut close = vec![tokens.len(); tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.sort {
            Sort::Open => open.push(at),
            Sort::Close => {
                if let Some(opened) = open.pop() {
                    close[opened] = at;
                }
            }
            _ => {}
        }
    }
    Reader { tokens, close }.level(0, tokens.len(), 0)
}

/// Queries nested deeper than this are passed over.
const DEEPEST: usize = 64;

struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    /// For each opening parenthesis its closing one, or the end.
    close: Vec<usize>,
}

impl Reader<'_, '_> {
    fn level(&self, from: usize, to: usize, depth: usize) -> Level {
        let mut level = Level::default();
        if depth > DEEPEST {
            return level;
        }
        let mut work = Work {
            block: Block { start: from, ..Block::default() },
            item: None,
            want_table: false,
            clause: Word::Start,
        };
        let mut at = from;
        while at < to {
            let token = &self.tokens[at];
            let part = at > from && self.tokens[at - 1].sort == Sort::Dot;
            at = match token.sort {
                Sort::Semicolon => {
                    self.next_block(&mut level, &mut work, at + 1);
                    at + 1
                }
                Sort::Word if !part && token.is("with") && (work.clause == Word::Start || self.is_cte(at + 1)) => {
                    if work.clause != Word::Start {
                        self.next_block(&mut level, &mut work, at);
                    }
                    self.ctes(&mut level, &mut work, at, to, depth)
                }
                Sort::Word if !part && token.is("select") && work.statement() != Word::Grant => {
                    if work.clause != Word::Start {
                        self.next_block(&mut level, &mut work, at);
                    }
                    work.enter(at, Word::Select, Clause::Expression);
                    let skip = |at: usize| self.tokens.get(at).is_some_and(|next| next.is_one_of(&["distinct", "all"]));
                    let first = if skip(at + 1) { at + 2 } else { at + 1 };
                    work.item = Some(first.min(to));
                    first.min(to)
                }
                Sort::Word if !part && token.is_one_of(&["union", "intersect", "except", "minus"]) => {
                    self.next_block(&mut level, &mut work, at);
                    work.enter(at, Word::Start, Clause::Start);
                    at + 1
                }
                _ => self.step(&mut work, at, to, depth),
            };
        }
        work.end_item(to);
        level.blocks.push(work.block);
        level
    }

    fn next_block(&self, level: &mut Level, work: &mut Work, at: usize) {
        work.end_item(at);
        // A semicolon ends a WITH, a UNION does not.
        let group = work.block.group + usize::from(at > 0 && self.tokens[at - 1].sort == Sort::Semicolon);
        let next = Block { start: at, group, ..Block::default() };
        level.blocks.push(std::mem::replace(&mut work.block, next));
        (work.item, work.want_table, work.clause) = (None, false, Word::Start);
    }

    /// `name AS (` or `name (…) AS (`, behind a WITH that no semicolon is in front of.
    fn is_cte(&self, at: usize) -> bool {
        let name = self.tokens.get(at).is_some_and(Token::is_name);
        let next = match self.tokens.get(at + 1) {
            Some(open) if open.sort == Sort::Open => self.close[at + 1] + 1,
            _ => at + 1,
        };
        let opens = self.tokens.get(next + 1).is_some_and(|token| token.sort == Sort::Open);
        name && opens && self.tokens.get(next).is_some_and(|token| token.is("as"))
    }

    /// WITH, from its word on; gives where the query behind it begins.
    fn ctes(&self, level: &mut Level, work: &mut Work, with: usize, to: usize, depth: usize) -> usize {
        work.block.group += 1;
        let is = |at: usize, word: &str| at < to && self.tokens[at].is(word);
        let mut at = with + 1;
        let recursive = is(at, "recursive");
        at += usize::from(recursive);
        loop {
            if at >= to || !self.tokens[at].is_name() || self.tokens[at].is("select") {
                return at;
            }
            let name = self.tokens[at].name();
            at += 1;
            let mut columns = Vec::new();
            if at < to && self.tokens[at].sort == Sort::Open {
                columns = self.names(at);
                at = self.close[at] + 1;
            }
            while at < to && self.tokens[at].is_one_of(&["as", "not", "materialized"]) {
                at += 1;
            }
            if at >= to || self.tokens[at].sort != Sort::Open {
                return at;
            }
            let (start, end) = (at + 1, self.close[at].min(to));
            let body = self.level(start, end, depth + 1);
            level.ctes.push(Cte { name, columns, body, span: (start, end), recursive, group: work.block.group });
            at = end + 1;
            if at >= to || self.tokens[at].sort != Sort::Comma {
                return at.min(to);
            }
            at += 1;
        }
    }

    /// One token of a query; gives where to go on.
    fn step(&self, work: &mut Work, at: usize, to: usize, depth: usize) -> usize {
        let token = &self.tokens[at];
        let part = at > 0 && self.tokens[at - 1].sort == Sort::Dot;
        match token.sort {
            Sort::Open => return self.parentheses(work, at, to, depth),
            Sort::Comma if work.clause == Word::From => {
                work.enter(at, Word::From, Clause::Table);
                work.want_table = true;
            }
            Sort::Comma if work.clause == Word::Select => {
                work.end_item(at);
                work.item = Some(at + 1);
            }
            Sort::Word if !part && self.keyword(work, at) => {}
            Sort::Word | Sort::Quoted if work.want_table && !(token.is_one_of(CLAUSES)) => {
                return self.table(work, at, to, depth);
            }
            _ => {}
        }
        at + 1
    }

    /// Takes a word of the language; false when it is none that matters here.
    fn keyword(&self, work: &mut Work, at: usize) -> bool {
        let token = &self.tokens[at];
        let before = |back: usize| at.checked_sub(back).and_then(|at| self.tokens.get(at));
        let after = |word: &str| before(1).is_some_and(|token| token.is(word));
        let next = self.tokens.get(at + 1);
        let by = next.is_some_and(|next| next.is("by"));
        let call = next.is_some_and(|next| next.sort == Sort::Open);
        let lower = token.text.to_lowercase();
        let (word, clause, want_table) = match lower.as_str() {
            // `IS DISTINCT FROM` compares.
            "from" if after("distinct") && before(2).is_some_and(|token| token.is_one_of(&["is", "not"])) => {
                return true;
            }
            "from" | "join" => (Word::From, Clause::Table, true),
            "using" if work.clause == Word::From && !matches!(work.statement(), Word::Delete | Word::Merge) => {
                (Word::On, Clause::Common, false)
            }
            "using" if matches!(work.statement(), Word::Delete | Word::Merge) => (Word::From, Clause::Table, true),
            "on" if work.clause == Word::From => (Word::On, Clause::Expression, false),
            "on" if matches!(work.clause, Word::Other) => (Word::Other, Clause::Table, true),
            "where" | "having" | "qualify" => (Word::Where, Clause::Expression, false),
            "group" | "order" if by => (Word::By, Clause::Expression, false),
            "limit" | "offset" | "fetch" => (Word::Other, Clause::Other, false),
            // LEFT is a function too.
            "inner" | "left" | "right" | "full" | "cross" | "natural" if work.clause == Word::On && !call => {
                (Word::From, Clause::AfterTable, false)
            }
            "into" => (Word::Into, Clause::Table, true),
            "update" if work.clause == Word::Start => (Word::Update, Clause::Table, true),
            "delete" if work.clause == Word::Start => (Word::Delete, Clause::Other, false),
            "merge" if work.clause == Word::Start => (Word::Merge, Clause::Other, false),
            "insert" if work.clause == Word::Start => (Word::Into, Clause::Other, false),
            "set" if work.block.target.is_some() => (Word::Set, Clause::Target, false),
            "values" => (Word::Values, Clause::Expression, false),
            "call" if work.clause == Word::Start => (Word::Other, Clause::Call, false),
            "explain" | "analyze" | "verbose" if work.clause == Word::Start && lower != "analyze" => return true,
            "create" | "alter" | "drop" | "comment" | "show" if work.clause == Word::Start => {
                (Word::Other, Clause::Other, false)
            }
            "grant" | "revoke" if work.clause == Word::Start => {
                work.block.statement = Some(Word::Grant);
                (Word::Other, Clause::Other, false)
            }
            "truncate" | "copy" | "analyze" | "vacuum" | "describe" | "desc" | "lock" if work.clause == Word::Start => {
                (Word::Other, Clause::Table, true)
            }
            "table" | "view" | "references" if work.clause == Word::Other => (Word::Other, Clause::Table, true),
            _ => return false,
        };
        work.end_item(at);
        work.enter(at, word, clause);
        work.want_table = want_table;
        true
    }

    /// A name where a table goes, with its alias.
    fn table(&self, work: &mut Work, at: usize, to: usize, depth: usize) -> usize {
        let (mut parts, mut next) = (vec![self.tokens[at].name()], at + 1);
        while next + 1 < to && self.tokens[next].sort == Sort::Dot && self.tokens[next + 1].is_name() {
            parts.push(self.tokens[next + 1].name());
            next += 2;
        }
        // A point with nothing behind it yet.
        next += usize::from(next < to && self.tokens[next].sort == Sort::Dot);
        work.want_table = false;
        let open = next < to && self.tokens[next].sort == Sort::Open;
        if matches!(work.clause, Word::Into | Word::Other)
            || (work.clause == Word::Update && work.block.target.is_none())
        {
            let reads = work.clause != Word::Other;
            if reads {
                work.block.target = Some(parts.clone());
            }
            if work.clause == Word::Into {
                work.enter(at, Word::Into, Clause::AfterTable);
                if open {
                    work.block.marks.push((next, Clause::Target));
                    let end = self.close[next].min(to);
                    work.block.marks.push((end, Clause::Start));
                    work.clause = Word::Start;
                    return (end + 1).min(to);
                }
                // `INSERT INTO t SELECT`; a MERGE goes on, and its target is a source.
                if work.statement() != Word::Merge {
                    work.clause = Word::Start;
                    work.block.marks.push((next.saturating_sub(1), Clause::Start));
                    return next;
                }
            }
        }
        let what = match open && work.clause == Word::From {
            true => {
                self.expression(work, next + 1, self.close[next].min(to), depth);
                next = self.close[next] + 1;
                What::Function(parts.pop().unwrap_or_default())
            }
            false => What::Table(parts),
        };
        work.enter(next.saturating_sub(1).max(at).min(to), work.clause, Clause::AfterTable);
        self.source(work, what, next, to)
    }

    /// Takes the alias of a table; gives where to go on.
    fn source(&self, work: &mut Work, what: What, at: usize, to: usize) -> usize {
        let mut next = at;
        next += usize::from(next < to && self.tokens[next].is("as"));
        let mut source = Source { alias: None, columns: Vec::new(), what };
        if next < to && self.tokens[next].is_name() && !self.tokens[next].is_one_of(CLAUSES) {
            source.alias = Some(self.tokens[next].name());
            next += 1;
            if next < to && self.tokens[next].sort == Sort::Open {
                source.columns = self.names(next);
                next = (self.close[next] + 1).min(to);
            }
        }
        work.block.sources.push(source);
        next
    }

    fn parentheses(&self, work: &mut Work, open: usize, to: usize, depth: usize) -> usize {
        let (start, end) = (open + 1, self.close[open].min(to));
        let next = (end + 1).min(to);
        if !work.want_table {
            self.expression(work, start, end, depth);
            return next;
        }
        if self.is_query(start, end) {
            let lateral = open > 0 && self.tokens[open - 1].is("lateral");
            let level = self.level(start, end, depth + 1);
            work.block.inner.push(Inner { level, span: (start, end), closed: !lateral });
            work.want_table = false;
            work.enter(end, work.clause, Clause::AfterTable);
            return self.source(work, What::Query(work.block.inner.len() - 1), next, to);
        }
        // `FROM (a JOIN b ON …)`: its tables are the query's.
        let mut at = start;
        while at < end {
            at = self.step(work, at, end, depth);
        }
        (work.clause, work.want_table) = (Word::From, false);
        work.enter(end, Word::From, Clause::AfterTable);
        next
    }

    /// Finds the queries within an expression.
    fn expression(&self, work: &mut Work, start: usize, end: usize, depth: usize) {
        if self.is_query(start, end) {
            let level = self.level(start, end, depth + 1);
            work.block.inner.push(Inner { level, span: (start, end), closed: false });
            return;
        }
        let mut at = start;
        while at < end {
            if self.tokens[at].sort == Sort::Open && depth < DEEPEST {
                let close = self.close[at].min(end);
                self.expression(work, at + 1, close, depth + 1);
                at = close;
            }
            at += 1;
        }
    }

    fn is_query(&self, start: usize, end: usize) -> bool {
        let first = (start..end).find(|at| self.tokens[*at].sort != Sort::Open);
        first.is_some_and(|at| self.tokens[at].is_one_of(&["select", "with", "values"]))
    }

    /// The names of a list in parentheses.
    fn names(&self, open: usize) -> Vec<String> {
        let list = self.tokens[open + 1..self.close[open]].iter();
        list.filter(|token| token.is_name()).map(Token::name).collect()
    }
}

/// A query while it is read.
struct Work {
    block: Block,
    /// Where the output column began that is being read.
    item: Option<usize>,
    want_table: bool,
    clause: Word,
}

/// The clause a query is in, as far as reading it needs to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Word {
    Start,
    Select,
    From,
    On,
    Where,
    By,
    Into,
    Update,
    Delete,
    Merge,
    Grant,
    Set,
    Values,
    Other,
}

impl Work {
    fn enter(&mut self, at: usize, word: Word, clause: Clause) {
        if matches!(word, Word::Delete | Word::Merge) {
            self.block.statement = Some(word);
        }
        self.block.marks.push((at, clause));
        self.clause = word;
    }

    fn statement(&self) -> Word {
        self.block.statement.unwrap_or(Word::Start)
    }

    fn end_item(&mut self, at: usize) {
        if let Some(start) = self.item.take()
            && start < at
        {
            self.block.outputs.push((start, at));
        }
    }
}

impl Level {
    /// Where a cursor behind `at` tokens is.
    pub(super) fn place(&self, at: usize) -> Place<'_> {
        let mut place = Place::default();
        self.descend(at, &mut place);
        place
    }

    fn descend<'a>(&'a self, at: usize, place: &mut Place<'a>) {
        let block = self.blocks.iter().rev().find(|block| block.start < at).or(self.blocks.first());
        for (number, cte) in self.ctes.iter().enumerate() {
            if cte.holds(at) {
                let seen = self.ctes[..number + usize::from(cte.recursive)].iter();
                place.ctes.extend(seen.filter(|other| other.group == cte.group));
                place.blocks.clear();
                return cte.body.descend(at, place);
            }
        }
        let Some(block) = block else { return };
        place.ctes.extend(self.ctes.iter().filter(|cte| cte.group == block.group));
        if let Some(inner) = block.inner.iter().find(|inner| (inner.span.0..=inner.span.1).contains(&at)) {
            if inner.closed {
                place.blocks.clear();
            } else {
                place.blocks.push(block);
            }
            return inner.level.descend(at, place);
        }
        place.blocks.push(block);
        // Marks are made as they are read, and a group may be left behind before its end is.
        let last = block.marks.iter().filter(|(from, _)| *from < at).max_by_key(|(from, _)| *from);
        place.clause = last.map(|(_, clause)| *clause).unwrap_or_default();
    }
}

impl Cte {
    fn holds(&self, at: usize) -> bool {
        (self.span.0..=self.span.1).contains(&at)
    }
}
