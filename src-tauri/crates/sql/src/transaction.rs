//! What a statement is to a transaction, for a console that begins one by itself.

use crate::Strings;
use crate::words::Words;

/// How a statement goes with a transaction block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// It runs in one.
    Inside,
    /// It begins or ends one itself.
    Control,
    /// The server refuses it in one, and a refusal would cost the whole transaction: its name, `VACUUM`.
    Outside(&'static str),
}

/// What a statement is to a transaction block. Only what PostgreSQL and Redshift say of their commands: whether a
/// transaction is open is the server's to tell.
#[must_use]
pub fn part(statement: &str, strings: Strings) -> Part {
    let words = Words::of(statement, strings);
    if words.is_any(0, &["begin", "start", "commit", "end", "rollback", "abort"])
        || (words.is(0, "prepare") && words.is(1, "transaction"))
    {
        return Part::Control;
    }
    outside(&words).map_or(Part::Inside, Part::Outside)
}

fn outside(words: &Words<'_>) -> Option<&'static str> {
    let has = |word: &str| (1..words.len()).any(|index| words.is(index, word));
    let two = |first: &str, second: &str| words.is(0, first) && words.is(1, second);
    Some(match () {
        () if words.is(0, "vacuum") => "VACUUM",
        () if two("create", "database") => "CREATE DATABASE",
        () if two("drop", "database") => "DROP DATABASE",
        () if two("create", "tablespace") => "CREATE TABLESPACE",
        () if two("drop", "tablespace") => "DROP TABLESPACE",
        () if two("alter", "system") => "ALTER SYSTEM",
        () if two("discard", "all") => "DISCARD ALL",
        () if two("create", "external") && words.is(2, "table") => "CREATE EXTERNAL TABLE",
        () if two("drop", "external") && words.is(2, "table") => "DROP EXTERNAL TABLE",
        () if two("drop", "table") && has("external") => "DROP EXTERNAL TABLE",
        () if two("alter", "table") && has("append") && has("from") => "ALTER TABLE APPEND",
        () if two("create", "library") => "CREATE LIBRARY",
        () if two("drop", "library") => "DROP LIBRARY",
        () if (words.is(0, "create") || words.is(0, "drop")) && has("concurrently") && has("index") => {
            "an index CONCURRENTLY"
        }
        () if two("reindex", "database") || two("reindex", "system") => "REINDEX DATABASE",
        () if words.is(0, "cluster") && words.len() == 1 => "CLUSTER",
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart_as_psql_does() {
        let of = |statement| part(statement, Strings::Standard);
        for control in
            ["BEGIN", "/* x */ start transaction", "commit", "end", "rollback to a", "prepare transaction 'x'"]
        {
            assert_eq!(of(control), Part::Control, "{control}");
        }
        for inside in ["select 1", "prepare p as select 1", "create table t (a int)", "discard temp", "savepoint a", ""]
        {
            assert_eq!(of(inside), Part::Inside, "{inside}");
        }
        assert_eq!(of("-- weekly\nvacuum full t"), Part::Outside("VACUUM"));
        assert_eq!(of("create unique index concurrently i on t (a)"), Part::Outside("an index CONCURRENTLY"));
        assert_eq!(of("alter table a append from b"), Part::Outside("ALTER TABLE APPEND"));
    }
}
