//! PostgreSQL's lexical rules, as far as telling tokens apart needs them. Never fails: what is not closed ends with the
//! text, and what is no token is a one-character symbol.
//!
//! Follows `scan.l` of PostgreSQL 15 and psql's `psqlscan.l`.

use std::ops::Range;

/// What a backslash means in a plain `'…'` literal.
///
/// The server says which with the parameter `standard_conforming_strings`; one that says nothing, as Redshift, escapes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strings {
    /// Nothing, as in the SQL standard. `E'…'` literals escape all the same.
    #[default]
    Standard,
    /// It escapes the next character.
    Escaped,
}

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Blanks and line ends.
    Space,
    /// `-- …`, or `/* … */` with its nested ones.
    Comment,
    /// A name or keyword without quotes.
    Word,
    /// A name in double quotes.
    QuotedName,
    /// A literal in quotes or between dollars.
    String,
    /// A number.
    Number,
    /// `$1`
    Parameter,
    /// Everything else that is code: an operator, a parenthesis.
    Symbol,
    /// `;`
    Semicolon,
}

/// A piece of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// Tokens of a text, one after the other without a gap.
#[derive(Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    strings: Strings,
}

impl<'a> Lexer<'a> {
    /// Of a whole text.
    pub fn new(text: &'a str, strings: Strings) -> Self {
        Self { text, at: 0, strings }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// First byte at or after `from` that `stop` accepts, or the end of the text.
    fn find(&self, from: usize, stop: impl Fn(u8) -> bool) -> usize {
        self.bytes()[from..].iter().position(|&byte| stop(byte)).map_or(self.text.len(), |found| from + found)
    }

    fn starts_with(&self, at: usize, prefix: &[u8]) -> bool {
        self.bytes()[at..].starts_with(prefix)
    }

    /// Kind and end of the token that begins at `start`, which is inside the text and on a character boundary.
    fn token_from(&self, start: usize) -> (Kind, usize) {
        match self.bytes()[start] {
            byte if is_space(byte) => (Kind::Space, self.find(start, |byte| !is_space(byte))),
            b'-' if self.starts_with(start, b"--") => (Kind::Comment, self.find(start, is_newline)),
            b'/' if self.starts_with(start, b"/*") => (Kind::Comment, self.block_comment(start)),
            b';' => (Kind::Semicolon, start + 1),
            b'\'' => (Kind::String, self.string(start, self.strings == Strings::Escaped)),
            b'"' => (Kind::QuotedName, self.quoted_name(start)),
            b'$' => self.dollar(start),
            b'e' | b'E' if self.starts_with(start + 1, b"'") => (Kind::String, self.string(start + 1, true)),
            // Bits: no backslash means anything here, whatever it means elsewhere.
            b'b' | b'B' | b'x' | b'X' if self.starts_with(start + 1, b"'") => {
                (Kind::String, self.string(start + 1, false))
            }
            b'0'..=b'9' => (Kind::Number, self.number(start)),
            b'.' if self.bytes().get(start + 1).is_some_and(u8::is_ascii_digit) => (Kind::Number, self.number(start)),
            b':' if self.starts_with(start, b"::") => (Kind::Symbol, start + 2),
            byte if is_name_start(byte) => (Kind::Word, self.find(start, |byte| !is_name(byte))),
            byte if is_operator(byte) => (Kind::Symbol, self.operator(start)),
            _ => (Kind::Symbol, start + 1),
        }
    }

    /// Comments nest, unlike in C.
    fn block_comment(&self, start: usize) -> usize {
        let (mut at, mut depth) = (start + 2, 1_usize);
        while depth > 0 {
            at = self.find(at, |byte| byte == b'/' || byte == b'*');
            if self.starts_with(at, b"/*") {
                (at, depth) = (at + 2, depth + 1);
            } else if self.starts_with(at, b"*/") {
                (at, depth) = (at + 2, depth - 1);
            } else if at < self.text.len() {
                at += 1;
            } else {
                break;
            }
        }
        at
    }

    /// A literal from its opening quote on. A second literal after a line break continues the first, escapes and all.
    fn string(&self, quote: usize, escapes: bool) -> usize {
        let mut at = quote + 1;
        loop {
            at = self.find(at, |byte| byte == b'\'' || (escapes && byte == b'\\'));
            if self.starts_with(at, b"\\") {
                at = self.after_character(at + 1);
            } else if self.starts_with(at, b"''") {
                at += 2;
            } else if at == self.text.len() {
                return at;
            } else {
                let next = self.find(at + 1, |byte| !is_space(byte));
                let continues =
                    self.starts_with(next, b"'") && self.bytes()[at + 1..next].iter().copied().any(is_newline);
                if !continues {
                    return at + 1;
                }
                at = next + 1;
            }
        }
    }

    fn quoted_name(&self, start: usize) -> usize {
        let mut at = start + 1;
        loop {
            at = self.find(at, |byte| byte == b'"');
            if self.starts_with(at, b"\"\"") {
                at += 2;
            } else {
                return (at + 1).min(self.text.len());
            }
        }
    }

    /// `$tag$ … $tag$`, `$1`, or a lone `$`.
    fn dollar(&self, start: usize) -> (Kind, usize) {
        let tag_end = self.find(start + 1, |byte| byte == b'$' || !is_name(byte));
        let tag = &self.bytes()[start + 1..tag_end];
        if self.starts_with(tag_end, b"$") && tag.first().is_none_or(|&first| is_name_start(first)) {
            let opened = tag_end + 1;
            let delimiter = &self.text[start..opened];
            let closed = self.text[opened..].find(delimiter);
            return (Kind::String, closed.map_or(self.text.len(), |found| opened + found + delimiter.len()));
        }
        match self.find(start + 1, |byte| !byte.is_ascii_digit()) {
            end if end == start + 1 => (Kind::Symbol, end),
            end => (Kind::Parameter, end),
        }
    }

    fn number(&self, start: usize) -> usize {
        let mut at = self.find(start, |byte| !(is_name(byte) && byte != b'$') && byte != b'.');
        // `1e-5`: the sign belongs to the number only right after its exponent letter.
        let exponent = matches!(self.bytes()[at - 1], b'e' | b'E') && at - start > 1;
        if exponent && (self.starts_with(at, b"-") || self.starts_with(at, b"+")) {
            let digits = self.find(at + 1, |byte| !byte.is_ascii_digit());
            at = if digits > at + 1 { digits } else { at };
        }
        at
    }

    /// As many operator characters as follow, but a comment ends them.
    fn operator(&self, start: usize) -> usize {
        let end = self.find(start, |byte| !is_operator(byte));
        (start + 1..end).find(|&at| self.starts_with(at, b"--") || self.starts_with(at, b"/*")).unwrap_or(end)
    }

    fn after_character(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(self.text.len(), |skipped| at + skipped.len_utf8())
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at == self.text.len() {
            return None;
        }
        let start = self.at;
        let (kind, end) = self.token_from(start);
        self.at = end;
        Some(Token { kind, range: start..end })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Bytes above 127 are part of names, whatever letter they make: so says `scan.l`, and it keeps characters whole.
fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<&str> {
        let tokens = Lexer::new(text, Strings::Standard);
        tokens.filter(|token| token.kind != Kind::Space).map(|token| &text[token.range]).collect()
    }

    #[test]
    fn tokens_are_told_apart_as_the_server_does() {
        assert_eq!(code("select a.b::int,1.5e-3+$1"), ["select", "a", ".", "b", "::", "int", ",", "1.5e-3", "+", "$1"]);
        assert_eq!(code("x<>-1--y"), ["x", "<>-", "1", "--y"]);
        assert_eq!(code("a*/*c*/b"), ["a", "*", "/*c*/", "b"]);
        assert_eq!(code("이름 \"두 \"\" 이름\""), ["이름", "\"두 \"\" 이름\""]);
    }

    #[test]
    fn a_dollar_inside_a_name_opens_nothing() {
        assert_eq!(code("a$$b $t$;$t$ $1$"), ["a$$b", "$t$;$t$", "$1", "$"]);
    }

    #[test]
    fn escapes_count_in_e_strings_and_their_continuations_only() {
        assert_eq!(code(r"E'\'' 'a\' e'b\\'"), [r"E'\''", r"'a\'", r"e'b\\'"]);
        assert_eq!(code("e'a'\n  '\\'' x"), ["e'a'\n  '\\''", "x"]);
        assert_eq!(code("'a' 'b'"), ["'a'", "'b'"]);
    }

    #[test]
    fn bits_have_no_escapes_whatever_other_literals_have() {
        for strings in [Strings::Standard, Strings::Escaped] {
            let text = r"b'' X'' 'a'";
            let tokens = Lexer::new(text, strings).filter(|token| token.kind == Kind::String);
            assert_eq!(tokens.map(|token| &text[token.range]).collect::<Vec<_>>(), [r"b''", r"X''", "'a'"]);
        }
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for open in ["'a", "E'a\\", "\"a", "$x$a$", "/* /* */ a", "e'é\\é"] {
            assert_eq!(code(open), [open]);
        }
    }
}
