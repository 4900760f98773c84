//! What a statement is, from its text: where it ends, what kind it is, and how Redshift's own forms are said in
//! PostgreSQL.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The statements of a simple query, without those that are empty or only comments.
pub(crate) fn split(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < sql.len() {
        if sql.as_bytes()[at] == b';' {
            found.push(&sql[start..at]);
            start = at + 1;
        }
        at += token_length(&sql[at..]);
    }
    found.push(&sql[start..]);
    found.into_iter().map(str::trim).filter(|statement| !without_comments(statement).is_empty()).collect()
}

/// Length of the string, quoted name, comment or single character that `sql` begins with.
fn token_length(sql: &str) -> usize {
    let first = sql.chars().next().map_or(1, char::len_utf8);
    let until = |end: &str, from: usize| sql[from..].find(end).map_or(sql.len(), |at| from + at + end.len());
    match sql.as_bytes()[0] {
        b'\'' => until("'", 1),
        b'"' => until("\"", 1),
        b'e' | b'E' if sql[1..].starts_with('\'') => escape_string_length(sql),
        b'-' if sql.starts_with("--") => sql.find('\n').unwrap_or(sql.len()),
        b'/' if sql.starts_with("/*") => block_comment_length(sql),
        b'$' => dollar_quote(sql).map_or(first, |tag| until(tag, tag.len())),
        // A whole word at once, so that the e of `name'` is not taken for the E of E'…'.
        b if b.is_ascii_alphanumeric() || b == b'_' => {
            sql.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(sql.len())
        }
        _ => first,
    }
}

fn escape_string_length(sql: &str) -> usize {
    let mut escaped = false;
    for (at, c) in sql.char_indices().skip(2) {
        match c {
            '\\' if !escaped => escaped = true,
            '\'' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    sql.len()
}

fn block_comment_length(sql: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < sql.len() {
        let rest = &sql.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    sql.len()
}

/// `$$` or `$name$` at the start.
fn dollar_quote(sql: &str) -> Option<&str> {
    let end = sql[1..].find('$')? + 2;
    let tag = &sql[..end];
    let name = &tag[1..end - 1];
    let is_name =
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some(tag)
}

/// The rest of `sql` after comments, spaces and opening brackets.
fn without_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    while rest.starts_with("--") || rest.starts_with("/*") {
        rest = rest[token_length(rest)..].trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    }
    rest
}

/// `query_type` of SYS_QUERY_HISTORY.
pub(crate) fn query_type(sql: &str) -> &'static str {
    static CREATE_AS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?is)^create\s+(?:\w+\s+)*?table\s[^;]*?\sas[\s(]"));
    let sql = without_comments(sql);
    let word = sql.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase();
    match word.as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" => "SELECT",
        "INSERT" => "INSERT",
        "UPDATE" => "UPDATE",
        "COPY" => "COPY",
        "UNLOAD" => "UNLOAD",
        "CREATE" if CREATE_AS.is_match(sql) => "CTAS",
        "CREATE" | "ALTER" | "DROP" | "GRANT" | "REVOKE" | "COMMENT" | "TRUNCATE" => "DDL",
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SET" | "RESET" | "SHOW" | "ANALYZE"
        | "VACUUM" | "PREPARE" | "DEALLOCATE" | "EXPLAIN" | "LOCK" | "CANCEL" | "CALL" => "UTILITY",
        "DECLARE" | "FETCH" | "CLOSE" | "MOVE" => "COMMAND",
        _ => "OTHER",
    }
}

/// Whether it reads the log of queries, which must then be up to date.
pub(crate) fn reads_history(sql: &str) -> bool {
    static SYS_VIEW: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(?:sys_(?:query|session)_|stv_(?:recents|sessions)\b)"));
    SYS_VIEW.is_match(sql)
}

/// Whether only the leader node runs it, so that it neither queues nor is compiled: it does not touch data, or only
/// that of the catalogue (<https://docs.aws.amazon.com/redshift/latest/dg/c_sql-functions-leader-node.html>). What
/// sleeps or makes rows up stands for work on data.
pub(crate) fn is_for_the_leader(sql: &str) -> bool {
    static SYSTEM_NAME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\b(?:pg|sys|svv|svl|stv|stl)_\w+|\binformation_schema\b"));
    static WORK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:from|pg_sleep|generate_series)\b"));
    match query_type(sql) {
        "UTILITY" | "COMMAND" | "DDL" => true,
        "SELECT" => {
            let mut system_names = SYSTEM_NAME.find_iter(sql);
            !WORK.is_match(sql) || system_names.any(|name| !name.as_str().eq_ignore_ascii_case("pg_sleep"))
        }
        _ => false,
    }
}

