//! Finds the statements of a script, and the one under the cursor.
//!
//! Offsets are bytes unless a name says otherwise. The editor counts UTF-16 units and PostgreSQL counts characters from
//! 1 in its error positions: the conversions are here too, so that only one place knows all three.

use std::ops::Range;

use crate::Strings;
use crate::lexer::{Kind, Lexer, Token};

/// The statements of `text`, in order, without the semicolon and without the space and comments around it, except for
/// comments above a statement: those go with it, since hints and query tags live there. Empty ones are left out.
pub fn statements(text: &str, strings: Strings) -> Vec<Range<usize>> {
    Segments::new(text, strings).map(|segment| segment.statement).collect()
}

/// The statement a cursor at `offset` means: the one it is in or right behind, semicolon included; between statements
/// the one before it on the same line, else the next, else the last. `None` when the text has none.
pub fn statement_at(text: &str, offset: usize, strings: Strings) -> Option<Range<usize>> {
    let mut before: Option<Segment> = None;
    for segment in Segments::new(text, strings) {
        if offset > segment.end {
            before = Some(segment);
            continue;
        }
        // `offset` is in this segment, or in the gap in front of it.
        let same_line = |before: &Segment| !text.as_bytes()[before.end..offset].contains(&b'\n');
        return match before {
            Some(before) if offset < segment.statement.start && same_line(&before) => Some(before.statement),
            _ => Some(segment.statement),
        };
    }
    before.map(|segment| segment.statement)
}

/// Whether `EXPLAIN` in front of a statement shows its plan and nothing else.
///
/// What follows `EXPLAIN` may be an option of it rather than a statement: `EXPLAIN ANALYZE DELETE …` deletes, and with
/// a parenthesis it is the same. So the statement has to begin with a word that begins a query or a change of rows.
pub fn is_explainable(statement: &str, strings: Strings) -> bool {
    const QUERIES: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
    const CHANGES: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "MERGE", "CREATE"];
    let mut code = Lexer::new(statement, strings).filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment));
    let mut in_parentheses = false;
    let first = code.find(|token| {
        let opens = &statement[token.range.clone()] == "(";
        in_parentheses |= opens;
        !opens
    });
    let is_word = |token: &Token| token.kind == Kind::Word;
    let Some(word) = first.filter(is_word).map(|token| &statement[token.range]) else { return false };
    let begins = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    begins(&QUERIES) || !in_parentheses && begins(&CHANGES)
}

/// The token that an error position marks: `position` counts characters of `statement` from 1. Behind the end, where
/// "syntax error at end of input" points, it is the last token.
pub fn token_at_position(statement: &str, position: usize, strings: Strings) -> Range<usize> {
    let offset = statement.char_indices().nth(position.saturating_sub(1)).map_or(statement.len(), |(offset, _)| offset);
    token_at_offset(statement, offset, strings)
}

/// The token at a byte of `statement`, or its last token.
pub fn token_at_offset(statement: &str, offset: usize, strings: Strings) -> Range<usize> {
    let mut last = 0..0;
    for token in Lexer::new(statement, strings) {
        if token.range.contains(&offset) {
            return token.range;
        }
        if !matches!(token.kind, Kind::Space | Kind::Comment) {
            last = token.range;
        }
    }
    last
}

/// A statement and where its semicolon ends (where it ends itself, if it has none).
#[derive(Clone, Debug)]
struct Segment {
    statement: Range<usize>,
    end: usize,
}

/// The statements of a text, found as they are asked for.
struct Segments<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// No line has ended since the last semicolon: a comment here belongs to the statement before.
    behind_semicolon: bool,
}

impl<'a> Segments<'a> {
    fn new(text: &'a str, strings: Strings) -> Self {
        Self { text, lexer: Lexer::new(text, strings), behind_semicolon: false }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let mut start = None;
        let mut code_end = None;
        let mut body = RoutineBody::default();
        for token in self.lexer.by_ref() {
            if self.behind_semicolon && matches!(token.kind, Kind::Space | Kind::Comment) {
                self.behind_semicolon = !self.text.as_bytes()[token.range.clone()].contains(&b'\n');
            }
            match token.kind {
                Kind::Space => {}
                Kind::Comment if self.behind_semicolon => {}
                Kind::Comment => start = start.or(Some(token.range.start)),
                Kind::Semicolon if body.is_open() => code_end = Some(token.range.end),
                Kind::Semicolon => {
                    self.behind_semicolon = true;
                    if let (Some(start), Some(end)) = (start, code_end) {
                        return Some(Segment { statement: start..end, end: token.range.end });
                    }
                    start = None;
                }
                _ => {
                    self.behind_semicolon = false;
                    start = start.or(Some(token.range.start));
                    code_end = Some(token.range.end);
                    let word = if token.kind == Kind::Word { &self.text[token.range] } else { "" };
                    body.see(word);
                }
            }
        }
        let (start, end) = (start?, code_end?);
        Some(Segment { statement: start..end, end })
    }
}

