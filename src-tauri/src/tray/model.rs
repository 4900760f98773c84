//! What the tray says and offers, as plain values worked out from the state of the app. No tray library here.

use postern_ipc::{
    connections::{Connection, CopyWhat},
    databases::{Choices, Database, Target},
    session::AppStatus,
};
use serde::{Deserialize, Serialize};

use crate::texts::Texts;

/// Databases offered at most, running ones included: native menus are read, not scrolled.
const OFFERED: usize = 6;

/// The name AWS gives the first database of a workgroup.
const DEFAULT_DB_NAME: &str = "dev";

/// What a choice in the menu does. It is its own menu id, so that a click on a menu that has just been replaced still
/// means what the person read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Show the window.
    Open,
    /// Show the window, at a view and perhaps a database.
    Show { view: String, database: Option<String> },
    /// Start a local proxy.
    Start { database: String, db_user: String, db_name: String },
    /// Stop the proxy of this id.
    Stop { connection: String },
    /// Put the address of the proxy of this id on the clipboard.
    Copy { connection: String, what: CopyWhat },
    /// End the app.
    Quit,
}

/// A line of the menu.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Line {
    /// Something to read.
    Note(String),
    /// Something to choose.
    Choice(Action, String),
    /// More lines behind one.
    More(String, Vec<Self>),
    /// A rule between groups.
    Rule,
}

/// The three faces of the icon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Face {
    /// No proxy is open.
    Idle,
    /// At least one is.
    Active,
    /// Something needs a person.
    Attention,
}

/// All the tray shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Model {
    pub(crate) face: Face,
    pub(crate) lines: Vec<Line>,
}

/// All the tray knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Knowledge {
    pub(crate) status: Option<AppStatus>,
    pub(crate) databases: Vec<Database>,
    pub(crate) connections: Vec<Connection>,
    /// Where each database was last connected to: latest last.
    pub(crate) recent: Vec<Target>,
    /// The database whose start from the tray failed last.
    pub(crate) failed: Option<String>,
}

impl Knowledge {
    /// Takes a new list of running proxies.
    pub(crate) fn connections(&mut self, connections: Vec<Connection>) {
        for connection in &connections {
            self.recent.retain(|target| target.database != connection.target.database);
            self.recent.push(connection.target.clone());
            if self.failed.as_ref() == Some(&connection.target.database) {
                self.failed = None;
            }
        }
        self.connections = connections;
    }

    /// What to show for it.
    pub(crate) fn model(&self, texts: Texts) -> Model {
        let mut lines = self.trouble(texts);
        let face = match (lines.is_empty(), self.connections.is_empty()) {
            (false, _) => Face::Attention,
            (true, true) => Face::Idle,
            (true, false) => Face::Active,
        };
        lines.push(self.who(texts));
        let databases = self.running(texts).into_iter().chain(self.startable(texts)).collect::<Vec<_>>();
        if !databases.is_empty() {
            lines.push(Line::Rule);
            lines.extend(databases);
        }
        lines.push(Line::Rule);
        lines.push(Line::Choice(Action::Open, texts.say("open", &[])));
        lines.push(Line::Choice(Action::Quit, self.quit(texts)));
        Model { face, lines }
    }

    fn trouble(&self, texts: Texts) -> Vec<Line> {
        let mut lines = Vec::new();
        let identity = self.status.as_ref().and_then(|status| status.identity.as_ref());
        if identity.is_some_and(|identity| identity.aws_failure.is_some()) {
            lines.push(Line::Choice(Action::Open, texts.say("aws_failed", &[])));
        }
        if let Some(database) = &self.failed {
            let show = Action::Show { view: "databases".into(), database: Some(database.clone()) };
            lines.push(Line::Choice(show, texts.say("start_failed", &[("database", database)])));
        }
        lines
    }

    fn who(&self, texts: Texts) -> Line {
        match self.status.as_ref().and_then(|status| status.identity.as_ref()) {
            Some(identity) => Line::Note(identity.user.clone()),
            None => Line::Choice(Action::Open, texts.say("sign_in", &[])),
        }
    }

    fn running(&self, texts: Texts) -> Vec<Line> {
        self.connections.iter().take(OFFERED).map(|connection| proxy(connection, texts)).collect()
    }

