//! Reads a catalogue: Redshift's from its SVV_* views, which know external tables, shares, keys and encodings
//! (<https://docs.aws.amazon.com/redshift/latest/dg/svv_views.html>), any other from pg_catalog.
//!
//! No ORDER BY anywhere and no join of views: a million rows are put in order here. A part that a user may not see, such
//! as SVV_TABLE_INFO, is left out and said so; without schemas, tables and columns there is nothing to show.

use std::{ops::ControlFlow, sync::Arc, sync::atomic::Ordering, time::Duration};

use postern_console::{
    objects::{ColumnFacts, Objects, ObjectsBuilder, SchemaKind, TableKind},
    row::Row,
    session::{RunEnd, Session, Sink},
    types::Column,
};
use tokio::{io::DuplexStream, sync::watch};
use tokio_postgres::error::SqlState;

use super::{MARK, MissingPart, ObjectsPart, PROGRAM, Reading};
use crate::{
    engine::Engine,
    error::{Error, SqlFailure},
    gate::Gate,
    login::Login,
    sql::{cancel, server_failure, session_failure, start},
};

/// One statement at most. Waking a paused workgroup is part of it.
const LIMIT: Duration = Duration::from_secs(300);

/// Reads it all.
pub(super) async fn read(
    engine: &Engine,
    login: &Login,
    reading: &Arc<Reading>,
) -> Result<(Objects, Vec<MissingPart>), Error> {
    let gate = engine.gate(login)?;
    let mut stop = reading.stop.subscribe();
    let session = tokio::select! {
        session = start(&gate, PROGRAM, false) => session?,
        () = told(&mut stop) => return Err(Error::Canceled),
    };
    let mut reader = Reader { gate, login, reading, session, builder: ObjectsBuilder::default(), missing: Vec::new() };
    let about = reader.about().await?;
    if about.redshift {
        match reader.redshift(&about.database).await {
            // A provisioned cluster of an old track has none of the views.
            Err(Error::Sql(failure)) if is_missing(&failure) => {
                reader.builder = ObjectsBuilder::default();
                reader.postgres().await?;
            }
            other => other?,
        }
    } else {
        reader.postgres().await?;
    }
    let Reader { session, mut builder, missing, .. } = reader;
    session.terminate().await;
    for schema in &about.path {
        builder.on_path(schema);
    }
    let finish = move || builder.finish(&about.database, about.redshift);
    let objects =
        tokio::task::spawn_blocking(finish).await.map_err(|error| Error::Internal { detail: error.to_string() })?;
    Ok((objects, missing))
}

/// Waits until reading is to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    // Its sender lives as long as the reading, so this cannot fail.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What the server says about itself.
struct About {
    redshift: bool,
    database: String,
    path: Vec<String>,
}

struct Reader<'a> {
    gate: Arc<Gate>,
    login: &'a Login,
    reading: &'a Arc<Reading>,
    session: Session<DuplexStream>,
    builder: ObjectsBuilder,
    missing: Vec<MissingPart>,
}

