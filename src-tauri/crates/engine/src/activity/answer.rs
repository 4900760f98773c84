//! Reading what a monitoring statement gave back: text of the simple protocol, in which Redshift pads and PostgreSQL does not.

use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

/// The rows of an answer.
pub(crate) fn rows(messages: &[SimpleQueryMessage]) -> impl Iterator<Item = Fields<'_>> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(Fields(row)),
        _ => None,
    })
}

/// The names of an answer's columns; none when it was no query.
pub(super) fn columns(messages: &[SimpleQueryMessage]) -> Vec<String> {
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::RowDescription(columns) => {
                Some(columns.iter().map(|column| column.name().to_owned()).collect())
            }
            _ => None,
        })
        .unwrap_or_default()
}

/// A row by the names of its columns. One that was not asked for reads as empty.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a SimpleQueryRow);

impl<'a> Fields<'a> {
    /// As it came.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.try_get(name).ok().flatten()
    }

    /// Without the blanks that a column of type `character(n)` is padded with.
    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.raw(name).map(str::trim_end).unwrap_or_default()
    }

    /// A number that counts something; none when there is none.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// The same, where nothing is 0.
    pub(super) fn microseconds(&self, name: &str) -> u64 {
        self.count(name).unwrap_or_default()
    }

    /// A boolean.
    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.text(name), "t" | "true" | "1")
    }

    /// A time in UTC, as milliseconds since 1970.
    pub(super) fn time(&self, name: &str) -> Option<u64> {
        millis(self.text(name))
    }

    /// What is worth saying.
    pub(super) fn said(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|text| !text.is_empty())
    }
}

/// `2026-11-22 14:27:37.123456`, UTC without saying so, as milliseconds since 1970.
fn millis(text: &str) -> Option<u64> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");
    let at = PrimitiveDateTime::parse(text, FORMAT).ok()?.assume_utc();
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
}

/// The text of a query as it was written: Redshift's tables hold `\n` for the end of a line
/// (<https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_TEXT.html>). A backslash and an n that somebody wrote look the same there.
pub(super) fn with_line_ends(text: &str) -> String {
    text.replace("\\n", "\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_utc_with_or_without_fractions() {
        assert_eq!(millis("1970-01-01 00:00:01.5"), Some(1500));
        assert_eq!(millis("2026-11-22 14:27:37"), Some(1_795_357_657_000));
        assert_eq!(millis("2026-11-22 14:27:37.123456"), Some(1_795_357_657_123));
        assert_eq!(millis(""), None);
    }

    #[test]
    fn line_ends_are_put_back() {
        assert_eq!(with_line_ends("select 1\\n  from a"), "select 1\n  from a");
    }
}