    fn startable(&self, texts: Texts) -> Vec<Line> {
        let stopped = |database: &&Database| {
            !self.connections.iter().any(|connection| connection.target.database == database.name)
        };
        let mut databases: Vec<&Database> = self.databases.iter().filter(may_enter).filter(stopped).collect();
        databases.sort_by_key(|database| (std::cmp::Reverse(self.last_use(&database.name)), database.name.clone()));
        let room = OFFERED.saturating_sub(self.connections.len());
        let mut lines: Vec<Line> = databases.iter().take(room).map(|database| self.start(database, texts)).collect();
        if databases.len() > lines.len() {
            let show = Action::Show { view: "databases".into(), database: None };
            lines.push(Line::Choice(show, texts.say("other", &[])));
        }
        lines
    }

    fn last_use(&self, database: &str) -> Option<usize> {
        self.recent.iter().position(|target| target.database == database)
    }

    /// One click when it is clear as whom; a list of users when there are several and none was used before; the window
    /// when only a person can type one.
    fn start(&self, database: &Database, texts: Texts) -> Line {
        let title = |key| texts.say(key, &[("database", &titled(&database.name, database.env.as_deref()))]);
        let start = |db_user: &str, db_name: String| Action::Start {
            database: database.name.clone(),
            db_user: db_user.to_owned(),
            db_name,
        };
        if let Some(last) = self.last_use(&database.name).map(|at| &self.recent[at]) {
            return Line::Choice(start(&last.db_user, last.db_name.clone()), title("start"));
        }
        match (database.db_users.allowed.as_slice(), db_name(&database.db_names)) {
            ([], _) | (_, None) => {
                let show = Action::Show { view: "databases".into(), database: Some(database.name.clone()) };
                Line::Choice(show, title("start_in_window"))
            }
            ([one], Some(name)) => Line::Choice(start(one, name), title("start")),
            (several, Some(name)) => {
                let users = several.iter().map(|user| Line::Choice(start(user, name.clone()), plain(user)));
                Line::More(title("start"), users.collect())
            }
        }
    }

    fn quit(&self, texts: Texts) -> String {
        match self.connections.iter().map(|connection| connection.sessions.len()).sum() {
            0 => texts.say("quit", &[]),
            sessions => texts.count("quit_sessions", sessions),
        }
    }
}

fn proxy(connection: &Connection, texts: Texts) -> Line {
    let sessions = texts.count("sessions", connection.sessions.len());
    let name = titled(&connection.target.database, connection.env.as_deref());
    let title =
        texts.say("proxy", &[("database", &name), ("port", &connection.port.to_string()), ("sessions", &sessions)]);
    let copy = |what, key| Line::Choice(Action::Copy { connection: connection.id.clone(), what }, texts.say(key, &[]));
    let stop = match connection.sessions.len() {
        0 => texts.say("stop", &[]),
        sessions => texts.count("stop_sessions", sessions),
    };
    let console = Action::Show { view: "console".into(), database: Some(connection.target.database.clone()) };
    Line::More(
        title,
        vec![
            copy(CopyWhat::Uri, "copy_uri"),
            copy(CopyWhat::Psql, "copy_psql"),
            copy(CopyWhat::Jdbc, "copy_jdbc"),
            copy(CopyWhat::Env, "copy_env"),
            Line::Rule,
            Line::Choice(console, texts.say("console", &[])),
            Line::Choice(Action::Stop { connection: connection.id.clone() }, stop),
        ],
    )
}

/// Roles allow somebody there, named or not. The list has the others too, so that the window can say why not.
fn may_enter(database: &&Database) -> bool {
    [&database.db_users, &database.db_names].into_iter().all(|it| it.wildcard || !it.allowed.is_empty())
}

/// The database to open when nobody chose: what AWS makes first, else the first allowed.
fn db_name(choices: &Choices) -> Option<String> {
    let default = choices.allowed.iter().find(|name| *name == DEFAULT_DB_NAME).or_else(|| choices.allowed.first());
    let denied = choices.denied.iter().any(|name| name == DEFAULT_DB_NAME);
    default.cloned().or_else(|| (choices.wildcard && !denied).then(|| DEFAULT_DB_NAME.to_owned()))
}