/// `CANCEL pid ['message']`, also behind comments.
const CANCEL: &str = r"(?i)^(?:\s|/\*.*?\*/)*cancel\s+(\d+)(\s*'(?:[^']|'')*')?\s*;?\s*$";

/// The session that one of these statements cancels with a message, and the message.
pub(crate) fn cancel_message(sql: &str) -> Option<(i32, String)> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(CANCEL));
    split(sql).into_iter().find_map(|statement| {
        let found = FORM.captures(statement)?;
        let literal = found.get(2)?.as_str().trim();
        let message = literal.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
        Some((found[1].parse().ok()?, message))
    })
}

/// Whether it asks the server to cancel a query or end a session.
pub(crate) fn signals_a_session(sql: &str) -> bool {
    static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bpg_(?:cancel|terminate)_backend\b"));
    FORM.is_match(sql) || cancel_message(sql).is_some()
}

/// Whether one statement mixes a function of the leader node with what may lie on compute nodes. Redshift refuses that of
/// some functions (<https://docs.aws.amazon.com/redshift/latest/dg/c_sql-functions-leader-node.html>).
pub(crate) fn mixes_nodes(sql: &str) -> bool {
    static VIEW: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(?:sys|stv|svv|svl)_\w+"));
    split(sql).into_iter().any(|statement| signals_a_session(statement) && VIEW.is_match(statement))
}

