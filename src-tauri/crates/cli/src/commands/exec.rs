//! `db exec`: statements one by one on one session, rows as they come.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use postern_engine::{
    Engine, Error, Login,
    results::{
        format::{Format as RowFormat, Remark, RowWriter},
        session::RunEnd,
        split::{self, Strings},
    },
    server_failure, session_failure,
};
use tempfile::NamedTempFile;

use crate::{
    args::{DbExec, Format},
    failure::Failure,
    print,
};

/// `application_name` of the session.
const PROGRAM: &str = "postern db exec";

pub(crate) async fn exec(engine: &Engine, format: Format, asked: &DbExec) -> Result<(), Failure> {
    let text = match (&asked.sql, &asked.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => super::resources::read(file)?.1,
        (None, None) => return Err(Failure::usage("give SQL, or a file with -f")),
    };
    let statements = split::statements(&text, Strings::default());
    if statements.is_empty() {
        return Err(Failure::usage("there is no statement in it"));
    }
    let format = row_format(format)?;
    let login = super::login(engine, &asked.target)?;
    let statements: Vec<&str> = statements.into_iter().map(|range| &text[range]).collect();
    match &asked.output {
        None => run(engine, &login, &statements, format, print::out()).await.map(drop),
        Some(path) => {
            // Beside the file, so that it becomes the file in one step, or never does.
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            let failed = |error| Failure::internal(&path.display().to_string(), error);
            let (file, place) = NamedTempFile::new_in(folder).map_err(failed)?.into_parts();
            let file: File = run(engine, &login, &statements, format, file).await?;
            file.sync_all().map_err(failed)?;
            place.persist(path).map_err(|error| failed(error.error))
        }
    }
}

fn row_format(format: Format) -> Result<RowFormat, Failure> {
    Ok(match format {
        Format::Text | Format::Table => RowFormat::Table,
        Format::Csv => RowFormat::Csv,
        Format::Json => RowFormat::Json,
        Format::Ndjson => RowFormat::Ndjson,
        Format::Yaml => return Err(Failure::usage("db exec prints table, csv, json or ndjson")),
    })
}

/// Runs the statements until one fails. What they brought before is written by then.
async fn run<W: Write + Send>(
    engine: &Engine,
    login: &Login,
    statements: &[&str],
    format: RowFormat,
    out: W,
) -> Result<W, Failure> {
    let mut session = engine.sql_session(login, PROGRAM).await?;
    let mut rows = RowWriter::new(format, out, talk);
    let key = session.cancel_key().cloned();
    let mut failure = None;
    for sql in statements {
        let ended = {
            let running = session.run(sql, &mut rows);
            tokio::pin!(running);
            loop {
                tokio::select! {
                    ended = &mut running => break ended,
                    _ = tokio::signal::ctrl_c() => engine.interrupt(login, key.as_ref()).await,
                }
            }
        };
        failure = match ended.map_err(|error| session_failure(&login.database, &error))? {
            RunEnd::Done => continue,
            RunEnd::Refused(error) => Some(Failure::Engine(Error::Sql(Box::new(server_failure(&error))))),
            RunEnd::CopyToClient => {
                Some(Failure::usage("COPY … TO STDOUT is for psql: use `postern db connect` and \\copy"))
            }
            RunEnd::Stopped => {
                // Nobody reads any more: the server need not go on.
                engine.interrupt(login, key.as_ref()).await;
                None
            }
        };
        break;
    }
    let written = rows.finish();
    session.terminate().await;
    engine.shutdown(std::time::Duration::from_secs(1)).await;
    match (failure, written) {
        (Some(failure), _) => Err(failure),
        (None, Ok(out)) => Ok(out),
        // A reader that went away (`| head`) has all that it wanted.
        (None, Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Exit(0)),
        (None, Err(error)) => Err(Failure::internal("could not write the rows", error)),
    }
}

/// What the server says beside the rows.
fn talk(remark: Remark<'_>) {
    match remark {
        Remark::Notice(notice) => {
            print::say(&format!("{}: {}", notice.field(b'S').unwrap_or("NOTICE"), notice.message()));
        }
        // The rows of a SELECT speak for themselves.
        Remark::Done(tag) if !tag.is_empty() && !tag.starts_with("SELECT") => print::say(tag),
        Remark::Done(_) => {}
    }
}
