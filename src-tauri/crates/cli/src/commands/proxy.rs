//! `proxy db`, `db connect`, `db logout`: local proxies.

use std::{process::Stdio, time::Duration};

use postern_engine::{Auth, Connection, Engine, OpenConnection, PasswordMethod, SessionInfo, SessionState};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    args::{self, DbConnect, DbLogout, Format, ProxyDb},
    failure::Failure,
    print,
};

/// How long clients have to go when we stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until a signal, or until somebody asks for `db logout`.
pub(crate) async fn serve(engine: &Engine, format: Format, asked: &ProxyDb) -> Result<(), Failure> {
    postern_engine::allow_many_sessions();
    let login = super::login(engine, &asked.target)?;
    let request = OpenConnection {
        login,
        port: asked.port.or(asked.listen.map(|listen| listen.port)),
        auth: auth(asked)?,
        tls: asked.tls,
        address: asked.listen.and_then(|listen| listen.address),
        anywhere: asked.insecure_listen_anywhere,
        read_only: asked.read_only,
    };
    let connection = engine.open_connection(&request).await?;
    if connection.beyond_loopback {
        print::say("Warning: other machines can reach this proxy. Whoever knows its password acts with your rights.");
    }
    let password = engine.connection_password(&connection.id)?;
    print_address(format, &connection, password.as_ref(), asked.unix)?;
    tokio::select! {
        signal = stop_signal() => print::say(&format!("Stopping on {signal}.")),
        () = engine.stopped(&connection.id) => print::say("Stopped: the database was logged out."),
    }
    for session in engine.shutdown(DRAIN).await {
        print::say(&format!("Cut {}", cut(&session)));
    }
    Ok(())
}

fn auth(asked: &ProxyDb) -> Result<Option<Auth>, Failure> {
    let method = match asked.password_method {
        None | Some(args::PasswordMethod::ScramSha256) => PasswordMethod::ScramSha256,
        Some(args::PasswordMethod::Md5) => PasswordMethod::Md5,
        Some(args::PasswordMethod::Cleartext) => PasswordMethod::Cleartext,
    };
    match (asked.auth, asked.password_method) {
        (None, _) => Ok(None),
        (Some(args::Auth::Password), _) => Ok(Some(Auth::Password { method })),
        (Some(args::Auth::SameUser), None) => Ok(Some(Auth::SameUser)),
        (Some(args::Auth::SameUser), Some(_)) => {
            Err(Failure::usage("--password-method: --auth same-user asks for no password"))
        }
    }
}

/// Who it was, and what came to an early end.
fn cut(session: &SessionInfo) -> String {
    let facts = &session.facts;
    let program = if facts.program.is_empty() { "unnamed client" } else { &facts.program };
    let doing = match session.state {
        SessionState::Running => "running its statement",
        SessionState::InTransaction | SessionState::FailedTransaction => "in a transaction",
        SessionState::Connecting => "connecting",
        SessionState::Idle => "idle",
    };
    let age = session.started_at.elapsed().unwrap_or_default().as_secs();
    format!(
        "a session that was at work: {program}, as {} on {}, {doing}, connected for {age} s",
        facts.db_user, facts.db_name
    )
}