/// Watches for `CREATE FUNCTION … BEGIN ATOMIC …; …; END`, the one place where PostgreSQL has bare semicolons inside a
/// statement. Bodies in quotes, all that Redshift has, need no such care.
#[derive(Default)]
struct RoutineBody {
    head: Head,
    after_begin: bool,
    depth: usize,
}

/// How far the start of a statement is a `CREATE [OR REPLACE] FUNCTION | PROCEDURE`.
#[derive(Clone, Copy, Default, PartialEq)]
enum Head {
    #[default]
    Start,
    Create,
    Routine,
    No,
}

impl RoutineBody {
    fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Takes the next word of the statement; an empty one for anything else.
    fn see(&mut self, word: &str) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match self.head {
            Head::Start => self.head = if is("create") { Head::Create } else { Head::No },
            Head::Create if is("or") || is("replace") => {}
            Head::Create => self.head = if is("function") || is("procedure") { Head::Routine } else { Head::No },
            Head::No => {}
            Head::Routine if self.depth == 0 => {
                self.depth = usize::from(self.after_begin && is("atomic"));
                self.after_begin = is("begin");
            }
            // CASE … END inside the body closes itself.
            Head::Routine if is("case") => self.depth += 1,
            Head::Routine if is("end") => self.depth -= 1,
            Head::Routine => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_explain_does_not_run_is_explained() {
        for statement in [
            "select 1",
            "-- why\n/* so */ WITH x AS (select 1) select * from x",
            "((select 1) union (select 2))",
            "insert into t values (1)",
            "delete from t",
            "create table t as select 1",
        ] {
            assert!(is_explainable(statement, Strings::Standard), "{statement}");
        }
        for statement in [
            "analyze delete from t",
            "ANALYZE",
            "verbose analyze delete from t",
            "(analyze) delete from t",
            "( analyze true, costs off ) select 1",
            "/* select */ (verbose) select 1",
            "\"select\" 1",
            "explain analyze delete from t",
            "(delete from t)",
            "vacuum",
            "",
            "((",
        ] {
            assert!(!is_explainable(statement, Strings::Standard), "{statement}");
        }
    }

    fn split(text: &str) -> Vec<&str> {
        statements(text, Strings::Standard).into_iter().map(|range| &text[range]).collect()
    }

    /// The statement at the `|` in `marked`.
    fn at(marked: &str) -> String {
        let offset = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        text[statement_at(&text, offset, Strings::Standard).unwrap()].to_owned()
    }

    #[test]
    fn semicolons_in_literals_names_and_comments_split_nothing() {
        let script =
            "select ';' ; select \";\" -- ;\n; select /* ; /* ; */ ; */ 1;;; select $a$ ; $$ ; $a$; select E'\\';'";
        assert_eq!(
            split(script),
            ["select ';'", "select \";\"", "select /* ; /* ; */ ; */ 1", "select $a$ ; $$ ; $a$", "select E'\\';'"]
        );
    }

    #[test]
    fn a_backslash_escapes_in_plain_literals_where_the_server_says_so() {
        let text = r"select 'a\';b'; select 2";
        assert_eq!(statements(text, Strings::Escaped).len(), 2);
        assert_eq!(statements(text, Strings::Standard), [0..11, 12..text.len()]);
    }

    #[test]
    fn a_stored_procedure_is_one_statement() {
        let procedure = "CREATE OR REPLACE PROCEDURE p() AS $$\nBEGIN\n  DELETE FROM t; INSERT INTO t VALUES (1);\nEND;\n$$ LANGUAGE plpgsql";
        assert_eq!(split(&format!("{procedure};\ncall p();")), [procedure, "call p()"]);
    }

    #[test]
    fn a_standard_function_body_is_one_statement() {
        let function = "create function f() returns int begin atomic select case when true then 1 end; select 2; end";
        assert_eq!(
            split(&format!("{function}; begin; select 1; end; create table atomic(a int); select 3")),
            [function, "begin", "select 1", "end", "create table atomic(a int)", "select 3"]
        );
    }

    #[test]
    fn comments_above_a_statement_go_with_it_and_those_behind_one_do_not() {
        assert_eq!(
            split("-- tag\nselect 1; -- done\n/* hint */ select 2 -- end\n; -- nothing"),
            ["-- tag\nselect 1", "/* hint */ select 2"]
        );
        assert_eq!(split(" ; -- nothing\n ;; /* at all */ "), [""; 0]);
    }

    #[test]
    fn the_cursor_means_the_statement_it_is_in_or_right_behind() {
        for marked in
            ["|select 1; select 2", "sel|ect 1; select 2", "select 1|; select 2", "select 1;| select 2", "select 1 |;"]
        {
            assert_eq!(at(marked), "select 1", "{marked}");
        }
        for marked in ["select 1; |select 2", "select 1; select 2|", "select 1; sele|ct 2"] {
            assert_eq!(at(marked), "select 2", "{marked}");
        }
    }

    #[test]
    fn between_statements_the_cursor_means_the_one_before_it_on_its_line_else_the_next() {
        assert_eq!(at("select 1; |  \n select 2"), "select 1");
        assert_eq!(at("select 1; -- no|te\n select 2"), "select 1");
        assert_eq!(at("select 1;\n|\n select 2"), "select 2");
        assert_eq!(at("select 1;\n|  select 2"), "select 2");
        assert_eq!(at("select 1;\n\n|"), "select 1");
        assert_eq!(at("  |\nselect 1"), "select 1");
        assert_eq!(statement_at(" -- nothing", 3, Strings::Standard), None);
    }

    #[test]
    fn an_error_position_marks_the_whole_token() {
        let text = "select '한글', colum from t";
        let marked = |position| &text[token_at_position(text, position, Strings::Standard)];
        assert_eq!(marked(14), "colum");
        assert_eq!(marked(16), "colum");
        assert_eq!(marked(9), "'한글'");
        assert_eq!(marked(500), "t");
        assert_eq!(token_at_position("", 1, Strings::Standard), 0..0);
    }

    /// Texts made of what the lexer has rules for.
    fn scripts() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            Just("'".to_owned()),
            Just("\"".to_owned()),
            Just("$$".to_owned()),
            Just("$t$".to_owned()),
            Just("--".to_owned()),
            Just("/*".to_owned()),
            Just("*/".to_owned()),
            Just("\\".to_owned()),
            Just("E'".to_owned()),
            Just("create function begin atomic ".to_owned()),
            Just(" end ".to_owned()),
            Just(";".to_owned()),
            Just("\n".to_owned()),
            Just("1e".to_owned()),
            Just("한🐘".to_owned()),
            "[a-z0-9 .:+-]{0,4}",
            any::<String>(),
        ];
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn any_strings() -> impl Strategy<Value = Strings> {
        prop_oneof![Just(Strings::Standard), Just(Strings::Escaped)]
    }

