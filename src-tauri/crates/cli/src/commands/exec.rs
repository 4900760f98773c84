//! `db exec`: statements one by one on one session, rows as they come, to standard output or into a file that is complete
//! or absent.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    pin::pin,
    time::Duration,
};

use postern_engine::{
    Engine, Error, ExportFile, Exported, Login,
    results::{
        format::{Format as RowFormat, Remark, RowWriter, WriteError},
        parameters::Parameter,
        session::{Bound, RunEnd, Session},
        split::{
            self, Strings,
            parameters::{Numbered, Written, has_numbered, numbered},
        },
    },
    server_failure, session_failure, write_failure,
};

use tokio::io::DuplexStream;

use crate::{
    args::{DbExec, Format},
    failure::Failure,
    print,
    stop::Stop,
};

/// `application_name` of the session.
const PROGRAM: &str = "postern db exec";

/// How long a server may take to end what was canceled.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn exec(engine: &Engine, format: Format, asked: &DbExec) -> Result<(), Failure> {
    let text = match (&asked.sql, &asked.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => super::resources::read(file)?.1,
        (None, None) => return Err(Failure::usage("give SQL, or a file with -f")),
    };
    if split::statements(&text, Strings::default()).is_empty() {
        return Err(Failure::usage("there is no statement in it"));
    }
    let format = row_format(format)?;
    if format.is_binary() && asked.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage(format!("{format} is nothing for a terminal: name a file with -o")));
    }
    let login = super::login(engine, &asked.target)?;
    let run =
        Run { engine, login: &login, text: &text, format, parameters: &asked.parameters, read_only: asked.read_only };
    // From here on a signal is an end in good order: the server is told, and a file that is begun goes.
    let mut stop = Stop::listen();
    let Some(path) = &asked.output else { return run.to(print::out(), None, &mut stop).await.map(drop) };
    let file = engine.export_file(path, asked.force).map_err(|error| match error {
        Error::FileExists { .. } | Error::InvalidValue { .. } => Failure::misuse(error),
        other => Failure::Engine(other),
    })?;
    let (file, rows): (ExportFile, u64) = run.to(file, Some(path), &mut stop).await?;
    let exported = Exported { login: &login, format: format.name(), source: "statement", rows };
    file.finish(&exported)?;
    Ok(())
}

fn row_format(format: Format) -> Result<RowFormat, Failure> {
    Ok(match format {
        Format::Text | Format::Table => RowFormat::Table,
        Format::Csv => RowFormat::Csv,
        Format::Json => RowFormat::Json,
        Format::Ndjson => RowFormat::Ndjson,
        Format::Parquet => RowFormat::Parquet,
        Format::Arrow => RowFormat::Arrow,
        Format::Yaml => return Err(Failure::usage("db exec prints table, csv, json, ndjson, parquet or arrow")),
    })
}

/// What is run, and as whom.
struct Run<'a> {
    engine: &'a Engine,
    login: &'a Login,
    text: &'a str,
    format: RowFormat,
    parameters: &'a [Parameter],
    read_only: bool,
}