/// The environment is always written out: native menus take no colour.
fn titled(database: &str, env: Option<&str>) -> String {
    match env {
        Some(env) => plain(&format!("{database} ({env})")),
        None => plain(database),
    }
}

/// Menus read `&` as the mark of a mnemonic.
fn plain(text: &str) -> String {
    text.replace('&', "&&")
}

#[cfg(test)]
mod tests {
    use postern_ipc::{
        connections::{ConnectionAuth, ConnectionStrings, Session, SessionOrigin, SessionState, Traffic},
        databases::DatabaseEngine,
        session::Identity,
    };

    use super::*;
    use crate::texts::Language;

    const TEXTS: Texts = Texts(Language::English);

    fn choices(allowed: &[&str]) -> Choices {
        Choices { allowed: allowed.iter().map(|&it| it.to_owned()).collect(), wildcard: false, denied: vec![] }
    }

    fn database(name: &str, users: &[&str]) -> Database {
        Database {
            name: name.into(),
            description: String::new(),
            labels: vec![],
            env: Some("prod".into()),
            engine: DatabaseEngine::RedshiftServerless,
            workgroup: None,
            account: None,
            region: None,
            endpoint: "localhost:5439".into(),
            db_users: choices(users),
            db_names: choices(&["sales", "dev"]),
            local_port: None,
        }
    }

    fn target(database: &str) -> Target {
        Target { database: database.into(), db_user: "writer".into(), db_name: "sales".into() }
    }

    fn connection(database: &str, sessions: u64) -> Connection {
        let session = |id| Session {
            id,
            origin: SessionOrigin::Tcp,
            program: "psql".into(),
            db_user: "reader".into(),
            db_name: "dev".into(),
            peer: None,
            process: None,
            other_user: None,
            backend_pid: None,
            state: SessionState::Idle,
            statements: 0,
            started_at: 0,
            bytes_up: 0,
            bytes_down: 0,
            traffic: Traffic { per_second: vec![], at: 0 },
        };
        Connection {
            id: format!("id-{database}"),
            target: target(database),
            env: None,
            host: "127.0.0.1".into(),
            port: 5441,
            auth: ConnectionAuth::SameUser,
            tls: None,
            beyond_loopback: false,
            read_only: false,
            unix_socket: None,
            strings: ConnectionStrings { uri: "u".into(), psql: "p".into(), jdbc: "j".into(), env: "e".into() },
            sessions: (0..sessions).map(session).collect(),
            bytes_up: 0,
            bytes_down: 0,
            traffic: Traffic { per_second: vec![], at: 0 },
            opened_at: 0,
        }
    }

    fn signed_in() -> AppStatus {
        let identity =
            Identity { user: "alice".into(), roles: vec![], aws_profile: None, aws: None, aws_failure: None };
        AppStatus { version: "0".into(), home: "/".into(), identity: Some(identity) }
    }

    fn knowledge(databases: Vec<Database>) -> Knowledge {
        Knowledge { status: Some(signed_in()), databases, ..Knowledge::default() }
    }

    /// Every line of the top level as a person reads it.
    fn read(model: &Model) -> Vec<&str> {
        fn word(line: &Line) -> &str {
            match line {
                Line::Note(text) | Line::Choice(_, text) | Line::More(text, _) => text,
                Line::Rule => "-",
            }
        }
        model.lines.iter().map(word).collect()
    }

    #[test]
    fn signed_out_it_offers_to_sign_in_and_nothing_to_start() {
        let model = Knowledge::default().model(TEXTS);
        assert_eq!(read(&model), ["Sign in", "-", "Open Postern", "Quit"]);
        assert_eq!(model.face, Face::Idle);
    }

    #[test]
    fn one_user_allowed_is_one_click_into_the_default_database() {
        let model = knowledge(vec![database("sales", &["reader"])]).model(TEXTS);
        assert_eq!(read(&model)[..3], ["alice", "-", "Start sales (prod)"]);
        let start =
            Action::Start { database: "sales".into(), db_user: "reader".into(), db_name: DEFAULT_DB_NAME.into() };
        assert!(matches!(&model.lines[2], Line::Choice(action, _) if *action == start));
    }