    proptest! {
        #[test]
        fn tokens_cover_the_text_without_a_gap(text in scripts(), strings in any_strings()) {
            let mut end = 0;
            for token in Lexer::new(&text, strings) {
                prop_assert_eq!(token.range.start, end);
                prop_assert!(token.range.end > end && text.is_char_boundary(token.range.end));
                end = token.range.end;
            }
            prop_assert_eq!(end, text.len());
        }

        #[test]
        fn statements_are_in_order_and_between_them_is_no_code(text in scripts(), strings in any_strings()) {
            let mut end = 0;
            let found = statements(&text, strings);
            for range in found.iter().cloned().chain(std::iter::once(text.len()..text.len())) {
                prop_assert!(range.start >= end);
                let gap = &text[end..range.start];
                let code = Lexer::new(gap, strings).any(|token| !matches!(token.kind, Kind::Space | Kind::Comment | Kind::Semicolon));
                prop_assert!(!code, "code between statements: {:?}", gap);
                end = range.end;
            }
            for range in found {
                let statement = &text[range];
                let again: Vec<&str> = statements(statement, strings).into_iter().map(|range| &statement[range]).collect();
                prop_assert_eq!(again, [statement]);
            }
        }

        #[test]
        fn every_cursor_finds_a_statement_when_there_is_one(text in scripts(), at in any::<prop::sample::Index>()) {
            let found = statements(&text, Strings::Standard);
            let offset = at.index(text.len() + 1);
            match statement_at(&text, offset, Strings::Standard) {
                Some(range) => prop_assert!(found.contains(&range)),
                None => prop_assert!(found.is_empty()),
            }
            if let Some(inside) = found.iter().find(|range| range.start < offset && offset <= range.end) {
                prop_assert_eq!(statement_at(&text, offset, Strings::Standard), Some(inside.clone()));
            }
        }

        #[test]
        fn a_marked_token_is_inside_the_statement(text in scripts(), position in any::<usize>()) {
            let range = token_at_position(&text, position % (text.len() + 3), Strings::Standard);
            prop_assert!(text.get(range).is_some());
        }
    }
}