impl Run<'_> {
    async fn session(&self) -> Result<Session<DuplexStream>, Error> {
        match self.read_only {
            true => self.engine.read_only_session(self.login, PROGRAM).await,
            false => self.engine.sql_session(self.login, PROGRAM).await,
        }
    }

    /// The statement with numbers for its names, and a value for each; nothing where it has none.
    fn bind(&self, sql: &str, strings: Strings) -> Result<Option<(Numbered, Vec<Bound>)>, Failure> {
        let Some(numbered) = numbered(sql, strings) else { return Ok(None) };
        if has_numbered(sql, strings) {
            return Err(Failure::usage("a statement has either $1 or :name, not both"));
        }
        let values = numbered.names.iter().map(|name| {
            let given = self.parameters.iter().find(|given| given.name == *name);
            let given = given.ok_or_else(|| {
                Failure::usage(format!("the SQL has :{name} and no value for it: give --param {name}=VALUE"))
            })?;
            given.bound().map_err(|error| Failure::usage(error.to_string()))
        });
        let values = values.collect::<Result<_, _>>()?;
        Ok(Some((numbered, values)))
    }

    /// Runs the statements until one fails. What they brought before is written by then. Gives back `out`, and how many rows
    /// it got.
    async fn to<W: Write + Send>(&self, out: W, path: Option<&Path>, stop: &mut Stop) -> Result<(W, u64), Failure> {
        let mut session = tokio::select! {
            session = self.session() => session?,
            () = stop.asked() => return Err(Failure::Stopped),
        };
        // What a backslash means decides where a statement ends.
        let standard = session.parameter("standard_conforming_strings") == Some("on");
        let strings = if standard { Strings::Standard } else { Strings::Escaped };
        let statements = split::statements(self.text, strings);
        let key = session.cancel_key().cloned();
        // All of them before the first runs: half a script for want of a value helps nobody.
        let bound = statements.iter().map(|range| self.bind(&self.text[range.clone()], strings));
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let mut rows = RowWriter::new(self.format, out, talk);
        let (mut failure, mut count) = (None, 0);
        for (index, range) in statements.iter().enumerate() {
            let sql = &self.text[range.clone()];
            let before = rows.results();
            let ended = {
                let run = async {
                    match &bound[index] {
                        Some((numbered, values)) => session.run_bound(&numbered.sql, values, &mut rows).await,
                        None => session.run(sql, &mut rows).await,
                    }
                };
                let mut running = pin!(run);
                tokio::select! {
                    ended = &mut running => ended,
                    () = stop.asked() => {
                        // Rows are taken meanwhile: a server that waits to be rid of one hears of no cancel.
                        let canceled = async {
                            let asked = async {
                                self.engine.interrupt(self.login, key.as_ref()).await;
                                std::future::pending().await
                            };
                            tokio::select! {
                                ended = &mut running => ended,
                                never = asked => never,
                            }
                        };
                        tokio::select! {
                            ended = tokio::time::timeout(CANCEL_LIMIT, canceled) => match ended {
                                Ok(ended) => ended,
                                Err(_) => return Err(Failure::Stopped),
                            },
                            // Asked twice, there is no patience left.
                            () = stop.asked() => return Err(Failure::Stopped),
                        }
                    }
                }
            };
            if rows.results() > before {
                count += rows.rows();
            }
            failure = match ended.map_err(|error| session_failure(&self.login.database, &error))? {
                RunEnd::Done if stop.was_asked() => Some(Failure::Stopped),
                RunEnd::Done => continue,
                RunEnd::Refused(error) => {
                    let mark = error.field(b'P').and_then(|position| position.parse().ok());
                    let place = mark.map(|position| {
                        let token = match &bound[index] {
                            None => split::token_at_position(sql, position, strings),
                            Some((numbered, _)) => match numbered.written_at(position) {
                                Written::Placeholder(range) => range,
                                Written::Offset(offset) => split::token_at_offset(sql, offset, strings),
                            },
                        };
                        pointed_at(self.text, range.start + token.start, range.start + token.end)
                    });
                    let number = (statements.len() > 1).then_some((index + 1, statements.len()));
                    Some(Failure::Statement { error: Box::new(server_failure(&error)), place, number })
                }
                RunEnd::CopyToClient => {
                    Some(Failure::usage("COPY … TO STDOUT is for psql: use `postern db connect` and \\copy"))
                }
                RunEnd::Stopped => {
                    // Nobody reads any more: the server need not go on.
                    self.engine.interrupt(self.login, key.as_ref()).await;
                    None
                }
            };
            break;
        }
        let written = rows.finish();
        session.terminate().await;
        self.engine.shutdown(Duration::from_secs(1)).await;
        match (failure, written) {
            (Some(failure), _) => Err(failure),
            (None, Ok(out)) => Ok((out, count)),
            // A reader that went away (`| head`) has all that it wanted.
            (None, Err(WriteError::Io(error))) if path.is_none() && error.kind() == io::ErrorKind::BrokenPipe => {
                Err(Failure::Exit(0))
            }
            (None, Err(error @ (WriteError::SecondResult(_) | WriteError::NoResult(_) | WriteError::NoColumns(_)))) => {
                Err(Failure::usage(error.to_string()))
            }
            (None, Err(error)) => {
                Err(Failure::Engine(write_failure(path.unwrap_or(Path::new("standard output")), error)))
            }
        }
    }
}

/// The line with these bytes of a text, and a mark beneath, as psql shows it.
fn pointed_at(text: &str, from: usize, to: usize) -> String {
    let start = text[..from].rfind('\n').map_or(0, |end| end + 1);
    let end = text[from..].find('\n').map_or(text.len(), |length| from + length);
    let head = format!("LINE {}: ", text[..start].matches('\n').count() + 1);
    let line = text[start..end].replace(['\t', '\r'], " ");
    let space = head.len() + print::width(&text[start..from]);
    let mark = print::width(&text[from..to.min(end)]).max(1);
    format!("{head}{line}\n{}{}", " ".repeat(space), "^".repeat(mark))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_line_also_behind_wide_letters() {
        let text = "select 1;\nselect '서울', nope\nfrom t";
        let from = text.find("nope").unwrap_or_default();
        let shown = "LINE 2: select '서울', nope\n                       ^^^^";
        assert_eq!(pointed_at(text, from, from + 4), shown);
        assert_eq!(pointed_at("select", 6, 6), "LINE 1: select\n              ^");
    }
}
