//! The engine behind the contract: one method for each command, of the same name. A host (the desktop shell) hands
//! each command to its method and forwards the events; it adds nothing.

mod console;
mod convert;
mod exports;
mod failure;
mod history;
mod objects;
mod plots;
mod watch;

use std::{sync::Arc, time::Duration};

use postern_engine::{Change, Engine, EngineOptions, Error, Home};
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{
    activity::*,
    connections::*,
    console::{ConsoleTab, ResultProgress, Run},
    contract::Show,
    databases::*,
    error::Failure,
    exports::Export,
    objects::ObjectsState,
    resources::*,
    session::*,
    watch::{QueryAlert, Watching},
};

/// The app behind the contract. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Host {
    engine: Arc<Result<Engine, Failure>>,
    events: broadcast::Sender<Event>,
}

macro_rules! event_enum {
    ($($name:ident: $payload:ty,)*) => {
        /// An event with its payload.
        #[derive(Clone, Debug, Serialize)]
        #[serde(untagged)]
        #[allow(non_camel_case_types, reason = "named as in the contract")]
        pub enum Event {
            $(#[allow(missing_docs, reason = "see the contract")] $name($payload),)*
        }

        impl Event {
            /// Its name in the contract.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            /// What the UI is given.
            #[must_use]
            pub fn payload(&self) -> serde_json::Value {
                // Plain data: it cannot fail to become JSON.
                serde_json::to_value(self).unwrap_or_default()
            }
        }
    };
}
crate::events!(event_enum);

impl Host {
    /// Opens the app on the home that the environment names. When that fails, every command says why: a window can
    /// show it, where a program that does not start cannot.
    ///
    /// Has to be called within a tokio runtime.
    #[must_use]
    pub fn open() -> Self {
        postern_engine::allow_many_sessions();
        let engine = Home::from_environment()
            .and_then(|home| Engine::open(home, EngineOptions::default()))
            .map_err(Failure::from);
        Self::over(engine)
    }

    /// Over an engine that is open already.
    #[must_use]
    pub fn over(engine: Result<Engine, Failure>) -> Self {
        let (events, _) = broadcast::channel(256);
        let host = Self { engine: Arc::new(engine), events };
        if let Ok(engine) = host.engine.as_ref() {
            tokio::spawn(host.clone().translate(engine.changes()));
            engine.resume_watches();
        }
        host
    }

    /// What happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Ends everything; clients are given `limit` to go.
    pub async fn shutdown(&self, limit: Duration) {
        if let Ok(engine) = self.engine.as_ref() {
            engine.shutdown(limit).await;
        }
    }

    /// Turns the engine's changes into events. A reader that fell behind reads the whole state.
    async fn translate(self, mut changes: broadcast::Receiver<Change>) {
        loop {
            let events = match changes.recv().await {
                Ok(Change::Status) => vec![self.app_status(()).await.map(Event::status_changed)],
                Ok(Change::Databases) => vec![Ok(Event::databases_changed(()))],
                Ok(Change::Connections) => vec![self.connections_list(()).await.map(Event::connections_changed)],
                Ok(Change::SignInEnded(whose)) => vec![Ok(Event::sign_in_ended(whose.into()))],
                Ok(Change::Exports) => vec![self.exports_list(()).await.map(Event::exports_changed)],
                Ok(Change::Tab(tab)) => vec![self.tab_of(tab).map(Event::tab_changed)],
                Ok(Change::Run(tab)) => vec![self.run_of(tab).map(Event::run_changed)],
                Ok(Change::Objects(state)) => vec![Ok(Event::objects_changed(state.into()))],
                Ok(Change::Progress(progress)) => vec![Ok(Event::result_progress(progress.into()))],
                Ok(Change::History) => vec![Ok(Event::history_changed(()))],
                Ok(Change::Watches) => vec![self.watch_list(()).await.map(Event::watches_changed)],
                Ok(Change::QueryAlert(alert)) => vec![Ok(Event::query_alert((*alert).into()))],
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => self.everything().await,
                Err(broadcast::error::RecvError::Closed) => return,
            };
            for event in events.into_iter().flatten() {
                // Nobody listening is fine.
                let _ = self.events.send(event);
            }
        }
    }

    /// The whole state as events, for whoever missed some.
    pub async fn everything(&self) -> Vec<Result<Event, Failure>> {
        let tabs = self.engine().map(Engine::console_tabs).unwrap_or_default();
        let mut events = vec![
            self.app_status(()).await.map(Event::status_changed),
            Ok(Event::databases_changed(())),
            self.connections_list(()).await.map(Event::connections_changed),
            self.exports_list(()).await.map(Event::exports_changed),
            Ok(Event::history_changed(())),
            self.watch_list(()).await.map(Event::watches_changed),
        ];
        let objects = self.engine().map(Engine::objects_states).unwrap_or_default();
        events.extend(objects.into_iter().map(|state| Ok(Event::objects_changed(state.into()))));
        events.extend(tabs.iter().map(|tab| self.tab_of(tab.id).map(Event::tab_changed)));
        events.extend(tabs.iter().map(|tab| self.run_of(tab.id).map(Event::run_changed)));
        events
    }

    fn engine(&self) -> Result<&Engine, Failure> {
        self.engine.as_ref().as_ref().map_err(Clone::clone)
    }
}

/// The commands, in the order of the contract.
impl Host {
    /// Who is signed in.
    pub async fn app_status(&self, (): ()) -> Result<AppStatus, Failure> {
        let engine = self.engine()?;
        let identity = match engine.identity()? {
            Some(identity) => {
                let caller = engine.caller_identity().await;
                Some(Identity {
                    user: identity.sign_in.user,
                    roles: identity.user.roles.clone(),
                    aws_profile: identity.sign_in.aws_profile,
                    aws: caller.as_ref().ok().map(|caller| AwsIdentity {
                        account: caller.account.clone(),
                        arn: caller.arn.clone(),
                        source: caller.source.clone(),
                        expires_at: caller.expires_at.map(postern_engine::millis),
                    }),
                    aws_failure: caller.err().map(Failure::from),
                })
            }
            None => None,
        };
        Ok(AppStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            home: engine.home().config().display().to_string(),
            identity,
        })
    }

    /// Users and profiles to choose from.
    pub async fn sign_in_options(&self, (): ()) -> Result<SignInOptions, Failure> {
        let engine = self.engine()?;
        let users = engine.catalogue().load()?.users.iter().map(|user| user.name.clone()).collect();
        Ok(SignInOptions { users, profiles: engine.aws_profiles().await? })
    }

    /// Signs in.
    pub async fn sign_in(&self, request: SignIn) -> Result<AppStatus, Failure> {
        self.engine()?.login(Some(&request.user), request.aws_profile.as_deref()).await?;
        self.app_status(()).await
    }

    /// Signs out.
    pub async fn sign_out(&self, (): ()) -> Result<AppStatus, Failure> {
        self.engine()?.logout().await?;
        self.app_status(()).await
    }

    /// Stores YAML documents.
    pub async fn resources_create(&self, request: CreateResources) -> Result<Vec<StoredResource>, Failure> {
        let stored = self.engine()?.create_resources(&request.file_name, &request.text, request.force)?;
        Ok(stored.into_iter().map(Into::into).collect())
    }

    /// Lists the databases.
    pub async fn databases_list(&self, (): ()) -> Result<Vec<Database>, Failure> {
        Ok(self.engine()?.databases()?.into_iter().map(Into::into).collect())
    }

    /// Asks whether a login would be allowed.
    pub async fn access_check(&self, target: Target) -> Result<AccessDecision, Failure> {
        Ok(self.engine()?.access_check(None, &target.into())?.into())
    }

    /// Lists the local proxies.
    pub async fn connections_list(&self, (): ()) -> Result<Vec<Connection>, Failure> {
        Ok(self.engine()?.connections().into_iter().map(Into::into).collect())
    }

    /// Lists the local proxies that do not run now.
    pub async fn connections_recent(&self, (): ()) -> Result<Vec<RecentConnection>, Failure> {
        Ok(self.engine()?.recent_connections()?.into_iter().map(Into::into).collect())
    }

    /// Starts a local proxy.
    pub async fn connection_open(&self, request: OpenConnection) -> Result<Connection, Failure> {
        Ok(self.engine()?.open_connection(&request.try_into()?).await?.into())
    }

    /// Stops a local proxy.
    pub async fn connection_stop(&self, id: String) -> Result<(), Failure> {
        Ok(self.engine()?.stop_connection(&id).await?)
    }

    /// Forgets a local proxy and frees its port.
    pub async fn connection_forget(&self, target: Target) -> Result<(), Failure> {
        Ok(self.engine()?.forget_connection(&target.into())?)
    }

    /// What `connection_copy` is to put on the clipboard. The clipboard is the shell's: nothing of this is for the window.
    pub async fn connection_copy(&self, request: CopyConnection) -> Result<SecretString, Failure> {
        let engine = self.engine()?;
        let connection = engine.connection(&request.id)?;
        let password = engine.connection_password(&request.id)?;
        let strings = connection.strings(connection.address(), password.as_ref());
        Ok(match request.what {
            CopyWhat::Uri => strings.uri.into(),
            CopyWhat::Psql => strings.psql.into(),
            CopyWhat::Jdbc => strings.jdbc.into(),
            CopyWhat::Env => strings.env.into(),
            CopyWhat::Password => password.ok_or_else(|| Error::NotFound {
                kind: "password",
                name: format!("of the local proxy on port {}", connection.port),
            })?,
        })
    }

    /// Ends a session.
    pub async fn session_stop(&self, session: u64) -> Result<(), Failure> {
        Ok(self.engine()?.stop_session(session)?)
    }

    /// Lists queries.
    pub async fn activity_list(&self, request: ActivityRequest) -> Result<Activity, Failure> {
        let wanted = postern_engine::Wanted {
            last: request.last_ms.map(Duration::from_millis),
            text: request.text.unwrap_or(postern_engine::Wanted::from(0).text),
            ..postern_engine::Wanted::from(request.finished)
        };
        Ok(self.engine()?.activity(&request.target.into(), wanted).await?.into())
    }

    /// Reads all of one query's text, and its session.
    pub async fn activity_details(&self, request: QueryDetailsRequest) -> Result<QueryDetails, Failure> {
        let query = postern_engine::QueryName {
            session_id: request.session_id,
            query_id: query_id(&request.query_id)?,
            start_time: request.start_time,
        };
        Ok(self.engine()?.query_details(&request.target.into(), query).await?.into())
    }

    /// Cancels a query.
    pub async fn activity_cancel(&self, request: CancelQuery) -> Result<CancelReport, Failure> {
        let query_id = query_id(&request.query_id)?;
        let request = postern_engine::CancelRequest {
            login: request.target.into(),
            session_id: request.session_id,
            query_id: Some(query_id),
            terminate: request.terminate,
            note: request.note,
            confirmed: request.confirmed,
            by: postern_engine::By::Window,
            why: request.why,
        };
        Ok(self.engine()?.cancel(&request).await?.into())
    }
}

/// A `query_id` as the contract carries it.
fn query_id(text: &str) -> Result<i64, Error> {
    text.parse()
        .map_err(|_| Error::InvalidValue { field: "query_id".to_owned(), problem: format!("{text:?} is no number") })
}