    #[test]
    fn several_users_are_a_submenu_until_one_was_used() {
        let mut knowledge = knowledge(vec![database("sales", &["reader", "writer"])]);
        assert!(matches!(&knowledge.model(TEXTS).lines[2], Line::More(_, users) if users.len() == 2));
        knowledge.connections(vec![connection("sales", 0)]);
        knowledge.connections(vec![]);
        let again = Action::Start { database: "sales".into(), db_user: "writer".into(), db_name: "sales".into() };
        assert!(matches!(&knowledge.model(TEXTS).lines[2], Line::Choice(action, _) if *action == again));
    }

    #[test]
    fn a_user_only_a_person_can_type_is_chosen_in_the_window() {
        let mut anybody = database("sales", &[]);
        anybody.db_users.wildcard = true;
        let model = knowledge(vec![anybody]).model(TEXTS);
        assert!(
            matches!(&model.lines[2], Line::Choice(Action::Show { database: Some(name), .. }, _) if name == "sales")
        );
    }

    #[test]
    fn a_database_nobody_may_enter_is_not_offered() {
        let model = knowledge(vec![database("sales", &[])]).model(TEXTS);
        assert_eq!(read(&model), ["alice", "-", "Open Postern", "Quit"]);
    }

    #[test]
    fn running_proxies_come_first_and_quitting_says_how_many_sessions_it_ends() {
        let mut knowledge = knowledge(vec![database("a", &["reader"]), database("b", &["reader"])]);
        knowledge.connections(vec![connection("b", 2)]);
        let model = knowledge.model(TEXTS);
        let wanted =
            ["alice", "-", "b: 5441, 2 sessions", "Start a (prod)", "-", "Open Postern", "Quit, ends 2 sessions"];
        assert_eq!(read(&model), wanted);
        assert_eq!(model.face, Face::Active);
    }

    #[test]
    fn a_menu_never_has_more_than_twelve_lines_however_many_databases() {
        let mut knowledge = knowledge((0..500).map(|n| database(&format!("db{n:03}"), &["reader"])).collect());
        knowledge.failed = Some("db001".into());
        knowledge.connections((10..13).map(|n| connection(&format!("db{n:03}"), 1)).collect());
        let lines = knowledge.model(TEXTS).lines;
        assert_eq!(lines.iter().filter(|line| **line != Line::Rule).count(), 11);
    }

    #[test]
    fn a_failed_start_asks_for_attention_until_that_database_runs() {
        let mut knowledge = knowledge(vec![database("sales", &["reader"])]);
        knowledge.failed = Some("sales".into());
        assert_eq!(knowledge.model(TEXTS).face, Face::Attention);
        knowledge.connections(vec![connection("sales", 0)]);
        assert_eq!(knowledge.model(TEXTS).face, Face::Active);
    }

    #[test]
    fn every_sentence_it_asks_for_exists() {
        let mut all = knowledge(vec![database("D1", &["R1"]), database("D2", &[]), database("D3", &["R1", "R2"])]);
        all.databases[1].db_users.wildcard = true;
        all.failed = Some("D1".into());
        all.connections((0..3).map(|n| connection(&format!("X{n}"), n)).collect());
        let said = [all.model(TEXTS), Knowledge::default().model(TEXTS)];
        let keys =
            said.iter().flat_map(|model| texts(&model.lines)).filter(|text| text.contains('_') || *text == "stop");
        assert_eq!(keys.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    /// All texts, those behind others too.
    fn texts(lines: &[Line]) -> Vec<&str> {
        fn of(line: &Line) -> Vec<&str> {
            match line {
                Line::Note(text) | Line::Choice(_, text) => vec![text],
                Line::More(text, lines) => [vec![text.as_str()], texts(lines)].concat(),
                Line::Rule => vec![],
            }
        }
        lines.iter().flat_map(of).collect()
    }

    #[test]
    fn an_action_survives_being_a_menu_id() {
        let action = Action::Copy { connection: "c1".into(), what: CopyWhat::Uri };
        let id = serde_json::to_string(&action).expect("plain data");
        assert_eq!(serde_json::from_str::<Action>(&id).expect("as it was written"), action);
    }
}