impl Reader<'_> {
    async fn about(&mut self) -> Result<About, Error> {
        let mut about = About { redshift: false, database: self.login.db_name.clone(), path: Vec::new() };
        self.run("SELECT version(), current_database(), current_schemas(true)", |_, cells| {
            about.redshift = cells[0].contains("Redshift");
            about.database = cells[1].to_owned();
            about.path = array(cells[2]);
        })
        .await?;
        Ok(about)
    }

    async fn redshift(&mut self, database: &str) -> Result<(), Error> {
        let database = literal(database);
        self.optional(ObjectsPart::Databases, "SELECT database_name FROM svv_redshift_databases", |builder, cells| {
            builder.database(cells[0]);
        })
        .await?;

        let mut external = false;
        let schemas = format!("SELECT schema_name, schema_type FROM svv_all_schemas WHERE database_name = {database}");
        self.run(&schemas, |builder, cells| {
            let kind = match cells[1] {
                "external" => SchemaKind::External,
                "shared" => SchemaKind::Shared,
                _ => SchemaKind::Local,
            };
            external |= kind == SchemaKind::External;
            builder.schema(cells[0], kind);
        })
        .await?;

        let tables = format!(
            "SELECT schema_name, table_name, table_type, remarks FROM svv_all_tables WHERE database_name = {database}"
        );
        self.run(&tables, |builder, cells| {
            let kind = match cells[2].to_ascii_uppercase().as_str() {
                "VIEW" => TableKind::View,
                "MATERIALIZED VIEW" => TableKind::MaterializedView,
                "EXTERNAL TABLE" => TableKind::External,
                "SHARED TABLE" => TableKind::Shared,
                _ => TableKind::Table,
            };
            builder.table(cells[0], cells[1], kind, Some(cells[3]));
        })
        .await?;

        let columns = format!(
            "SELECT schema_name, table_name, column_name, ordinal_position, data_type, is_nullable, encoding, distkey, \
             sortkey FROM svv_redshift_columns WHERE database_name = {database}"
        );
        self.run(&columns, |builder, cells| {
            builder.column(
                cells[0],
                cells[1],
                &ColumnFacts {
                    name: cells[2],
                    ordinal: number(cells[3]),
                    type_name: cells[4],
                    not_null: cells[5].eq_ignore_ascii_case("no"),
                    encoding: cells[6],
                    distribution: truth(cells[7]),
                    sort: number(cells[8]),
                    ..ColumnFacts::default()
                },
            );
        })
        .await?;

        let late = "SELECT view_schema, view_name, col_name, col_type, col_num FROM pg_get_late_binding_view_cols() \
                    cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int)";
        self.optional(ObjectsPart::LateBindingViews, late, |builder, cells| {
            builder.table(cells[0], cells[1], TableKind::LateBindingView, None);
            let facts = ColumnFacts {
                name: cells[2],
                type_name: cells[3],
                ordinal: number(cells[4]),
                ..ColumnFacts::default()
            };
            builder.column(cells[0], cells[1], &facts);
        })
        .await?;

        if external {
            // Asked only where there is any: the answer comes from a catalogue outside of the warehouse.
            let columns = format!(
                "SELECT schemaname, tablename, columnname, external_type, columnnum, part_key, is_nullable \
                 FROM svv_external_columns WHERE redshift_database_name = {database}"
            );
            self.optional(ObjectsPart::ExternalColumns, &columns, |builder, cells| {
                builder.table(cells[0], cells[1], TableKind::External, None);
                builder.column(
                    cells[0],
                    cells[1],
                    &ColumnFacts {
                        name: cells[2],
                        type_name: cells[3],
                        ordinal: number(cells[4]),
                        partition: number(cells[5]) > 0,
                        not_null: cells[6].eq_ignore_ascii_case("false"),
                        ..ColumnFacts::default()
                    },
                );
            })
            .await?;
        }

        let functions = format!(
            "SELECT schema_name, function_name, function_type, argument_type, result_type FROM svv_redshift_functions \
             WHERE database_name = {database} AND schema_name NOT IN ('pg_catalog', 'information_schema')"
        );
        self.optional(ObjectsPart::Functions, &functions, |builder, cells| {
            let procedure = cells[2].to_ascii_uppercase().contains("PROCEDURE");
            builder.function(cells[0], cells[1], cells[3], if procedure { "" } else { cells[4] }, procedure);
        })
        .await?;
        self.keys().await?;
        self.optional(
            ObjectsPart::RowCounts,
            "SELECT \"schema\", \"table\", tbl_rows FROM svv_table_info",
            |builder, cells| {
                if let Some(rows) = count(cells[2]) {
                    builder.rows(cells[0], cells[1], rows);
                }
            },
        )
        .await
    }

    async fn postgres(&mut self) -> Result<(), Error> {
        self.optional(
            ObjectsPart::Databases,
            "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate \
             AND has_database_privilege(oid, 'CONNECT')",
            |builder, cells| builder.database(cells[0]),
        )
        .await?;
        let schemas = "SELECT nspname FROM pg_catalog.pg_namespace \
                       WHERE nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(oid, 'USAGE')";
        self.run(schemas, |builder, cells| builder.schema(cells[0], SchemaKind::Local)).await?;
        const SEEN: &str = "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace";
        const WHICH: &str = "c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname !~ '^pg_(toast|temp)' \
                             AND has_table_privilege(c.oid, 'SELECT')";
        let tables = format!(
            "SELECT n.nspname, c.relname, c.relkind, obj_description(c.oid, 'pg_class'), c.reltuples {SEEN} WHERE {WHICH}"
        );
        self.run(&tables, |builder, cells| {
            let kind = match cells[2] {
                "v" => TableKind::View,
                "m" => TableKind::MaterializedView,
                "f" => TableKind::External,
                _ => TableKind::Table,
            };
            builder.table(cells[0], cells[1], kind, Some(cells[3]));
            if let Some(rows) = count(cells[4]).filter(|_| kind != TableKind::View) {
                builder.rows(cells[0], cells[1], rows);
            }
        })
        .await?;
        let columns = format!(
            "SELECT n.nspname, c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull \
             FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE a.attnum > 0 AND NOT a.attisdropped AND {WHICH}"
        );
        self.run(&columns, |builder, cells| {
            builder.column(
                cells[0],
                cells[1],
                &ColumnFacts {
                    name: cells[2],
                    ordinal: number(cells[3]),
                    type_name: cells[4],
                    not_null: truth(cells[5]),
                    ..ColumnFacts::default()
                },
            );
        })
        .await?;
        self.keys().await?;
        let functions = "SELECT n.nspname, p.proname, p.prokind, pg_get_function_identity_arguments(p.oid), \
                         pg_get_function_result(p.oid) FROM pg_catalog.pg_proc AS p \
                         JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace \
                         WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')";
        self.optional(ObjectsPart::Functions, functions, |builder, cells| {
            builder.function(cells[0], cells[1], cells[3], cells[4], cells[2] == "p");
        })
        .await
    }

    async fn keys(&mut self) -> Result<(), Error> {
        let keys = "SELECT n.nspname, c.relname, k.conkey FROM pg_catalog.pg_constraint AS k \
                    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid \
                    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE k.contype = 'p'";
        self.optional(ObjectsPart::Keys, keys, |builder, cells| {
            let columns: Vec<i32> = array(cells[2]).iter().map(|place| number(place)).collect();
            builder.primary_key(cells[0], cells[1], &columns);
        })
        .await
    }

    /// A statement that the rest is of use without.
    async fn optional(
        &mut self,
        part: ObjectsPart,
        sql: &str,
        take: impl FnMut(&mut ObjectsBuilder, &[&str]) + Send,
    ) -> Result<(), Error> {
        match self.run(sql, take).await {
            Err(Error::Sql(failure)) if failure.sqlstate != SqlState::QUERY_CANCELED.code() => {
                tracing::info!(?part, message = failure.message, "a part of the catalogue is left out");
                self.missing.push(MissingPart { part, reason: failure.message });
                Ok(())
            }
            other => other,
        }
    }

    /// Runs a statement and hands each row over; NULL is an empty text.
    async fn run(&mut self, sql: &str, take: impl FnMut(&mut ObjectsBuilder, &[&str]) + Send) -> Result<(), Error> {
        let sql = format!("{MARK} {sql}");
        let key = self.session.cancel_key().cloned();
        let mut rows = Taken { builder: &mut self.builder, reading: self.reading, take };
        let mut stop = self.reading.stop.subscribe();
        let running = self.session.run(&sql, &mut rows);
        tokio::pin!(running);
        let ended = tokio::select! {
            ended = tokio::time::timeout(LIMIT, &mut running) => ended,
            () = told(&mut stop) => {
                cancel(&self.gate, key, running).await;
                return Err(Error::Canceled);
            }
        };
        let database = &self.login.database;
        match ended {
            Ok(Ok(RunEnd::Refused(error))) => Err(Error::Sql(Box::new(server_failure(&error)))),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(session_failure(database, &error)),
            Err(_) => {
                cancel(&self.gate, key, running).await;
                let reason = format!("the catalogue was not read within {} s", LIMIT.as_secs());
                Err(Error::ConnectionLost { database: database.clone(), reason })
            }
        }
    }
}

