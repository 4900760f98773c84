//! The app behind the contract, on a home of its own.

use std::time::Duration;

use postern_engine::{AwsFiles, Engine, EngineOptions};
use postern_ipc::{
    Host,
    activity::{Activity, ActivityRequest, CancelQuery, Query},
    console::{ConsoleRun, OpenConsole, Run, RunState},
    databases::Target,
};

use crate::support::{Home, block_on, description};

/// The file of the keys for AWS, in the home's folder.
pub(crate) const CREDENTIALS: &str = "aws-credentials";

/// The file of the passwords for plain PostgreSQL, likewise.
pub(crate) const PASSWORDS: &str = "pgpass";

/// The app on a home of its own, signed in.
pub(crate) struct App {
    pub(crate) host: Host,
    pub(crate) home: Home,
    aws_files: AwsFiles,
}

impl App {
    /// With the keys that the commands use.
    pub(crate) fn open() -> Self {
        let env = &description().env;
        Self::with_keys(&format!(
            "aws_access_key_id = {}\naws_secret_access_key = {}\n",
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        ))
    }

    /// With other keys for AWS than those of the commands.
    pub(crate) fn with_keys(keys: &str) -> Self {
        let home = Home::signed_in();
        // As files, because this process has an environment of its own.
        let env = &description().env;
        let config = home.write(
            "aws-config",
            &format!("[default]\nregion = {}\nendpoint_url = {}\n", env["AWS_REGION"], description().aws["sts"]),
        );
        let credentials = home.write(CREDENTIALS, &format!("[default]\n{keys}"));
        let aws_files = AwsFiles { config, credentials };
        let host = block_on(async { host(&home, &aws_files) });
        Self { host, home, aws_files }
    }

    /// Another app on the same home, as another process, or the next one, would be. Within a runtime.
    pub(crate) fn another(&self) -> Host {
        host(&self.home, &self.aws_files)
    }

    /// Opens a console tab.
    pub(crate) async fn tab(&self, database: &str) -> String {
        self.host
            .console_open(OpenConsole { target: target(database), read_only: false })
            .await
            .expect("the tab opens")
            .id
    }

    /// Begins to run a whole text.
    pub(crate) async fn start(&self, tab: &str, sql: &str) -> Run {
        let length = u32::try_from(sql.encode_utf16().count()).expect("a short text");
        let run = ConsoleRun { to: length, ..whole(tab, sql) };
        self.host.console_run(run).await.expect("it begins")
    }

    /// Runs to the end.
    pub(crate) async fn run(&self, tab: &str, sql: &str) -> Run {
        let mut events = self.host.events();
        let begun = self.start(tab, sql).await;
        wait_for(&mut events, &begun.id).await
    }

    /// What the panel shows.
    pub(crate) async fn list(&self, database: &str, finished: u32) -> Activity {
        let request = ActivityRequest::of(target(database), finished);
        self.host.activity_list(request).await.expect("the list")
    }

    /// Waits until the server lists a query that holds this text.
    pub(crate) async fn live(&self, database: &str, text: &str) -> Query {
        loop {
            let list = self.list(database, 0).await;
            if let Some(query) =
                list.queries.into_iter().find(|query| query.text.contains(text) && query.status == "running")
            {
                return query;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the panel sends to cancel a query of one's own.
    pub(crate) fn cancel_of(target: Target, query: &Query) -> CancelQuery {
        CancelQuery {
            target,
            session_id: query.session_id,
            query_id: query.query_id.clone(),
            terminate: false,
            note: None,
            confirmed: false,
            why: None,
        }
    }

    /// Cancels a query as the panel does.
    pub(crate) async fn cancel(&self, database: &str, query: &Query) -> postern_ipc::activity::CancelReport {
        self.host.activity_cancel(Self::cancel_of(target(database), query)).await.expect("a report")
    }
}

fn host(home: &Home, aws_files: &AwsFiles) -> Host {
    let options =
        EngineOptions { aws_files: Some(aws_files.clone()), password_file: Some(home.path().join(PASSWORDS)) };
    let engine = Engine::open(postern_engine::Home::at(home.path()), options).expect("the home opens");
    Host::over(Ok(engine))
}

/// A login that AWS allows everywhere but in `finance-prod`.
pub(crate) fn target(database: &str) -> Target {
    Target { database: database.into(), db_user: "bi-readonly".into(), db_name: "dev".into() }
}

/// Waits for the end of a run.
pub(crate) async fn wait_for(events: &mut tokio::sync::broadcast::Receiver<postern_ipc::Event>, id: &str) -> Run {
    let ended = async {
        loop {
            if let Ok(postern_ipc::Event::run_changed(run)) = events.recv().await
                && run.id == id
                && matches!(run.state, RunState::Done | RunState::Failed | RunState::Canceled)
            {
                return run;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the run ends within a minute")
}

/// All statements of a text.
pub(crate) fn whole(tab: &str, sql: &str) -> ConsoleRun {
    let (tab, text) = (tab.to_owned(), sql.to_owned());
    ConsoleRun { tab, text, from: 0, to: 0, all: true, explain: false, parameters: Vec::new(), confirmed: false }
}
