//! `:name` in a statement: where they are, and the statement with `$1`, `$2`, … in their place.
//!
//! A colon opens a parameter only right before a name and not right behind a value: `a::int`, `a[1:n]`, `:=` and
//! `b:c` are left alone, and so is everything in literals, quoted names and comments. In brackets a colon behind a
//! value is a slice even with space between.

use std::ops::Range;

use crate::Strings;
use crate::lexer::{Kind, Lexer, Token};

/// A `:name`, in bytes of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placeholder {
    /// With its colon.
    pub range: Range<usize>,
    /// Without it.
    pub name: String,
}

/// The placeholders of a text, in order.
#[must_use]
pub fn placeholders(text: &str, strings: Strings) -> Vec<Placeholder> {
    let mut found = Vec::new();
    let mut brackets = 0_usize;
    // The last token, and the last that is code.
    let (mut last, mut before): (Option<Token>, Option<Token>) = (None, None);
    let mut tokens = Lexer::new(text, strings).peekable();
    while let Some(token) = tokens.next() {
        let written = &text[token.range.clone()];
        match written {
            "[" => brackets += 1,
            "]" => brackets = brackets.saturating_sub(1),
            ":" => {
                let behind_value = if brackets > 0 { &before } else { &last };
                let opens = !behind_value.as_ref().is_some_and(|token| is_value(text, token))
                    // `1::n` is a cast, and `:` right behind one of those is nobody's.
                    && !last.as_ref().is_some_and(|token| text[token.range.clone()].ends_with(':'));
                if let Some(name) = tokens.peek().filter(|next| opens && next.kind == Kind::Word) {
                    let name = text[name.range.clone()].to_owned();
                    let end = token.range.end + name.len();
                    found.push(Placeholder { range: token.range.start..end, name });
                }
            }
            _ => {}
        }
        if !matches!(token.kind, Kind::Space | Kind::Comment) {
            before = Some(token.clone());
        }
        last = Some(token);
    }
    found
}

/// Whether a value may end with this token.
fn is_value(text: &str, token: &Token) -> bool {
    match token.kind {
        Kind::Word | Kind::QuotedName | Kind::String | Kind::Number | Kind::Parameter => true,
        Kind::Symbol => matches!(&text[token.range.clone()], ")" | "]"),
        Kind::Space | Kind::Comment | Kind::Semicolon => false,
    }
}

/// Whether a statement has parameters of the protocol, `$1`, itself.
#[must_use]
pub fn has_numbered(statement: &str, strings: Strings) -> bool {
    Lexer::new(statement, strings).any(|token| token.kind == Kind::Parameter)
}

/// A statement with `$n` in place of its names, and the way back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Numbered {
    /// What the server is sent.
    pub sql: String,
    /// The name of each number, `$1` first. A name that is used twice has one number.
    pub names: Vec<String>,
    places: Vec<Place>,
}

/// Where a placeholder was, and where its number is.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Place {
    name: Range<usize>,
    number: Range<usize>,
}

/// Replaces the names of a statement; `None` where it has none.
#[must_use]
pub fn numbered(statement: &str, strings: Strings) -> Option<Numbered> {
    let found = placeholders(statement, strings);
    if found.is_empty() {
        return None;
    }
    let mut numbered = Numbered { sql: String::with_capacity(statement.len()), names: Vec::new(), places: Vec::new() };
    let mut copied = 0;
    for Placeholder { range, name } in found {
        let known = numbered.names.iter().position(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            numbered.names.push(name);
            numbered.names.len() - 1
        });
        numbered.sql.push_str(&statement[copied..range.start]);
        copied = range.end;
        let start = numbered.sql.len();
        numbered.sql.push_str(&format!("${}", number + 1));
        numbered.places.push(Place { name: range, number: start..numbered.sql.len() });
    }
    numbered.sql.push_str(&statement[copied..]);
    Some(numbered)
}

