//! The console's editor: any text, with the cursor anywhere.

use std::ops::Range;

use postern_sql::{Strings, Utf16Offsets, byte_to_utf16, statement_at, statements, token_at_position, utf16_to_byte};

/// The text in both readings of a backslash.
pub fn check(data: &[u8]) {
    // As the window would: what is no text does not get here.
    let text = String::from_utf8_lossy(data);
    for strings in [Strings::Standard, Strings::Escaped] {
        let found = statements(&text, strings);
        cover(&text, &found, strings);
        cursors(&text, &found, strings);
        tokens(&text, &found, strings);
    }
    offsets(&text);
}

/// Statements are in order, on characters, and alone in their text; what is between them is no statement. So taking the text apart
/// and putting it together again loses no byte, and each part is run once.
fn cover(text: &str, found: &[Range<usize>], strings: Strings) {
    let mut end = 0;
    let mut together = String::with_capacity(text.len());
    let end_of_text = text.len()..text.len();
    for range in found.iter().chain(std::iter::once(&end_of_text)) {
        assert!(range.start >= end);
        let between = text.get(end..range.start).unwrap();
        assert_eq!(statements(between, strings), [], "a statement was left out of {text:?}");
        let statement = text.get(range.clone()).unwrap();
        // Space at the end may be of a literal that is not closed.
        assert!(!statement.starts_with([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']));
        together.push_str(between);
        together.push_str(statement);
        end = range.end;
    }
    assert_eq!(together, text);
    for range in found {
        let statement = &text[range.clone()];
        let alone = statements(statement, strings);
        assert!(matches!(&alone[..], [one] if *one == (0..statement.len())), "{alone:?} of {text:?}");
    }
}

/// Every cursor means one of the statements when there is one; a cursor in a statement means that one.
fn cursors(text: &str, found: &[Range<usize>], strings: Strings) {
    let step = text.len() / 8 + 1;
    let ends = found.iter().take(4).flat_map(|range| [range.start, range.end]);
    for offset in (0..=text.len()).step_by(step).chain(ends) {
        match statement_at(text, offset, strings) {
            Some(range) => assert!(found.contains(&range)),
            None => assert!(found.is_empty()),
        }
        if let Some(inside) = found.iter().find(|range| range.start < offset && offset <= range.end) {
            assert_eq!(statement_at(text, offset, strings).as_ref(), Some(inside));
        }
    }
}

/// An error position of the server marks something that is in the statement.
fn tokens(text: &str, found: &[Range<usize>], strings: Strings) {
    for statement in found.iter().take(4).map(|range| &text[range.clone()]) {
        for position in [0, 1, statement.len() / 2, statement.len(), usize::MAX] {
            let range = token_at_position(statement, position, strings);
            assert!(!statement.get(range).unwrap().is_empty());
        }
    }
}

/// The editor's offsets and ours lead to each other, and asking for many is the same as asking for each.
fn offsets(text: &str) {
    let mut many = Utf16Offsets::new(text);
    for (byte, _) in text.char_indices().take(64).chain([(text.len(), ' ')]) {
        let utf16 = many.of(byte);
        assert_eq!(utf16, byte_to_utf16(text, byte));
        assert_eq!(utf16_to_byte(text, utf16), byte);
    }
    for utf16 in [0, 1, 2, 3, u32::MAX] {
        assert!(text.is_char_boundary(utf16_to_byte(text, utf16)));
    }
}