/// Hands rows to a builder.
struct Taken<'a, F> {
    builder: &'a mut ObjectsBuilder,
    reading: &'a Reading,
    take: F,
}

impl<F: FnMut(&mut ObjectsBuilder, &[&str]) + Send> Sink for Taken<'_, F> {
    fn columns(&mut self, _: Vec<Column>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: Row<'_>) -> ControlFlow<()> {
        // Names are UTF-8 in every database that is; elsewhere a name with a question mark is better than none.
        let cells: Vec<_> = row.cells().map(|cell| String::from_utf8_lossy(cell.unwrap_or_default())).collect();
        let cells: Vec<&str> = cells.iter().map(|cell| cell.trim_end_matches(' ')).collect();
        (self.take)(self.builder, &cells);
        ControlFlow::Continue(())
    }

    fn complete(&mut self, _: &str) {}

    async fn flush(&mut self) -> ControlFlow<()> {
        let (tables, columns) = self.builder.counts();
        self.reading.tables.store(tables, Ordering::Relaxed);
        self.reading.columns.store(columns, Ordering::Relaxed);
        ControlFlow::Continue(())
    }
}

fn is_missing(failure: &SqlFailure) -> bool {
    let missing = [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_FUNCTION];
    missing.iter().any(|state| state.code() == failure.sqlstate)
}

fn number(text: &str) -> i32 {
    text.parse().unwrap_or_default()
}

fn truth(text: &str) -> bool {
    matches!(text, "t" | "true")
}

/// A number of rows: a `numeric`, or the estimate of PostgreSQL, a `float4` that is -1 for not known.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within")]
fn count(text: &str) -> Option<u64> {
    let rows: f64 = text.parse().ok()?;
    (0.0..1e18).contains(&rows).then_some(rows as u64)
}

/// A text in quotes. Redshift takes a backslash for an escape, and PostgreSQL does not mind the E.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The elements of `{a,"b c"}`.
fn array(text: &str) -> Vec<String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
    let (mut elements, mut element, mut quoted, mut escaped, mut any) =
        (Vec::new(), String::new(), false, false, false);
    for character in inner.chars() {
        any = true;
        match character {
            _ if escaped => {
                element.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            _ => element.push(character),
        }
    }
    if any {
        elements.push(element);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_estimates_are_read_as_the_server_writes_them() {
        assert_eq!(array("{pg_catalog,public}"), ["pg_catalog", "public"]);
        assert_eq!(array(r#"{"$user","a,b","c\"d"}"#), ["$user", "a,b", "c\"d"]);
        assert_eq!(array("{}"), Vec::<String>::new());
        assert_eq!(count("2.1e+09"), Some(2_100_000_000));
        assert_eq!(count("120000000"), Some(120_000_000));
        assert_eq!(count("-1"), None);
        assert_eq!(count(""), None);
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
