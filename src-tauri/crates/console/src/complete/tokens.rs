//! The tokens that matter for names, and the name that is being written.

use std::ops::Range;

use crate::split::Strings;
use crate::split::lexer::{Kind, Lexer};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    /// A name or a word of the language.
    Word,
    /// A name in quotes.
    Quoted,
    Dot,
    Comma,
    Open,
    Close,
    Semicolon,
    /// A number or a string.
    Literal,
    /// Two colons.
    Cast,
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) sort: Sort,
    pub(super) text: &'a str,
    range: Range<usize>,
}

impl Token<'_> {
    pub(super) fn is(&self, word: &str) -> bool {
        self.sort == Sort::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        self.sort == Sort::Word && words.iter().any(|word| self.text.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.sort, Sort::Word | Sort::Quoted)
    }

    /// The name it is: without quotes, and in lower case where it has none, as the server folds it.
    pub(super) fn name(&self) -> String {
        match self.sort {
            Sort::Quoted => unquoted(self.text),
            _ => self.text.to_lowercase(),
        }
    }
}

/// A text cut at the cursor.
#[derive(Debug)]
pub(super) struct Cut<'a> {
    /// Its tokens without the name at the cursor.
    pub(super) tokens: Vec<Token<'a>>,
    /// How many of them are before the cursor.
    pub(super) at: usize,
    /// What is to be replaced.
    pub(super) from: usize,
    /// What of the name is written, in lower case.
    pub(super) prefix: String,
    /// It is being written in quotes.
    pub(super) quoted: bool,
    /// Names in front of it, each with its point: `a.b.`
    pub(super) path: Vec<String>,
    /// A type goes here: `x::`.
    pub(super) is_type: bool,
}

/// Cuts `text` at the cursor; `None` where no name goes: in a string, a comment, a number, a `:parameter`.
pub(super) fn cut(text: &str, at: usize, strings: Strings) -> Option<Cut<'_>> {
    let at = text.floor_char_boundary(at);
    let mut before: Vec<Token<'_>> = Vec::new();
    let mut after = Vec::new();
    let (mut from, mut prefix, mut quoted) = (at, "", false);
    // Where the text goes on behind the name.
    let mut rest = at;
    for token in Lexer::new(text, strings) {
        let Range { start, end } = token.range;
        if start >= at {
            break;
        }
        let written = &text[start..end];
        let touched = at <= end;
        let inside = touched && (at < end || !closed(written));
        match token.kind {
            Kind::Space => {}
            Kind::Comment if inside => return None,
            Kind::Comment => {}
            Kind::Word if touched => (from, prefix, rest) = (start, &text[start..at], end),
            Kind::QuotedName if inside => {
                (from, prefix, quoted) = (start, &text[start + 1..at], true);
                // What is not closed would swallow the rest of the text.
                rest = if closed(written) { end } else { at };
            }
            Kind::String | Kind::Parameter | Kind::Number if inside || (touched && token.kind == Kind::Number) => {
                return None;
            }
            _ => {
                before.push(Token { sort: kind(token.kind, written), text: written, range: start..end });
                rest = rest.max(end);
            }
        }
    }
    let tail = &text[rest..];
    for token in Lexer::new(tail, strings).filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment)) {
        let written = &tail[token.range.clone()];
        let range = token.range.start + rest..token.range.end + rest;
        after.push(Token { sort: kind(token.kind, written), text: written, range });
    }

    let mut path = Vec::new();
    while let [.., name, dot] = before.as_slice()
        && dot.sort == Sort::Dot
        && name.is_name()
    {
        path.insert(0, name.name());
        before.truncate(before.len() - 2);
    }
    let parameter = |last: &Token<'_>| last.text == ":" && last.range.end == from;
    if before.last().is_some_and(|last| parameter(last) || last.sort == Sort::Dot) {
        return None;
    }
    let is_type = path.is_empty() && before.last().is_some_and(|last| last.sort == Sort::Cast);
    let at = before.len();
    before.append(&mut after);
    Some(Cut { tokens: before, at, from, prefix: prefix.to_lowercase(), quoted, path, is_type })
}

/// Whether a token ends by itself, so that a cursor right behind it is outside of it.
fn closed(text: &str) -> bool {
    match text.as_bytes() {
        [b'-', b'-', ..] => false,
        [b'/', b'*', ..] => text.len() > 3 && text.ends_with("*/"),
        [quote @ (b'"' | b'\'' | b'$'), .., last] => quote == last,
        [b'"' | b'\''] => false,
        _ => !text.contains('\'') || text.ends_with('\''),
    }
}

fn kind(kind: Kind, text: &str) -> Sort {
    match (kind, text) {
        (Kind::Word, _) => Sort::Word,
        (Kind::QuotedName, _) => Sort::Quoted,
        (Kind::Semicolon, _) => Sort::Semicolon,
        (Kind::String | Kind::Number | Kind::Parameter, _) => Sort::Literal,
        (_, ".") => Sort::Dot,
        (_, ",") => Sort::Comma,
        (_, "(") => Sort::Open,
        (_, ")") => Sort::Close,
        (_, "::") => Sort::Cast,
        _ => Sort::Other,
    }
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').unwrap_or(text);
    inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\"")
}
