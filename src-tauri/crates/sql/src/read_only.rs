//! What a read-only session may send: an allow-list of what can only read.
//!
//! Redshift has no setting that makes a session read-only, so the text has to tell. What is not known to only read is
//! refused. The server must not be able to read a text otherwise than it is read here, hence:
//!
//! - A text counts only when its tokens are the same whatever a backslash means to the server, and whether or not it
//!   nests comments. Where each token ends at the same place in all readings, so does every mixture of them.
//! - Words are looked for anywhere in a statement, in whatever depth, and not only where a grammar would expect them.
//! - A number that runs into a word (`1INTO t`) is refused: servers before PostgreSQL 15 see two tokens there.
//!
//! **The limit.** What a function does cannot be known from a text. [`SIDE_EFFECTS`] and [`SIDE_EFFECT_PREFIXES`] name
//! the functions of PostgreSQL that are known to change something; a function that somebody wrote may do anything its
//! owner lets it do, and `select f()` passes.

use std::fmt;

use crate::Strings;
use crate::lexer::{Kind, Lexer, Token};
use crate::words::Words;

/// Functions that change something, or run SQL that they are given as text.
const SIDE_EFFECTS: [&str; 29] = [
    "brin_desummarize_range",
    "brin_summarize_new_values",
    "brin_summarize_range",
    "connectby",
    "gin_clean_pending_list",
    "lowrite",
    "nextval",
    "pg_cancel_backend",
    "pg_extension_config_dump",
    "pg_import_system_collations",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_notify",
    "pg_prewarm",
    "pg_promote",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_stat_statements_reset",
    "pg_terminate_backend",
    "postgres_fdw_disconnect",
    "postgres_fdw_disconnect_all",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "set_config",
    "setval",
    "ts_rewrite",
    "ts_stat",
    "xpath_table",
];

/// Families of such functions.
const SIDE_EFFECT_PREFIXES: [&str; 22] = [
    "binary_upgrade_",
    "crosstab",
    "dblink",
    "lo_",
    "pg_advisory_lock",
    "pg_advisory_xact_lock",
    "pg_backup_",
    "pg_clear_",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_file_",
    "pg_logical_",
    "pg_replication_",
    "pg_restore_",
    "pg_start_",
    "pg_stat_reset",
    "pg_stop_",
    "pg_switch_",
    "pg_sync_",
    "pg_try_advisory_",
    "pg_wal_replay_",
];

/// Characters of a statement that are quoted in a refusal.
const QUOTED: usize = 120;

/// Why a text is not let through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What was met.
    pub reason: Reason,
    /// The beginning of the statement, on one line.
    pub statement: String,
}

/// What is wrong with a statement in a read-only session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It would change something, or is not known to only read: `DELETE`, `SELECT INTO`.
    Command(String),
    /// It calls a function that changes something.
    Function(String),
    /// It would make the session something else: another user, another encoding, one that may write.
    Setting(String),
    /// A server might see other tokens than we do.
    Ambiguous(&'static str),
    /// The fast-path function call of the protocol, which says a number and no name.
    FunctionCall,
    /// It is too long to be read.
    TooLong {
        /// How long it may be, in bytes.
        limit: usize,
    },
}

impl Refused {
    /// Of a message that has no statement.
    #[must_use]
    pub fn without_statement(reason: Reason) -> Self {
        Self { reason, statement: String::new() }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        let open = "Open a connection that is not read-only if you mean to change something.";
        match &self.reason {
            Reason::Command(command) if NAMES.iter().any(|name| command.ends_with(name)) => {
                format!("{open} Where the word is a name, write it in double quotes.")
            }
            Reason::Command(_) | Reason::Function(_) | Reason::FunctionCall => open.to_owned(),
            Reason::Setting(_) => "This setting stays as it is for as long as the connection is read-only.".to_owned(),
            Reason::Ambiguous(advice) => (*advice).to_owned(),
            Reason::TooLong { .. } => "Send it in parts, or open a connection that is not read-only.".to_owned(),
        }
    }
}

