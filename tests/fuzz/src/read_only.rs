//! The judge of read-only sessions: any text. Beside it stands a careless reader that knows no grammar and errs in the
//! other direction: it must never find a word that writes in a text that the judge lets through.

use postern_sql::{Strings, parameters, read_only, statements, transaction};

/// Words that only a statement that writes has outside of literals, quoted names and comments.
const WRITES: [&str; 5] = ["insert", "update", "delete", "merge", "into"];

/// Judges a text, and finds its placeholders and its dangers, in both readings of a backslash.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let verdict = read_only::check(&text);
    if let Err(refused) = &verdict {
        assert!(!refused.to_string().is_empty() && !refused.hint().is_empty());
        assert!(refused.statement.chars().count() <= 121 && !refused.statement.contains(char::is_control));
    }
    for strings in [Strings::Standard, Strings::Escaped] {
        let parts = statements(&text, strings);
        if verdict.is_ok() {
            for part in &parts {
                let statement = &text[part.clone()];
                assert!(read_only::check(statement).is_ok(), "alone it is refused: {statement:?}");
                // With a backslash the careless reader would have to know as much as the lexer.
                if !text.contains('\\') {
                    let code = bare(statement);
                    let between = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_$".contains(c);
                    let wrote = code.split(between).find(|word| WRITES.contains(word));
                    assert!(wrote.is_none(), "{wrote:?} went through in {text:?}");
                }
            }
        }
        for part in parts.iter().take(8) {
            let statement = &text[part.clone()];
            let _ = (transaction::part(statement, strings), postern_sql::guard::danger(statement, strings));
            numbering(statement, strings);
        }
    }
}

/// The text in lower case without literals, quoted names and comments: read by a loop of its own.
fn bare(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    let is = |at: usize, expected: &str| expected.chars().enumerate().all(|(i, c)| characters.get(at + i) == Some(&c));
    while at < characters.len() {
        let name_before = at > 0
            && (characters[at - 1].is_alphanumeric()
                || "_$".contains(characters[at - 1])
                || !characters[at - 1].is_ascii());
        if is(at, "--") {
            while at < characters.len() && !"\n\r".contains(characters[at]) {
                at += 1;
            }
        } else if is(at, "/*") {
            while at < characters.len() && !is(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if characters[at] == '\'' || characters[at] == '"' {
            let quote = characters[at];
            at += 1;
            while at < characters.len() && (characters[at] != quote || characters.get(at + 1) == Some(&quote)) {
                at += if characters[at] == quote { 2 } else { 1 };
            }
            at += 1;
        } else if characters[at] == '$' && !name_before {
            let tag: String = characters[at + 1..]
                .iter()
                .take_while(|c| c.is_alphanumeric() || **c == '_' || !c.is_ascii())
                .collect();
            let delimiter = format!("${tag}$");
            if is(at, &delimiter) && !tag.starts_with(|c: char| c.is_ascii_digit()) {
                at += delimiter.chars().count();
                while at < characters.len() && !is(at, &delimiter) {
                    at += 1;
                }
                at += delimiter.chars().count();
            } else {
                out.push('$');
                at += 1;
            }
        } else {
            out.push(characters[at].to_ascii_lowercase());
            at += 1;
            continue;
        }
        out.push(' ');
    }
    out
}

/// Names and numbers lead to each other.
fn numbering(statement: &str, strings: Strings) {
    let Some(numbered) = parameters::numbered(statement, strings) else { return };
    let found = parameters::placeholders(statement, strings);
    assert!(!numbered.names.is_empty() && numbered.names.len() <= found.len());
    for (offset, _) in numbered.sql.char_indices().take(64) {
        let position = numbered.sql[..offset].chars().count() + 1;
        match numbered.written_at(position) {
            parameters::Written::Placeholder(range) => assert!(statement[range].starts_with(':')),
            parameters::Written::Offset(back) => {
                assert_eq!(statement[back..].chars().next(), numbered.sql[offset..].chars().next())
            }
        }
    }
}
