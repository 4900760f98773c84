//! Which list of queries a server has. It is asked, once for each monitoring session: a resource says how to log in, not what is there.

use tokio_postgres::error::SqlState;

use crate::{error::Error, monitor::Monitor};

use super::answer::{columns, rows};

/// Where a server tells what runs on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// SYS_QUERY_HISTORY of Redshift: what ran too, and how it ended.
    History,
    /// STV_RECENTS of a provisioned Redshift whose track has no SYS views: what runs, and what has ended lately.
    Cluster,
    /// `pg_stat_activity` of PostgreSQL: what runs now.
    StatActivity,
}

impl Source {
    /// How it is called there.
    #[must_use]
    pub fn view(self) -> &'static str {
        match self {
            Self::History => "SYS_QUERY_HISTORY",
            Self::Cluster => "STV_RECENTS",
            Self::StatActivity => "pg_stat_activity",
        }
    }

    /// It counts the rows and bytes that a query gives back.
    #[must_use]
    pub fn counts(self) -> bool {
        self == Self::History
    }
}

/// What a server has, as it said itself.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) source: Source,
    /// Columns of that list that not every version has.
    columns: Vec<String>,
}

impl Server {
    /// Asks.
    ///
    /// # Errors
    /// As the monitoring session; [`Error::Sql`] when the server refuses to show its list.
    pub(crate) async fn ask(monitor: &Monitor) -> Result<Self, Error> {
        let messages = monitor.query("SELECT version() AS version").await?;
        let version = rows(&messages).next().map(|row| row.text("version").to_owned()).unwrap_or_default();
        // PostgreSQL itself is not asked for what only Redshift has: each refusal would be in its log.
        if !version.contains("Redshift") {
            let columns = columns(&monitor.query("SELECT * FROM pg_locks WHERE false").await?);
            return Ok(Self { source: Source::StatActivity, columns });
        }
        // The clock of such a server is read by getdate(), in the time zone of the session; its tables are in UTC.
        monitor.query("SET timezone TO 'UTC'").await?;
        match monitor.query("SELECT * FROM sys_query_history WHERE false").await {
            Ok(messages) => Ok(Self { source: Source::History, columns: columns(&messages) }),
            Err(Error::Sql(failure)) if failure.sqlstate == SqlState::UNDEFINED_TABLE.code() => {
                Ok(Self { source: Source::Cluster, columns: Vec::new() })
            }
            Err(other) => Err(other),
        }
    }

    /// Whether its list has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }

    #[cfg(test)]
    pub(super) fn with(source: Source, columns: &[&str]) -> Self {
        Self { source, columns: columns.iter().map(|&name| name.to_owned()).collect() }
    }
}