/// Words that might be the name of a column too.
const NAMES: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "LOCK"];

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Command(command) => write!(f, "cannot execute {command} in a read-only connection"),
            Reason::Function(name) => write!(f, "cannot call {name}() in a read-only connection"),
            Reason::Setting(name) => write!(f, "cannot change {name} in a read-only connection"),
            Reason::Ambiguous(_) => {
                f.write_str("cannot execute this in a read-only connection: its text can be read in more than one way")
            }
            Reason::FunctionCall => f.write_str("cannot execute a fast-path function call in a read-only connection"),
            Reason::TooLong { limit } => {
                write!(f, "cannot execute a statement of more than {limit} bytes in a read-only connection")
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Whether every statement of a text can only read.
///
/// # Errors
/// [`Refused`] for the first that is not known to.
pub fn check(text: &str) -> Result<(), Refused> {
    let tokens = one_reading(text)?;
    for statement in tokens.split(|token| token.kind == Kind::Semicolon) {
        let words = Words::new(text, statement.iter().cloned());
        judge(&words).map_err(|reason| Refused { reason, statement: beginning(text, statement) })?;
    }
    Ok(())
}

/// The tokens of a text, if there is only one way to see them.
fn one_reading(text: &str) -> Result<Vec<Token>, Refused> {
    let refused = |advice| Refused { reason: Reason::Ambiguous(advice), statement: shortened(text) };
    if text.bytes().any(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)) {
        return Err(refused("Take the control characters out of it."));
    }
    // PostgreSQL ends a line comment there; whoever does not would see code in what is a literal to us.
    if text.replace("\r\n", "\n").contains('\r') {
        return Err(refused("End its lines with line feeds."));
    }
    let tokens: Vec<Token> = Lexer::new(text, Strings::Standard).collect();
    if !Lexer::new(text, Strings::Escaped).eq(tokens.iter().cloned()) {
        return Err(refused("Send a value with a backslash before a quote as a parameter, or write it as E'…'."));
    }
    for (index, token) in tokens.iter().enumerate() {
        let written = &text[token.range.clone()];
        let unclear = match token.kind {
            Kind::Comment if written.starts_with("/*") && written[2..].contains("/*") => {
                Some("Take the comment out of the comment.")
            }
            Kind::Number if !is_plain_number(written) => Some("Put a space behind the number."),
            // U&"…" may spell any name in code points.
            Kind::QuotedName if index >= 2 && is_unicode_prefix(text, &tokens[index - 2..index]) => {
                Some("Write the name without U&.")
            }
            _ => None,
        };
        if let Some(advice) = unclear {
            return Err(refused(advice));
        }
    }
    Ok(tokens)
}

/// Digits, a point, an exponent, and nothing behind.
fn is_plain_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.is_none_or(|exponent| {
        let number = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !number.is_empty() && digits(number)
    });
    digits(whole) && digits(fraction) && exponent
}

fn is_unicode_prefix(text: &str, before: &[Token]) -> bool {
    matches!(before, [letter, and] if text[letter.range.clone()].eq_ignore_ascii_case("u") && text[and.range.clone()] == *"&")
}

fn judge(words: &Words<'_>) -> Result<(), Reason> {
    if words.len() == 0 {
        return Ok(());
    }
    if is_query(words, 0) || words.is(0, "declare") {
        return nothing_writes(words, 0, words.len());
    }
    if words.is(0, "explain") {
        let at = words.behind_explain();
        return match is_query(words, at) || words.is(at, "declare") {
            true => nothing_writes(words, 0, words.len()),
            false => Err(Reason::Command(command(words, at))),
        };
    }
    if words.is_any(0, &["show", "fetch", "move", "close", "deallocate", "discard", "unlisten"]) {
        return nothing_writes(words, 0, words.len());
    }
    if words.is_any(0, &["begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"]) {
        return transaction(words);
    }
    if words.is_any(0, &["set", "reset"]) {
        return setting(words);
    }
    if words.is(0, "copy") {
        return copy(words);
    }
    Err(Reason::Command(command(words, 0)))
}

/// Whether a query begins here.
fn is_query(words: &Words<'_>, at: usize) -> bool {
    words.is_any(at, &["select", "with", "values", "table"]) || words.is_symbol(at, "(")
}