/// Says in PostgreSQL what only Redshift's grammar has; None when nothing is to be said otherwise.
///
/// Covers what an administrator runs to prepare a user, and `CANCEL`. Distribution and sort keys, encodings, COPY from
/// S3 and UNLOAD are not: they fail here with a syntax error.
pub(crate) fn in_postgres(sql: &str) -> Option<String> {
    type Rewrite = fn(&Captures<'_>) -> String;
    static FORMS: LazyLock<[(Regex, Rewrite); 7]> = LazyLock::new(|| {
        [
            (pattern(CANCEL), |found| {
                let message = found.get(2).map_or("NULL", |message| message.as_str().trim());
                format!("CALL pg_catalog.pg_internal_cancel({}, {message})", &found[1])
            }),
            (pattern(r"(?i)^((?:\s|/\*.*?\*/)*)show\s+(table|view)\s+(\S+)\s*$"), |found| {
                let (kind, name) = (found[2].to_ascii_lowercase(), found[3].replace('\'', "''"));
                format!("{}SELECT * FROM pg_catalog.pg_internal_show_{kind}('{name}')", &found[1])
            }),
            (pattern(r"(?i)^(\s*(?:create|alter)\s+user\s+.*\bpassword\s+)disable\b"), |found| {
                format!("{}NULL", &found[1])
            }),
            (pattern(r#"(?i)^\s*alter\s+user\s+("[^"]+"|[\w-]+)\s+syslog\s+access\s+(un)?restricted\s*$"#), |found| {
                let (verb, word) = if found.get(2).is_some() { ("GRANT", "TO") } else { ("REVOKE", "FROM") };
                format!("{verb} \"syslog access\" {word} {}", &found[1])
            }),
            (pattern(r"(?i)^(\s*(?:grant|revoke)\s+)role\s+(sys:\w+)(\s+(?:to|from)\s+)(?:role\s+)?"), |found| {
                format!("{}\"{}\"{}", &found[1], found[2].to_ascii_lowercase(), &found[3])
            }),
            (pattern(r#"(?i)^(\s*(?:grant|revoke)\s+)role\s+("?[\w-]+"?\s+(?:to|from)\s+)(?:role\s+)?"#), |found| {
                format!("{}{}", &found[1], &found[2])
            }),
            // A setting of the session with no counterpart. Two-part names are free for anyone to use.
            (
                pattern(
                    r"(?i)^(\s*set\s+)(enable_case_sensitive_identifier|enable_result_cache_for_session|query_group)\b",
                ),
                |found| format!("{}redshift.{}", &found[1], &found[2]),
            ),
        ]
    });
    let statements = split(sql);
    let mut changed = false;
    let rewritten = statements.into_iter().map(|statement| {
        let form = FORMS.iter().find(|(form, _)| form.is_match(statement));
        form.map_or_else(
            || statement.to_owned(),
            |(form, rewrite)| {
                changed = true;
                form.replace(statement, rewrite).into_owned()
            },
        )
    });
    let rewritten: Vec<String> = rewritten.collect();
    changed.then(|| rewritten.join(";"))
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern written above, which the tests compile")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_of_strings_and_comments() {
        let sql = "select ';' ; /* ; /* ; */ */ select $a$;$a$, \"a;b\" -- ;\n; ; select E'\\';', 김치 ;-- end";
        assert_eq!(split(sql), ["select ';'", "/* ; /* ; */ */ select $a$;$a$, \"a;b\" -- ;", "select E'\\';', 김치"]);
        assert!(split(" ; -- nothing").is_empty());
        assert_eq!(split("select 'open"), ["select 'open"]);
        assert_eq!(split("select $1; select name'x;y'"), ["select $1", "select name'x;y'"]);
    }

    #[test]
    fn the_type_is_told_by_the_first_word_that_counts() {
        assert_eq!(query_type("/* dbt */ (select 1)"), "SELECT");
        assert_eq!(query_type("with a as (select 1) select * from a"), "SELECT");
        assert_eq!(query_type("CREATE TABLE t (as_of date)"), "DDL");
        assert_eq!(query_type("create temp table t as select 1"), "CTAS");
        assert_eq!(query_type("BEGIN"), "UTILITY");
        assert_eq!(query_type("delete from t"), "OTHER");
    }

    #[test]
    fn forms_of_redshift_are_said_in_postgresql() {
        let said = |sql| in_postgres(sql).unwrap();
        assert_eq!(said("cancel 1073750177 'too long'"), "CALL pg_catalog.pg_internal_cancel(1073750177, 'too long')");
        assert_eq!(said("CREATE USER \"IAMR:x\" WITH PASSWORD DISABLE;"), "CREATE USER \"IAMR:x\" WITH PASSWORD NULL");
        assert_eq!(said("GRANT ROLE sys:operator TO \"IAMR:x\""), "GRANT \"sys:operator\" TO \"IAMR:x\"");
        assert_eq!(
            said("SET enable_case_sensitive_identifier TO true; select 1"),
            "SET redshift.enable_case_sensitive_identifier TO true;select 1"
        );
        assert_eq!(
            said("/* x */ SHOW TABLE public.\"Orders\""),
            "/* x */ SELECT * FROM pg_catalog.pg_internal_show_table('public.\"Orders\"')"
        );
        assert_eq!(said("ALTER USER \"IAMR:x\" SYSLOG ACCESS UNRESTRICTED;"), "GRANT \"syslog access\" TO \"IAMR:x\"");
        assert_eq!(said("/* a */ CANCEL 5 'it''s'"), "CALL pg_catalog.pg_internal_cancel(5, 'it''s')");
        assert_eq!(in_postgres("select 'cancel 5'"), None);
        assert_eq!(in_postgres("show search_path"), None);
    }

    #[test]
    fn statements_that_touch_no_data_are_for_the_leader_alone() {
        for sql in
            ["begin", "select 1", "select version()", "SELECT * FROM SYS_QUERY_HISTORY", "create table t (a int)"]
        {
            assert!(is_for_the_leader(sql), "{sql}");
        }
        for sql in ["select pg_cancel_backend(5)", "select 1 from pg_class", "select * from information_schema.tables"]
        {
            assert!(is_for_the_leader(sql), "{sql}");
        }
        for sql in ["select pg_sleep(1)", "select * from orders", "update t set a = 1", "delete from t", "fix from x"] {
            assert!(!is_for_the_leader(sql), "{sql}");
        }
    }

    #[test]
    fn a_cancel_with_a_message_is_known_and_so_is_what_asks_for_a_signal() {
        let both = "select 1 / count(*) from sys_query_history; /* a */ cancel 1073750177 'it''s too; long'";
        assert_eq!(cancel_message(both), Some((1_073_750_177, "it's too; long".to_owned())));
        assert_eq!(cancel_message("cancel 5"), None);
        assert!(signals_a_session(both) && !mixes_nodes(both));
        assert!(mixes_nodes("select pg_cancel_backend(session_id) from sys_query_history"));
        assert!(!mixes_nodes("select 1 from sys_query_history; select pg_cancel_backend(5)"));
    }

    #[test]
    fn only_statements_about_the_log_need_it_up_to_date() {
        assert!(reads_history("SELECT 1 FROM SYS_QUERY_HISTORY"));
        assert!(reads_history("SELECT 1 FROM stv_recents"));
        assert!(!reads_history("SELECT 1 FROM orders"));
    }
}
