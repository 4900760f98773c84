//! Whose queries a login may see, and what would show it the others.

use crate::{error::Error, monitor::Monitor};

use super::{
    answer::rows,
    query::Query,
    source::{Server, Source},
};

/// Whose queries a login may see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// One's own.
    Own,
    /// The server does not say.
    Unknown,
}

/// A scope with its reason and its remedy.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    pub(super) scope: Scope,
    /// The login's own name at the server; empty when it does not say.
    pub(super) me: String,
    /// The statement by which an administrator shows it everything, when it sees only its own.
    pub(super) grant: Option<String>,
    /// Sessions of others whose work the server does not show to it.
    pub(super) hidden: u64,
}

/// Asks the server. Rows of others prove that they are visible; without any, its grants tell.
pub(super) async fn ask(monitor: &Monitor, server: &Server, queries: &[Query]) -> Result<Visible, Error> {
    let messages = match monitor.query(question(server.source)).await {
        Ok(messages) => messages,
        // A server of another kind may lack one of those tables: then it does not say.
        Err(Error::Sql(failure)) => {
            tracing::debug!(message = failure.message, "the server does not say whose queries a login sees");
            return Ok(Visible { scope: Scope::Unknown, me: String::new(), grant: None, hidden: 0 });
        }
        Err(other) => return Err(other),
    };
    let Some(row) = rows(&messages).next() else {
        return Ok(Visible { scope: Scope::Unknown, me: String::new(), grant: None, hidden: 0 });
    };
    let me = row.text("me").to_owned();
    // Neither SYSLOG ACCESS UNRESTRICTED nor a role within a role shows in those grants, but in what is seen.
    let others = || queries.iter().any(|query| !query.user.is_empty() && query.user != me);
    let hidden = row.count("hidden").unwrap_or_default();
    let scope = if hidden == 0 && (row.count("unlimited") != Some(0) || others()) { Scope::All } else { Scope::Own };
    let grant = (scope == Scope::Own).then(|| grant(server.source, &me));
    Ok(Visible { scope, me, grant, hidden })
}

fn question(source: Source) -> &'static str {
    match source {
        Source::History => {
            "SELECT current_user AS me, \
               (SELECT count(*) FROM pg_user WHERE usename = current_user AND usesuper) \
               + (SELECT count(*) FROM svv_user_grants WHERE user_name = current_user \
                  AND role_name IN ('sys:monitor', 'sys:operator', 'sys:dba', 'sys:superuser')) AS unlimited"
        }
        Source::Cluster => {
            "SELECT current_user AS me, \
               (SELECT count(*) FROM pg_user WHERE usename = current_user AND usesuper) AS unlimited"
        }
        // Who may not see a session's query sees these words in its place, and no state
        // (<https://www.postgresql.org/docs/current/monitoring-stats.html>).
        Source::StatActivity => {
            "SELECT current_user AS me, \
               CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') THEN 1 ELSE 0 END AS unlimited, \
               (SELECT count(*) FROM pg_stat_activity WHERE usename <> current_user AND datname IS NOT NULL \
                  AND state IS NULL AND query = '<insufficient privilege>') AS hidden"
        }
    }
}

/// Redshift: <https://docs.aws.amazon.com/redshift/latest/dg/r_roles-default.html>, and for tables of a cluster
/// <https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html>. PostgreSQL:
/// <https://www.postgresql.org/docs/current/predefined-roles.html>.
fn grant(source: Source, user: &str) -> String {
    let user = format!("\"{}\"", user.replace('"', "\"\""));
    match source {
        Source::History => format!("GRANT ROLE sys:monitor TO {user};"),
        Source::Cluster => format!("ALTER USER {user} SYSLOG ACCESS UNRESTRICTED;"),
        Source::StatActivity => format!("GRANT pg_read_all_stats TO {user};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_quotes_the_name_as_the_server_writes_it() {
        assert_eq!(grant(Source::History, "IAMR:we\"ird"), "GRANT ROLE sys:monitor TO \"IAMR:we\"\"ird\";");
        assert_eq!(grant(Source::Cluster, "bi"), "ALTER USER \"bi\" SYSLOG ACCESS UNRESTRICTED;");
        assert_eq!(grant(Source::StatActivity, "bi"), "GRANT pg_read_all_stats TO \"bi\";");
    }
}