/// No word between `from` and `to` writes, however deep it stands, and whether or not a grammar would look for it there.
fn nothing_writes(words: &Words<'_>, from: usize, to: usize) -> Result<(), Reason> {
    for index in from..to {
        if words.is_any(index, &["insert", "update", "delete", "merge"]) {
            return Err(Reason::Command(words.text(index).to_ascii_uppercase()));
        }
        if words.is(index, "into") {
            return Err(Reason::Command("SELECT INTO".to_owned()));
        }
        // FOR UPDATE is met above. These lock rows too.
        if words.is(index, "for") && words.is_any(index + 1, &["share", "key"]) {
            return Err(Reason::Command("SELECT FOR LOCK".to_owned()));
        }
        if words.is_symbol(index + 1, "(")
            && let Some(name) = words.name(index).filter(|name| has_side_effects(name))
        {
            return Err(Reason::Function(name));
        }
    }
    Ok(())
}

fn has_side_effects(function: &str) -> bool {
    SIDE_EFFECTS.binary_search(&function).is_ok()
        || SIDE_EFFECT_PREFIXES.iter().any(|prefix| function.starts_with(prefix))
}

/// Begins or ends a transaction; not one that may write, nor one that was prepared elsewhere.
fn transaction(words: &Words<'_>) -> Result<(), Reason> {
    nothing_writes(words, 0, words.len())?;
    match (0..words.len()).find(|&index| words.is_any(index, &["write", "prepared"])) {
        Some(index) if words.is(index, "write") => Err(Reason::Command("READ WRITE".to_owned())),
        Some(_) => Err(Reason::Command(format!("{} PREPARED", words.text(0).to_ascii_uppercase()))),
        None => Ok(()),
    }
}

/// SET and RESET of what does not change who the session is, what it may do, or how its text is read.
fn setting(words: &Words<'_>) -> Result<(), Reason> {
    const KEPT: [&str; 7] = [
        "authorization",
        "default_transaction_read_only",
        "role",
        "session_authorization",
        "session_replication_role",
        "transaction_read_only",
        "write",
    ];
    nothing_writes(words, 0, words.len())?;
    for index in 1..words.len() {
        let Some(name) = words.name(index) else { continue };
        if KEPT.contains(&name.as_str()) {
            return Err(Reason::Setting(name));
        }
        if matches!(name.as_str(), "client_encoding" | "names") && !sets_utf8(words, index) {
            return Err(Reason::Setting("client_encoding".to_owned()));
        }
    }
    Ok(())
}

/// `client_encoding TO 'UTF8'`, `NAMES 'UTF8'`, and nothing behind.
fn sets_utf8(words: &Words<'_>, name: usize) -> bool {
    let value = if words.is(name + 1, "to") || words.is_symbol(name + 1, "=") { name + 2 } else { name + 1 };
    let written = words.text(value).trim_matches(['\'', '"']);
    let utf8 = ["utf8", "utf-8", "unicode"].iter().any(|known| written.eq_ignore_ascii_case(known));
    words.is(0, "set") && utf8 && value + 1 == words.len()
}

/// `COPY … TO STDOUT`: neither into a file of the server nor to a program of it.
fn copy(words: &Words<'_>) -> Result<(), Reason> {
    nothing_writes(words, 0, words.len())?;
    let mut at = 1;
    if words.is_symbol(at, "(") {
        let end = words.behind_parenthesis(at);
        if !is_query(words, at + 1) {
            return Err(Reason::Command("COPY".to_owned()));
        }
        at = end;
    } else {
        while words.name(at).is_some() && !words.is_any(at, &["to", "from"]) {
            at += 1;
            if words.is_symbol(at, ".") {
                at += 1;
            }
        }
        if words.is_symbol(at, "(") {
            at = words.behind_parenthesis(at);
        }
    }
    match words.is(at, "to") && words.is(at + 1, "stdout") {
        true => Ok(()),
        false if words.is(at, "from") => Err(Reason::Command("COPY FROM".to_owned())),
        false => Err(Reason::Command("COPY".to_owned())),
    }
}

/// The first word or two of a statement, as it is called.
fn command(words: &Words<'_>, at: usize) -> String {
    match words.kind(at) {
        Some(Kind::Word) => words.text(at).to_ascii_uppercase(),
        _ => "an unknown statement".to_owned(),
    }
}

fn beginning(text: &str, tokens: &[Token]) -> String {
    let code = |token: &&Token| !matches!(token.kind, Kind::Space | Kind::Comment);
    let start = tokens.iter().find(code).map_or(0, |token| token.range.start);
    let end = tokens.iter().rfind(code).map_or(start, |token| token.range.end);
    shortened(&text[start..end])
}