impl Numbered {
    /// The placeholder at an error position of the server, or the offset in the statement as it was written.
    ///
    /// `position` counts characters of [`Self::sql`] from 1.
    #[must_use]
    pub fn written_at(&self, position: usize) -> Written {
        let characters = self.sql.char_indices();
        let offset = characters.map(|(offset, _)| offset).nth(position.saturating_sub(1)).unwrap_or(self.sql.len());
        let mut shift = 0_isize;
        for place in &self.places {
            if place.number.contains(&offset) {
                return Written::Placeholder(place.name.clone());
            }
            if place.number.end <= offset {
                shift = place.name.end as isize - place.number.end as isize;
            }
        }
        Written::Offset(offset.saturating_add_signed(shift))
    }
}

/// A place in a statement as it was written, in bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Written {
    /// A placeholder.
    Placeholder(Range<usize>),
    /// Anything else.
    Offset(usize),
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        placeholders(text, Strings::Standard).into_iter().map(|found| found.name).collect()
    }

    #[test]
    fn names_are_found_where_a_value_may_stand() {
        assert_eq!(names("select * from t where a = :a and b=:b or c in (:c,:d) limit :n"), ["a", "b", "c", "d", "n"]);
        assert_eq!(names(":first"), ["first"]);
        assert_eq!(names("select :이름, -:x, :a::int, arr[:i], arr[:i + 1]"), ["이름", "x", "a", "i", "i"]);
    }

    #[test]
    fn other_colons_are_left_alone() {
        for text in [
            "select a::int, '10:30'::time, \"a:b\", $$ :x $$, E':y' -- :z\n /* :w */",
            "select a[1:n], a[n :m], a[f(x):m], a[lo:hi]",
            "select t:field, 'x':y, (a):b, 1:n",
            "x := y; a : b; ::c; : d; :1; :'quoted'",
            "select ':' , :\"quoted\"",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn one_name_has_one_number() {
        let numbered = numbered("select :b, :a, :b::text || ':b'", Strings::Standard).unwrap();
        assert_eq!(numbered.sql, "select $1, $2, $1::text || ':b'");
        assert_eq!(numbered.names, ["b", "a"]);
        assert_eq!(super::numbered("select 1", Strings::Standard), None);
        assert!(has_numbered("select $1", Strings::Standard) && !has_numbered("select '$1'", Strings::Standard));
    }

    #[test]
    fn positions_lead_back_to_what_was_written() {
        let statement = "select '한글', :이름, colum from t where a = :longer_name and b = wrong";
        let numbered = numbered(statement, Strings::Standard).unwrap();
        let position = |needle: &str| {
            let offset = numbered.sql.find(needle).unwrap();
            numbered.sql[..offset].chars().count() + 1
        };
        for word in ["colum", "wrong", "from"] {
            assert_eq!(numbered.written_at(position(word)), Written::Offset(statement.find(word).unwrap()));
        }
        let written = |needle: &str| match numbered.written_at(position(needle)) {
            Written::Placeholder(range) => &statement[range],
            Written::Offset(offset) => panic!("{offset}"),
        };
        assert_eq!([written("$1"), written("$2")], [":이름", ":longer_name"]);
        assert_eq!(numbered.written_at(10_000), Written::Offset(statement.len()));
    }

    proptest! {
        #[test]
        fn names_come_back_in_place_of_their_numbers(pieces in prop::collection::vec(
            prop_oneof![Just(":a "), Just(" :b"), Just("한"), Just("::"), Just("'"), Just("["), Just("]"), Just(" $1 "), Just("x"), Just("--\n")], 0..20,
        )) {
            let text = pieces.concat();
            if let Some(numbered) = numbered(&text, Strings::Standard) {
                let mut back = String::new();
                let mut copied = 0;
                for place in &numbered.places {
                    back.push_str(&numbered.sql[copied..place.number.start]);
                    back.push_str(&text[place.name.clone()]);
                    copied = place.number.end;
                }
                back.push_str(&numbered.sql[copied..]);
                prop_assert_eq!(back, text);
            }
        }
    }
}
