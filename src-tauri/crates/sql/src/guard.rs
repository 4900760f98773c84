//! Statements that change or remove more than their author may mean: the console asks before it runs one where it
//! matters.
//!
//! It protects from slips, not from people: what a procedure or a function does is not seen.

use crate::Strings;
use crate::lexer::Kind;
use crate::words::Words;

/// What is worth a question.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Danger {
    /// UPDATE of every row: no WHERE, or one that names no column (`where 1 = 1`).
    UpdateAll,
    /// DELETE of every row, likewise.
    DeleteAll,
    /// TRUNCATE.
    Truncate,
    /// DROP TABLE.
    DropTable,
    /// DROP SCHEMA.
    DropSchema,
    /// DROP DATABASE.
    DropDatabase,
}

/// What is dangerous about a statement, if anything is; the first thing where several are.
#[must_use]
pub fn danger(statement: &str, strings: Strings) -> Option<Danger> {
    let words = Words::of(statement, strings);
    (0..words.len()).filter(|&index| begins_statement(&words, index)).find_map(|index| danger_at(&words, index))
}

/// Whether a statement may begin here: at the front, in a CTE, behind the CTEs, behind EXPLAIN or PREPARE … AS.
fn begins_statement(words: &Words<'_>, index: usize) -> bool {
    let Some(before) = index.checked_sub(1) else { return true };
    words.is_symbol(before, "(")
        || words.is_symbol(before, ")")
        || words.is_any(before, &["explain", "analyze", "analyse", "verbose", "as"])
}

fn danger_at(words: &Words<'_>, at: usize) -> Option<Danger> {
    if words.is(at, "delete") {
        return changes_all(words, at).then_some(Danger::DeleteAll);
    }
    if words.is(at, "update") {
        // Only where rows are set: `for update` and the like set none.
        return (has_at_this_depth(words, at, "set").is_some() && changes_all(words, at)).then_some(Danger::UpdateAll);
    }
    if at > 0 {
        return None;
    }
    match () {
        () if words.is(0, "truncate") => Some(Danger::Truncate),
        () if words.is(0, "drop") && words.is(1, "table") => Some(Danger::DropTable),
        () if words.is(0, "drop") && words.is_any(1, &["schema"]) => Some(Danger::DropSchema),
        () if words.is(0, "drop") && words.is(1, "external") && words.is(2, "schema") => Some(Danger::DropSchema),
        () if words.is(0, "drop") && words.is(1, "database") => Some(Danger::DropDatabase),
        () => None,
    }
}

/// Whether the DELETE or UPDATE at `at` has no WHERE of its own, or one that says the same of each row.
fn changes_all(words: &Words<'_>, at: usize) -> bool {
    let Some(condition) = has_at_this_depth(words, at, "where") else { return true };
    let end = has_at_this_depth(words, condition, "returning").unwrap_or_else(|| end_of_depth(words, condition));
    !(condition + 1..end).any(|index| names_something(words, index))
}

/// A column, or a value that is not in the text.
fn names_something(words: &Words<'_>, index: usize) -> bool {
    const CONSTANT: [&str; 10] = ["true", "false", "not", "and", "or", "is", "null", "in", "between", "like"];
    match words.kind(index) {
        Some(Kind::Word) => !words.is_any(index, &CONSTANT),
        Some(Kind::QuotedName | Kind::Parameter) => true,
        _ => false,
    }
}

/// Where a keyword stands behind `from`, in the same parentheses.
fn has_at_this_depth(words: &Words<'_>, from: usize, keyword: &str) -> Option<usize> {
    let mut index = from + 1;
    let end = end_of_depth(words, from);
    while index < end {
        if words.is(index, keyword) {
            return Some(index);
        }
        index = if words.is_symbol(index, "(") { words.behind_parenthesis(index) } else { index + 1 };
    }
    None
}

/// The parenthesis that closes what `from` is in, or the end.
fn end_of_depth(words: &Words<'_>, from: usize) -> usize {
    let mut index = from + 1;
    while index < words.len() && !words.is_symbol(index, ")") {
        index = if words.is_symbol(index, "(") { words.behind_parenthesis(index) } else { index + 1 };
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statement: &str) -> Option<Danger> {
        danger(statement, Strings::Standard)
    }

    #[test]
    fn a_change_of_every_row_is_found() {
        for statement in [
            "delete from t",
            "DELETE FROM t -- where id = 1",
            "delete from t /* where id = 1 */ using s",
            "delete from t where true",
            "delete from t where 1 = 1",
            "delete from t where (1=1) and not false or 'a' = 'a'",
            "delete from t using (select 1 from s where s.id = 2) x",
            "with x as (select 1 from s where id = 1) delete from t",
            "with x as (delete from t returning *) select * from x where id = 1",
            "delete from \"where\"",
            "explain analyze delete from t",
            "explain (analyze) delete from t",
            "prepare p as delete from t",
            "delete from t where 1 = 1 returning id",
        ] {
            assert_eq!(of(statement), Some(Danger::DeleteAll), "{statement}");
        }
        for statement in [
            "update t set a = 1",
            "update t set a = (select b from s where s.id = t.id)",
            "update t set a = 'where id = 1'",
            "update t set a = 1 from s where 1 = 1",
            "update only t set a = $$ where $$",
            "with x as (update t set a = 1 returning *) select * from x where a = 1",
        ] {
            assert_eq!(of(statement), Some(Danger::UpdateAll), "{statement}");
        }
    }

    #[test]
    fn what_names_its_rows_passes() {
        for statement in [
            "delete from t where id = 1",
            "delete from t where \"id\" = 1",
            "delete from t where $1",
            "delete from t where :id",
            "delete from t where exists (select 1 from s)",
            "delete from t where current of c",
            "update t set a = 1 where id in (select id from s)",
            "with x as (delete from t where id = 1 returning *) select * from x",
            "select * from t for update",
            "insert into t values (1) on conflict (id) do update set a = 1",
            "merge into t using s on t.id = s.id when matched then delete",
            "merge into t using s on t.id = s.id when matched then update set a = 1",
            "grant update (a), delete on t to x",
            "create trigger a after delete on t execute function f()",
            "select 'delete from t'",
            "select \"delete\" from t",
            "drop view v",
            "drop index i",
            "create table t (a int references s on delete cascade)",
            "",
        ] {
            assert_eq!(of(statement), None, "{statement}");
        }
    }

    #[test]
    fn what_removes_whole_things_is_found() {
        assert_eq!(of("truncate table t"), Some(Danger::Truncate));
        assert_eq!(of("-- gone\nDROP TABLE if exists t"), Some(Danger::DropTable));
        assert_eq!(of("drop schema s cascade"), Some(Danger::DropSchema));
        assert_eq!(of("drop external schema s"), Some(Danger::DropSchema));
        assert_eq!(of("drop database d"), Some(Danger::DropDatabase));
    }
}
