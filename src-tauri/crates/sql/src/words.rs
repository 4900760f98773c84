//! A statement as what the judges of this crate look at: its code, without space and comments.

use crate::Strings;
use crate::lexer::{Kind, Lexer, Token};

/// The code of a text.
pub(crate) struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str, strings: Strings) -> Self {
        Self::new(text, Lexer::new(text, strings))
    }

    /// Keeps what is code among these tokens of the text.
    pub(crate) fn new(text: &'a str, tokens: impl IntoIterator<Item = Token>) -> Self {
        let code = |token: &Token| !matches!(token.kind, Kind::Space | Kind::Comment | Kind::Semicolon);
        Self { text, tokens: tokens.into_iter().filter(code).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// As it is written; empty behind the end.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| &self.text[token.range.clone()])
    }

    /// Whether it is this keyword, which a name in quotes never is.
    pub(crate) fn is(&self, index: usize, keyword: &str) -> bool {
        self.kind(index) == Some(Kind::Word) && self.text(index).eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn is_any(&self, index: usize, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(index, keyword))
    }

    pub(crate) fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.kind(index) == Some(Kind::Symbol) && self.text(index) == symbol
    }

    /// A name, in quotes or not, in lower case and without them; none where there is something else.
    pub(crate) fn name(&self, index: usize) -> Option<String> {
        let text = self.text(index);
        match self.kind(index)? {
            Kind::Word => Some(text.to_ascii_lowercase()),
            Kind::QuotedName => {
                let inside = text.strip_prefix('"').unwrap_or(text);
                Some(inside.strip_suffix('"').unwrap_or(inside).replace("\"\"", "\"").to_ascii_lowercase())
            }
            _ => None,
        }
    }

    /// Behind the parenthesis that closes the one at `open`, or the end.
    pub(crate) fn behind_parenthesis(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for index in open..self.len() {
            if self.is_symbol(index, "(") {
                depth += 1;
            } else if self.is_symbol(index, ")") {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
        }
        self.len()
    }

    /// Where the statement begins that an EXPLAIN at the front explains.
    pub(crate) fn behind_explain(&self) -> usize {
        const QUERY: [&str; 4] = ["select", "with", "values", "table"];
        let mut at = 1;
        // Options in parentheses; a query may stand in some too.
        if self.is_symbol(1, "(") && !self.is_any(2, &QUERY) && !self.is_symbol(2, "(") {
            at = self.behind_parenthesis(1);
        }
        while self.is_any(at, &["analyze", "analyse", "verbose"]) {
            at += 1;
        }
        at
    }
}
