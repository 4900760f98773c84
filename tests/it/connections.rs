//! Local proxies as the window sees them: sessions, traffic, ports that stay, and those that ran before.

use std::time::Duration;

use postern_ipc::{
    connections::{Connection, OpenConnection, Session, SessionState},
    databases::Target,
    error::ErrorCode,
};

use crate::{
    app::{App, target},
    support::{block_on, eventually},
};

/// The same database as [`target`], by somebody else.
fn writer(database: &str) -> Target {
    Target { db_user: "etl-writer".to_owned(), ..target(database) }
}

async fn open(app: &App, target: Target) -> Connection {
    app.host.connection_open(OpenConnection::to(target)).await.expect("a proxy")
}

/// A client of a proxy.
async fn client(proxy: &Connection) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(proxy.port).user(&proxy.target.db_user).dbname(&proxy.target.db_name);
    let (client, connection) =
        config.application_name("a notebook").connect(tokio_postgres::NoTls).await.expect("a client connects");
    tokio::spawn(connection);
    client
}

/// The only session, as soon as it is as wanted.
async fn session(app: &App, wanted: impl Fn(&Session) -> bool) -> Session {
    loop {
        let list = app.host.connections_list(()).await.expect("the list");
        if let Some(session) = list.first().and_then(|proxy| proxy.sessions.first()).filter(|session| wanted(session)) {
            return session.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_session_tells_its_program_its_state_and_what_flowed_in_each_second() {
    let app = App::open();
    block_on(async {
        let proxy = open(&app, target("analytics-dev")).await;
        let client = client(&proxy).await;
        client.simple_query("begin; select repeat('x', 50000)").await.expect("it answers");
        let seen = session(&app, |session| session.state == SessionState::InTransaction).await;
        assert_eq!((seen.program.as_str(), seen.statements), ("a notebook", 1));
        assert!(seen.peer.is_some_and(|peer| peer.starts_with("127.0.0.1:")));
        assert_eq!(seen.other_user, None);

        let seen = session(&app, |session| session.traffic.per_second.iter().sum::<u64>() > 50_000).await;
        assert_eq!(seen.traffic.per_second.iter().sum::<u64>(), seen.bytes_up + seen.bytes_down);
        let list = app.host.connections_list(()).await.expect("the list");
        assert!(list[0].traffic.per_second.iter().sum::<u64>() > 50_000);
        if cfg!(target_os = "linux") {
            let seen = session(&app, |session| session.process.is_some()).await;
            assert_eq!(seen.process.expect("it is known").pid, std::process::id());
        }
    });
}

#[test]
fn each_login_of_a_database_keeps_a_port_of_its_own_in_the_window_and_the_command_alike() {
    let app = App::open();
    let ports = block_on(async {
        let (reader, writer) = (open(&app, target("analytics-dev")).await, open(&app, writer("analytics-dev")).await);
        assert_ne!(reader.port, writer.port);
        for proxy in [&reader, &writer] {
            app.host.connection_stop(proxy.id.clone()).await.expect("it stops");
        }
        [reader.port, writer.port]
    });
    let again = ["bi-readonly", "etl-writer"]
        .map(|user| app.home.proxy(&["analytics-dev", "--db-user", user, "--db-name", "dev"]).port());
    assert_eq!(again, ports);
}

#[test]
fn a_proxy_that_was_stopped_is_a_recent_one_until_it_runs_again_or_is_forgotten() {
    let app = App::open();
    let recent = || block_on(app.host.connections_recent(())).expect("the recent ones");
    let proxy = block_on(open(&app, target("analytics-dev")));
    assert!(recent().is_empty(), "it runs");
    block_on(app.host.connection_stop(proxy.id)).expect("it stops");
    let kept = recent();
    assert_eq!((kept.len(), kept[0].port, kept[0].target.clone()), (1, proxy.port, target("analytics-dev")));
    assert!(kept[0].stopped_at.is_some() && kept[0].runs_in.is_none());

    // Run by the command, it is said where.
    let elsewhere = app.home.proxy(&["analytics-dev", "--db-user", "bi-readonly", "--db-name", "dev"]);
    let pid = elsewhere.pid().to_string();
    assert!(recent()[0].runs_in.as_ref().is_some_and(|owner| owner.contains(&pid)), "{:?}", recent());
    let taken = block_on(app.host.connection_open(OpenConnection::to(target("analytics-dev")))).expect_err("taken");
    assert_eq!((taken.code, taken.params["pid"].as_str()), (ErrorCode::PortInUse, pid.as_str()));
    assert_eq!(taken.params["database"], "analytics-dev");
    drop(elsewhere);
    eventually("its process is gone", || recent()[0].runs_in.is_none().then_some(()));

    block_on(app.host.connection_forget(target("analytics-dev"))).expect("it is forgotten");
    assert!(recent().is_empty());
}