/// On one line, and not too long.
fn shortened(text: &str) -> String {
    let mut line: String = text.chars().take(QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn reason(text: &str) -> Reason {
        match check(text) {
            Err(refused) => refused.reason,
            Ok(()) => panic!("it was let through: {text}"),
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(SIDE_EFFECTS.is_sorted() && SIDE_EFFECT_PREFIXES.is_sorted());
    }

    #[test]
    fn what_only_reads_passes() {
        for text in [
            "",
            " ; -- nothing",
            "select 1",
            "SELECT 'delete from t', \"update\", $$ insert $$ -- drop\n from t /* truncate */",
            "with a as (select 1), b as materialized (values (1)) select * from a, b",
            "(select 1) union all (select 2) order by 1 limit 5",
            "values (1), (2)",
            "table t",
            "explain select 1",
            "explain (analyze, buffers) select 1",
            "explain analyze verbose with x as (select 1) select * from x",
            "explain (select 1)",
            "show search_path",
            "set search_path to sales, public; set query_group to 'delete'",
            "set client_encoding to 'UTF8'; set names 'utf8'; set time zone 'Asia/Seoul'",
            "set session characteristics as transaction isolation level serializable",
            "begin; start transaction read only; commit; rollback; end; abort; savepoint a; release a",
            "begin isolation level serializable",
            "declare c cursor with hold for select 1; fetch 100 from c; move 1 in c; close c",
            "select substring(a from 1 for 2), overlay(b placing 'x' from 1 for 2) from t",
            "copy t (a, b) to stdout with (format csv); copy sales.t to stdout",
            "copy (select 1) to stdout",
            "reset all; discard all; deallocate all; unlisten *",
            "select pg_catalog.pg_get_viewdef(1), pg_advisory_unlock_all(), currval('s')",
            "select 1.5e-3, .5, 2., 1e5, a[1:2], b::int, '한글' as 이름",
            r"select E'a\'b', 'C:\dir'",
            "select nextval from t",
            "select 1 -- one\r\nfrom t",
        ] {
            check(text).unwrap_or_else(|refused| panic!("{refused}: {text}"));
        }
    }

    #[test]
    fn what_writes_is_refused_by_its_name() {
        for (text, command) in [
            ("delete from t", "DELETE"),
            ("select 1; insert into t values (1)", "INSERT"),
            ("with x as (delete from t returning *) select * from x", "DELETE"),
            ("with x as (select 1) update t set a = 1", "UPDATE"),
            ("(with x as (insert into t values (1) returning 1) select 1)", "INSERT"),
            ("select * into new from t", "SELECT INTO"),
            ("select * from (select 1 into x) y", "SELECT INTO"),
            ("select * from t for update", "UPDATE"),
            ("select * from t for no key update", "UPDATE"),
            ("select * from t for share", "SELECT FOR LOCK"),
            ("select * from t for key share", "SELECT FOR LOCK"),
            ("explain analyze delete from t", "DELETE"),
            ("explain (analyze) delete from t", "DELETE"),
            ("explain (analyze, format json) (delete from t)", "DELETE"),
            ("explain verbose execute p", "EXECUTE"),
            ("explain analyze create table x as select 1", "CREATE"),
            ("create table x (a int)", "CREATE"),
            ("create temp table x as select 1", "CREATE"),
            ("drop table t", "DROP"),
            ("truncate t", "TRUNCATE"),
            ("merge into t using s on true when matched then delete", "MERGE"),
            ("call p()", "CALL"),
            ("do $$ begin delete from t; end $$", "DO"),
            ("prepare p as delete from t", "PREPARE"),
            ("prepare p as select 1", "PREPARE"),
            ("execute p", "EXECUTE"),
            ("copy t from stdin", "COPY FROM"),
            ("copy t from 's3://b/k' iam_role default", "COPY FROM"),
            ("copy t to '/etc/passwd'", "COPY"),
            ("copy t to program 'sh'", "COPY"),
            ("copy (delete from t returning *) to stdout", "DELETE"),
            ("copy (call p()) to stdout", "COPY"),
            ("set x to delete", "DELETE"),
            ("show delete", "DELETE"),
            ("copy (with x as (delete from t returning 1) select * from x) to stdout", "DELETE"),
            ("copy (select 1) to program 'sh'", "COPY"),
            ("unload ('select 1') to 's3://b/k' iam_role default", "UNLOAD"),
            ("vacuum", "VACUUM"),
            ("analyze", "ANALYZE"),
            ("grant all on t to public", "GRANT"),
            ("alter user me password 'x'", "ALTER"),
            ("lock t", "LOCK"),
            ("cancel 1", "CANCEL"),
            ("begin read write", "READ WRITE"),
            ("begin; start transaction isolation level serializable, read write", "READ WRITE"),
            ("commit prepared 'x'", "COMMIT PREPARED"),
            ("declare c cursor for delete from t returning *", "DELETE"),
            ("create_replication_slot s physical", "CREATE_REPLICATION_SLOT"),
            ("notify a", "NOTIFY"),
            ("$1", "an unknown statement"),
            ("\"select\" 1", "an unknown statement"),
            ("한글", "한글"),
        ] {
            assert_eq!(reason(text), Reason::Command(command.into()), "{text}");
        }
    }

    #[test]
    fn functions_that_change_something_are_refused_as_far_as_they_are_known() {
        for text in [
            "select pg_terminate_backend(1)",
            "select PG_CATALOG.\"pg_terminate_backend\" /* x */ (1)",
            "values (nextval('s'))",
            "with x as (select set_config('role', 'admin', false)) select * from x",
            "declare c cursor for select lo_unlink(1)",
            "select * from dblink('', 'delete from t') as x(a int)",
            "select query_to_xml('select pg_terminate_backend(1)', true, true, '')",
            "copy (select setval('s', 1)) to stdout",
            "explain analyze select pg_reload_conf()",
            "select pg_advisory_lock(1)",
        ] {
            assert!(matches!(reason(text), Reason::Function(_)), "{text}");
        }
    }

    #[test]
    fn the_session_cannot_be_made_another() {
        for text in [
            "set transaction read write",
            "set session characteristics as transaction read write",
            "set default_transaction_read_only = off",
            "set \"default_transaction_read_only\" to off",
            "set local transaction_read_only = off",
            "reset default_transaction_read_only",
            "set role admin",
            "set session authorization admin",
            "set session_replication_role = replica",
            "set client_encoding to sjis",
            "set client_encoding to utf8, sjis",
            "set client_encoding = default",
            "set names 'gbk'",
            "reset client_encoding",
            "reset session authorization",
        ] {
            assert!(matches!(reason(text), Reason::Setting(_)), "{text}");
        }
    }

    #[test]
    fn a_text_that_a_server_might_read_otherwise_is_refused() {
        for text in [
            // A plain literal with a backslash before its quote.
            r"select 'a\'; delete from t; --'",
            r"select '\'', 1; delete from t; --'",
            // Bits have no escapes where other literals do.
            r"select '\'', B'\'; delete from t; --'",
            // Comments that nest for one server and not for the other.
            "select 1 /* /* */ ; delete from t; -- */",
            // PostgreSQL before 15 ends a number where a word begins.
            "select 1into t",
            "select 1.5e3into t from s",
            "select 1e'\\'' from t",
            "select U&\"pg\\005fterminate_backend\"(1)",
            "select 1\u{b}delete",
            "select 1 -- \r ' \n; delete from t --'",
            "select 1\u{0}; delete from t",
        ] {
            assert!(matches!(reason(text), Reason::Ambiguous(_)), "{text}");
        }
    }

    #[test]
    fn what_is_hidden_from_a_careless_reader_is_found() {
        for text in [
            "select 1;delete from t",
            "/* hi */ -- there\n delete from t",
            "select $$ $$; delete from t; select $$ $$",
            "select $a$ $b$ $a$; delete from t",
            "select ';' ; delete from t",
            "select \";\" ; delete from t",
            "select E'\\'' ; delete from t --'",
            "select 'a'\n'b'; delete from t",
            "select 1 --\r; delete from t",
            "DeLeTe from t",
            "with recursive x as not materialized (select 1), y as (\n/**/delete/**/from t returning 1) table x",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_which_and_what_to_do() {
        let refused = check("select 1;\n delete from t\n where a = 1 -- x").unwrap_err();
        assert_eq!(refused.to_string(), "cannot execute DELETE in a read-only connection");
        assert_eq!(refused.statement, "delete from t  where a = 1");
        assert!(refused.hint().contains("double quotes"));
        let long = check(&format!("drop table {}", "x".repeat(1_000))).unwrap_err();
        assert!(long.statement.ends_with('…') && long.statement.chars().count() == QUOTED + 1);
    }
}
