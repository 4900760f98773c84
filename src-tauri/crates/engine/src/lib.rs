//! What the app does without a screen: catalogue, sign-in, connections, console, activity, audit.
//!
//! [`Engine`] is the one value that every host speaks to: the desktop shell (through `postern-ipc`), the command line and
//! the tests. It owns the [`Catalogue`] of resources, a gate (the proxy of one login) for everything that speaks to a
//! database, the console's tabs and the [`Audit`] log. It knows no screen and no Tauri.

#![warn(missing_docs)]

mod activity;
mod audit;
mod auth;
mod cancel;
mod catalogue;
mod certificate;
mod clock;
mod console;
mod descriptors;
mod drafts;
mod engine;
mod error;
mod expiry;
mod export;
mod gate;
mod group_commit;
mod history;
mod home;
mod lease;
mod limits;
mod live;
mod login;
mod memory;
mod monitor;
mod objects;
mod passfile;
mod ports;
mod recent;
mod recorder;
mod relay_thread;
mod restore;
mod sockets;
mod sql;
mod sql_file;
mod strings;
mod tasks;
mod tls;
mod traffic;
mod upstream;
mod watch;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use postern_access::{
    Choices, Database, DatabaseType, Decision, Effect, Kind, NoDefault, Options, ResourceError, Role, Step, User,
};
pub use postern_aws::{AssumedRole, AwsError, AwsErrorKind, AwsFiles, CallerIdentity};
pub use postern_console as results;
pub use postern_proxy::{DialError, Origin, PasswordMethod, SessionInfo, SessionState};

pub use crate::{
    activity::{Activity, OurSession, Query, QueryDetails, QueryName, Scope, SessionFacts, Source, Wanted},
    audit::{Audit, Batch, Broken},
    auth::Auth,
    cancel::{By, CancelReport, CancelRequest, CancelStep, Outcome, Pursued, SessionAfter, StepKind, Victim},
    catalogue::{Catalogue, Resources, Stored},
    console::{ConsoleTab, Run, TabId},
    descriptors::allow_many_sessions,
    engine::{Change, DatabaseEntry, Engine, EngineOptions, Identity},
    error::{Error, SqlFailure, choice_of},
    expiry::SignInEnd,
    export::{Export, ExportFile, ExportId, ExportRequest, ExportSource, ExportState, Exported, write_failure},
    gate::{Connection, OpenConnection},
    history::{
        Forget, HistoryEntry, HistoryPage, HistoryQuery, MAX_BYTES as MAX_HISTORY_BYTES,
        MAX_ENTRIES as MAX_HISTORY_ENTRIES, Outcome as HistoryOutcome,
    },
    home::Home,
    lease::Lease,
    live::LiveSession,
    login::Login,
    memory::{Remembering, SignIn},
    objects::{MissingPart, ObjectsPart, ObjectsPhase, ObjectsState},
    ports::PortOwner,
    recent::RecentConnection,
    restore::{DraftText, Restored, RestoredTab, SavedFile},
    sockets::{Holder, Process},
    sql::{server_failure, session_failure},
    sql_file::{FileProblem, MAX_FILE},
    strings::{Address, Security, Strings, TlsCheck, strings},
    tasks::Progress,
    traffic::Samples,
    watch::{QueryAlert, RuleKind, Watch, WatchRule, WatchState, WatchWhen, Watching},
};

/// `2026-11-22T14:27:37.123Z`.
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    clock::rfc3339(at)
}

/// The same from milliseconds since 1970.
#[must_use]
pub fn rfc3339_millis(at: u64) -> String {
    clock::rfc3339(UNIX_EPOCH + Duration::from_millis(at))
}

/// Milliseconds since 1970.
#[must_use]
pub fn millis(at: SystemTime) -> u64 {
    clock::millis(at)
}

/// Milliseconds of a duration.
#[must_use]
pub fn whole_millis(duration: Duration) -> u64 {
    clock::whole_millis(duration)
}