fn print_address(
    format: Format,
    connection: &Connection,
    password: Option<&SecretString>,
    unix: bool,
) -> Result<(), Failure> {
    let folder = connection.unix_socket.as_deref().and_then(std::path::Path::parent).filter(|_| unix);
    if unix && folder.is_none() {
        return Err(Failure::usage("--unix: there is no Unix socket here"));
    }
    let address = connection.unix_address().filter(|_| unix).unwrap_or_else(|| connection.address());
    let strings = connection.strings(address, password);
    match format {
        // One line, so that a program can read it and go on.
        Format::Json => print::line(
            &json!({
                "database": connection.login.database,
                "host": folder.map_or_else(|| connection.host.clone(), |folder| folder.display().to_string()),
                "port": connection.port,
                "unix_socket": connection.unix_socket,
                "user": connection.login.db_user,
                "db_name": connection.login.db_name,
                "auth": if password.is_some() { "password" } else { "same-user" },
                "password_method": password_method(connection.auth),
                "password": password.map(ExposeSecret::expose_secret),
                "tls": connection.ca_file.is_some(),
                "ca_file": connection.ca_file,
                "beyond_loopback": connection.beyond_loopback,
                "read_only": connection.read_only,
                "uri": strings.uri,
                "psql": strings.psql,
                "jdbc": strings.jdbc,
                "env": strings.env,
            })
            .to_string(),
        ),
        Format::Text => print::raw(&format!(
            "Started a local{} proxy for {} on {}:{}\n\n  {}\n\nIt runs until Ctrl+C.\n",
            if connection.read_only { " read-only" } else { "" },
            connection.login.database,
            connection.host,
            connection.port,
            strings.psql
        )),
        _ => return Err(Failure::usage("proxy db prints text or json")),
    }
    Ok(())
}

/// As `--password-method` takes it.
fn password_method(auth: Auth) -> Option<&'static str> {
    match auth {
        Auth::SameUser => None,
        Auth::Password { method: PasswordMethod::ScramSha256 } => Some("scram-sha-256"),
        Auth::Password { method: PasswordMethod::Md5 } => Some("md5"),
        Auth::Password { method: PasswordMethod::Cleartext } => Some("cleartext"),
    }
}

/// Runs psql through a proxy of its own, and ends as psql ends.
pub(crate) async fn connect(engine: &Engine, asked: &DbConnect) -> Result<(), Failure> {
    let login = super::login(engine, &asked.target)?;
    engine.preflight(&login).await?;
    let request = OpenConnection { port: Some(0), read_only: asked.read_only, ..OpenConnection::new(login) };
    let connection = engine.open_connection(&request).await?;
    let mut psql = tokio::process::Command::new("psql");
    psql.args(&asked.psql)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", connection.port.to_string())
        .env("PGUSER", &connection.login.db_user)
        .env("PGDATABASE", &connection.login.db_name)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::inherit())
        .kill_on_drop(true);
    if let Some(password) = engine.connection_password(&connection.id)? {
        psql.env("PGPASSWORD", password.expose_secret());
    }
    let mut running = psql.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::Local("psql was not found. Install PostgreSQL's client (Debian: postgresql-client), or use `postern proxy db` with any other client".to_owned())
        }
        _ => Failure::internal("psql did not start", error),
    })?;
    let ended = loop {
        tokio::select! {
            ended = running.wait() => break ended.map_err(|error| Failure::internal("psql", error))?,
            // Ctrl+C reaches psql too, which cancels its query: it is psql's to decide whether to end.
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    engine.shutdown(DRAIN).await;
    match ended.code() {
        Some(0) => Ok(()),
        code => Err(Failure::Exit(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))),
    }
}

/// Closes the proxies of a database in every process of this home.
pub(crate) async fn logout(engine: &Engine, asked: &DbLogout) -> Result<(), Failure> {
    if let Some(database) = &asked.database {
        engine.catalogue().load()?.database(database)?;
    }
    let closed = engine.disconnect(asked.database.as_deref()).await?;
    for lease in &closed {
        print::say(&format!("Closed the proxy on port {} ({}).", lease.port, lease.owner()));
    }
    match &asked.database {
        Some(database) => print::line(&format!("Logged out of database {database}")),
        None => print::line("Logged out of all databases"),
    }
    Ok(())
}

/// Waits for SIGINT or SIGTERM and says which.
async fn stop_signal() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = tokio::signal::ctrl_c() => "SIGINT",
            };
        }
    }
    // Without a handler the signal ends the process anyway.
    let _ = tokio::signal::ctrl_c().await;
    "SIGINT"
}
