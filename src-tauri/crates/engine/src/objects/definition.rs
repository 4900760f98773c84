//! The statement that makes a table or view. Redshift says it itself; for any other server it is put together from
//! pg_catalog.

use postern_console::{
    objects::{TableKind, quoted},
    session::{RunEnd, Session, Sink},
    types::Column,
};
use std::{fmt::Write as _, ops::ControlFlow};
use tokio::io::DuplexStream;

use super::{MARK, PROGRAM};
use crate::{
    engine::Engine,
    error::Error,
    login::Login,
    sql::{server_failure, session_failure, start},
};

impl Engine {
    /// The statement that makes a table or view of a catalogue that was read.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the catalogue does not know it; [`Error::Sql`] in the server's words, otherwise as
    /// opening a session.
    pub async fn object_definition(&self, login: &Login, schema: &str, name: &str) -> Result<String, Error> {
        let missing = || Error::NotFound { kind: "table", name: format!("{schema}.{name}") };
        let objects = self.objects(login).ok_or_else(missing)?;
        let kind = objects.table_of(objects.table(schema, name).ok_or_else(missing)?).kind;
        let gate = self.gate(login)?;
        let mut asking = Asking { session: start(&gate, PROGRAM, false).await?, login };
        let told = match objects.redshift() {
            true => asking.show(kind, schema, name).await,
            false => asking.build(kind, schema, name).await,
        };
        asking.session.terminate().await;
        told
    }
}

struct Asking<'a> {
    session: Session<DuplexStream>,
    login: &'a Login,
}

impl Asking<'_> {
    async fn show(&mut self, kind: TableKind, schema: &str, name: &str) -> Result<String, Error> {
        let what = match kind {
            TableKind::External => "EXTERNAL TABLE",
            _ if kind.is_view() => "VIEW",
            _ => "TABLE",
        };
        let rows = self.rows(&format!("SHOW {what} {}.{}", quoted(schema), quoted(name))).await?;
        let lines: Vec<&str> = rows.iter().filter_map(|row| row.first()).map(String::as_str).collect();
        Ok(lines.join("\n"))
    }

    async fn build(&mut self, kind: TableKind, schema: &str, name: &str) -> Result<String, Error> {
        let full = format!("{}.{}", quoted(schema), quoted(name));
        let oid = format!("'{}'::regclass", full.replace('\'', "''"));
        if kind.is_view() {
            let rows = self.rows(&format!("SELECT pg_get_viewdef({oid}, true)")).await?;
            let query = rows.into_iter().flatten().next().unwrap_or_default();
            let head =
                if kind == TableKind::MaterializedView { "CREATE MATERIALIZED VIEW" } else { "CREATE OR REPLACE VIEW" };
            return Ok(format!("{head} {full} AS\n{}", query.trim_end()));
        }
        let columns = self
            .rows(&format!(
                "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), a.attnotnull, \
                 coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity, a.attgenerated \
                 FROM pg_catalog.pg_attribute AS a LEFT JOIN pg_catalog.pg_attrdef AS d \
                 ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
                 WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
            ))
            .await?;
        let constraints = self
            .rows(&format!(
                "SELECT quote_ident(conname), pg_get_constraintdef(oid, true) FROM pg_catalog.pg_constraint \
                 WHERE conrelid = {oid} AND contype IN ('p', 'u', 'f', 'c', 'x') ORDER BY contype <> 'p', conname"
            ))
            .await?;
        let indexes = self
            .rows(&format!(
                "SELECT pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index AS i WHERE i.indrelid = {oid} \
                 AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid) ORDER BY 1"
            ))
            .await?;
        Ok(create_table(&full, &columns, &constraints, &indexes))
    }

    /// The rows of a statement; NULL is an empty text.
    async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Error> {
        let mut rows = Kept::default();
        let ended = self.session.run(&format!("{MARK} {sql}"), &mut rows).await;
        match ended.map_err(|error| session_failure(&self.login.database, &error))? {
            RunEnd::Refused(error) => Err(Error::Sql(Box::new(server_failure(&error)))),
            _ => Ok(rows.0),
        }
    }
}

/// Keeps rows.
#[derive(Default)]
struct Kept(Vec<Vec<String>>);

impl Sink for Kept {
    fn columns(&mut self, _: Vec<Column>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: postern_console::row::Row<'_>) -> ControlFlow<()> {
        let text = |cell: Option<&[u8]>| String::from_utf8_lossy(cell.unwrap_or_default()).into_owned();
        self.0.push(row.cells().map(text).collect());
        ControlFlow::Continue(())
    }

    fn complete(&mut self, _: &str) {}
}

fn create_table(name: &str, columns: &[Vec<String>], constraints: &[Vec<String>], indexes: &[Vec<String>]) -> String {
    let mut lines = Vec::new();
    for column in columns {
        let [name, type_name, not_null, default, identity, generated] = column.as_slice() else { continue };
        let mut line = format!("    {name} {type_name}");
        match (identity.as_str(), generated.as_str(), default.as_str()) {
            ("a", ..) => line.push_str(" GENERATED ALWAYS AS IDENTITY"),
            ("d", ..) => line.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
            (_, "s", expression) => {
                // Writing to a String cannot fail.
                let _ = write!(line, " GENERATED ALWAYS AS ({expression}) STORED");
            }
            (_, _, "") => {}
            (_, _, default) => {
                let _ = write!(line, " DEFAULT {default}");
            }
        }
        if not_null == "t" {
            line.push_str(" NOT NULL");
        }
        lines.push(line);
    }
    for constraint in constraints {
        let [name, definition] = constraint.as_slice() else { continue };
        lines.push(format!("    CONSTRAINT {name} {definition}"));
    }
    let mut statement = format!("CREATE TABLE {name} (\n{}\n);", lines.join(",\n"));
    for index in indexes.iter().flatten() {
        let _ = write!(statement, "\n\n{index};");
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_put_together_from_its_parts() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let columns = [
            row(&["id", "bigint", "t", "", "a", ""]),
            row(&["\"Name\"", "character varying(20)", "t", "'x'::character varying", "", ""]),
            row(&["twice", "bigint", "f", "(id * 2)", "", "s"]),
        ];
        let constraints = [row(&["t_pkey", "PRIMARY KEY (id)"])];
        let indexes = [row(&["CREATE INDEX t_name ON public.t USING btree (\"Name\")"])];
        assert_eq!(
            create_table("public.t", &columns, &constraints, &indexes),
            "CREATE TABLE public.t (\n    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,\n    \
             \"Name\" character varying(20) DEFAULT 'x'::character varying NOT NULL,\n    \
             twice bigint GENERATED ALWAYS AS ((id * 2)) STORED,\n    CONSTRAINT t_pkey PRIMARY KEY (id)\n);\n\n\
             CREATE INDEX t_name ON public.t USING btree (\"Name\");"
        );
    }
}
