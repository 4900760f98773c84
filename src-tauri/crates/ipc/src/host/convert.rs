//! Engine types as their twins for the UI, and back.

use postern_engine as engine;
use postern_engine::{DatabaseType, millis, whole_millis};

use crate::{activity::*, connections::*, databases::*, resources::*, session::SignInEnd};

impl From<engine::SignInEnd> for SignInEnd {
    fn from(whose: engine::SignInEnd) -> Self {
        match whose {
            engine::SignInEnd::Postern => Self::Postern,
            engine::SignInEnd::Aws => Self::Aws,
        }
    }
}

impl From<Target> for engine::Login {
    fn from(target: Target) -> Self {
        Self { database: target.database, db_user: target.db_user, db_name: target.db_name }
    }
}

impl From<engine::Login> for Target {
    fn from(login: engine::Login) -> Self {
        Self { database: login.database, db_user: login.db_user, db_name: login.db_name }
    }
}

impl From<engine::Stored> for StoredResource {
    fn from(stored: engine::Stored) -> Self {
        Self { kind: stored.kind.to_string(), name: stored.name, updated: stored.updated }
    }
}

impl From<engine::DatabaseEntry> for Database {
    fn from(entry: engine::DatabaseEntry) -> Self {
        let database = &entry.database;
        let serverless = match &database.database_type {
            DatabaseType::RedshiftServerless(serverless) => Some(serverless.clone()),
            DatabaseType::Postgres => None,
        };
        Self {
            name: database.name.clone(),
            description: database.description.clone(),
            labels: database
                .labels
                .iter()
                .map(|(name, value)| Label { name: name.clone(), value: value.clone() })
                .collect(),
            env: database.labels.get("env").cloned(),
            engine: if serverless.is_some() { DatabaseEngine::RedshiftServerless } else { DatabaseEngine::Postgres },
            workgroup: serverless.as_ref().map(|serverless| serverless.workgroup_name.clone()),
            account: serverless.as_ref().map(|serverless| serverless.account_id.clone()),
            region: serverless.map(|serverless| serverless.region),
            endpoint: format!("{}:{}", database.host, database.port),
            db_users: entry.options.db_users.into(),
            db_names: entry.options.db_names.into(),
            local_port: entry.local_port,
        }
    }
}

impl From<engine::Choices> for Choices {
    fn from(choices: engine::Choices) -> Self {
        Self { allowed: choices.allowed, wildcard: choices.wildcard, denied: choices.denied }
    }
}

impl From<engine::Decision> for AccessDecision {
    fn from(decision: engine::Decision) -> Self {
        Self {
            allowed: decision.allowed,
            role: decision.role,
            reason: decision.reason,
            steps: decision.steps.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<engine::Step> for AccessStep {
    fn from(step: engine::Step) -> Self {
        Self {
            role: step.role,
            effect: match step.effect {
                engine::Effect::Allow => "allow",
                engine::Effect::Deny => "deny",
            }
            .to_owned(),
            condition: step.condition.to_owned(),
            matched: step.matched,
            detail: step.detail,
        }
    }
}

impl TryFrom<OpenConnection> for engine::OpenConnection {
    type Error = engine::Error;

    fn try_from(request: OpenConnection) -> Result<Self, Self::Error> {
        let address = request.address.as_deref().map(str::parse).transpose();
        Ok(Self {
            login: request.target.into(),
            port: request.port,
            auth: request.auth.map(Into::into),
            tls: request.tls.unwrap_or_default(),
            address: address.map_err(|_| engine::Error::InvalidValue {
                field: "address".to_owned(),
                problem: format!("{:?} is no IP address", request.address.unwrap_or_default()),
            })?,
            anywhere: request.anywhere.unwrap_or_default(),
            read_only: request.read_only.unwrap_or_default(),
        })
    }
}

impl From<ConnectionAuth> for engine::Auth {
    fn from(auth: ConnectionAuth) -> Self {
        match auth {
            ConnectionAuth::SameUser => Self::SameUser,
            ConnectionAuth::Password { method } => Self::Password {
                method: match method {
                    PasswordMethod::ScramSha256 => engine::PasswordMethod::ScramSha256,
                    PasswordMethod::Md5 => engine::PasswordMethod::Md5,
                    PasswordMethod::Cleartext => engine::PasswordMethod::Cleartext,
                },
            },
        }
    }
}

impl From<engine::Auth> for ConnectionAuth {
    fn from(auth: engine::Auth) -> Self {
        match auth {
            engine::Auth::SameUser => Self::SameUser,
            engine::Auth::Password { method } => Self::Password {
                method: match method {
                    engine::PasswordMethod::ScramSha256 => PasswordMethod::ScramSha256,
                    engine::PasswordMethod::Md5 => PasswordMethod::Md5,
                    engine::PasswordMethod::Cleartext => PasswordMethod::Cleartext,
                },
            },
        }
    }
}

impl From<engine::Connection> for Connection {
    fn from(connection: engine::Connection) -> Self {
        // Without the password: what is here is shown.
        let strings = connection.strings(connection.address(), None);
        Self {
            id: connection.id,
            target: connection.login.into(),
            env: connection.env,
            host: connection.host,
            port: connection.port,
            auth: connection.auth.into(),
            tls: connection.ca_file.map(|file| ConnectionTls { ca_file: file.display().to_string() }),
            beyond_loopback: connection.beyond_loopback,
            read_only: connection.read_only,
            unix_socket: connection.unix_socket.map(|path| path.display().to_string()),
            strings: ConnectionStrings { uri: strings.uri, psql: strings.psql, jdbc: strings.jdbc, env: strings.env },
            sessions: connection.sessions.into_iter().map(Into::into).collect(),
            bytes_up: connection.bytes_up,
            bytes_down: connection.bytes_down,
            traffic: connection.traffic.into(),
            opened_at: millis(connection.opened_at),
        }
    }
}

impl From<engine::LiveSession> for Session {
    fn from(session: engine::LiveSession) -> Self {
        let engine::LiveSession { info, client, traffic } = session;
        let (origin, peer) = match info.facts.origin {
            engine::Origin::Tcp(peer) => (SessionOrigin::Tcp, Some(peer.to_string())),
            engine::Origin::Unix => (SessionOrigin::Unix, None),
            engine::Origin::Internal => (SessionOrigin::Internal, None),
        };
        Self {
            id: info.facts.id.0,
            origin,
            program: info.facts.program,
            db_user: info.facts.db_user,
            db_name: info.facts.db_name,
            peer,
            process: client.process.map(|process| SessionProcess { program: process.program, pid: process.pid }),
            other_user: client.other_user,
            backend_pid: info.facts.backend_pid,
            state: info.state.into(),
            statements: info.statements,
            started_at: millis(info.started_at),
            bytes_up: info.bytes_up,
            bytes_down: info.bytes_down,
            traffic: traffic.into(),
        }
    }
}

impl From<engine::SessionState> for SessionState {
    fn from(state: engine::SessionState) -> Self {
        match state {
            engine::SessionState::Connecting => Self::Connecting,
            engine::SessionState::Idle => Self::Idle,
            engine::SessionState::InTransaction => Self::InTransaction,
            engine::SessionState::FailedTransaction => Self::FailedTransaction,
            engine::SessionState::Running => Self::Running,
        }
    }
}

impl From<engine::Samples> for Traffic {
    fn from(samples: engine::Samples) -> Self {
        Self { per_second: samples.per_second, at: millis(samples.at) }
    }
}

impl From<engine::RecentConnection> for RecentConnection {
    fn from(recent: engine::RecentConnection) -> Self {
        Self {
            target: recent.login.into(),
            env: recent.env,
            port: recent.port,
            auth: recent.auth.into(),
            tls: recent.tls,
            address: recent.address.map(|address| address.to_string()),
            read_only: recent.read_only,
            opened_at: millis(recent.opened_at),
            stopped_at: recent.stopped_at.map(millis),
            runs_in: recent.runs_in.map(|owner| owner.to_string()),
        }
    }
}

impl From<engine::Activity> for Activity {
    fn from(activity: engine::Activity) -> Self {
        Self {
            source: match activity.source {
                engine::Source::History => ActivitySource::History,
                engine::Source::Cluster => ActivitySource::Cluster,
                engine::Source::StatActivity => ActivitySource::StatActivity,
            },
            scope: match activity.scope {
                engine::Scope::All => ActivityScope::All,
                engine::Scope::Own => ActivityScope::Own,
                engine::Scope::Unknown => ActivityScope::Unknown,
            },
            me: activity.me,
            grant: activity.grant,
            hidden: activity.hidden,
            as_of: millis(activity.as_of),
            server_now: activity.server_now,
            cut: activity.cut,
            queries: activity.queries.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<engine::Query> for Query {
    fn from(query: engine::Query) -> Self {
        let live = query.lives();
        Self {
            query_id: query.query_id.to_string(),
            session_id: query.session_id,
            user: query.user,
            db_name: query.db_name,
            status: query.status,
            live,
            query_type: query.query_type,
            start_time: query.start_time,
            end_time: query.end_time,
            elapsed_ms: query.elapsed_us / 1000,
            queue_ms: query.queue_us / 1000,
            lock_wait_ms: query.lock_wait_us / 1000,
            planning_ms: query.planning_us / 1000,
            compile_ms: query.compile_us / 1000,
            execution_ms: query.execution_us / 1000,
            waits_for_lock: query.waits_for_lock,
            rows: query.rows,
            bytes: query.bytes,
            cache_hit: query.cache_hit,
            hash: query.hash,
            error: query.error,
            text: query.text,
            own: query.own,
            ours: query.ours.map(Into::into),
        }
    }
}

impl From<engine::QueryDetails> for QueryDetails {
    fn from(details: engine::QueryDetails) -> Self {
        let session = details.session.map(|session| SessionFacts {
            since: session.since,
            until: session.until,
            status: session.status,
            program: session.program,
            client: session.client,
            transaction_since: session.transaction_since,
        });
        Self { text: details.text, whole: details.whole, session }
    }
}

impl From<engine::OurSession> for OurSession {
    fn from(ours: engine::OurSession) -> Self {
        Self {
            program: ours.program,
            session: ours.session,
            client: ours.client.map(|process| SessionProcess { program: process.program, pid: process.pid }),
            tab: ours.tab.map(|tab| tab.to_string()),
            cancel: ours.cancel.map(Into::into),
        }
    }
}

impl From<engine::Pursued> for ClientCancel {
    fn from(cancel: engine::Pursued) -> Self {
        Self {
            outcome: cancel.outcome.map(Into::into),
            steps: cancel.steps.into_iter().map(Into::into).collect(),
            elapsed_ms: whole_millis(cancel.elapsed),
            asked_at: millis(cancel.asked_at),
            session: cancel.session.map(Into::into),
        }
    }
}

impl From<engine::CancelReport> for CancelReport {
    fn from(report: engine::CancelReport) -> Self {
        let (user, text) = report.victim.map(|victim| (victim.user, victim.text)).unzip();
        Self {
            outcome: report.outcome.into(),
            steps: report.steps.into_iter().map(Into::into).collect(),
            elapsed_ms: whole_millis(report.elapsed),
            asked_at: millis(report.asked_at),
            user,
            text,
            session: report.session.map(Into::into),
            grant: report.grant,
        }
    }
}

impl From<engine::Outcome> for CancelOutcome {
    fn from(outcome: engine::Outcome) -> Self {
        match outcome {
            engine::Outcome::Canceled => Self::Canceled,
            engine::Outcome::Terminated => Self::Terminated,
            engine::Outcome::Ended => Self::Ended,
            engine::Outcome::AlreadyFinished => Self::AlreadyFinished,
            engine::Outcome::QueryChanged => Self::QueryChanged,
            engine::Outcome::NotSeen => Self::NotSeen,
            engine::Outcome::ConfirmationNeeded => Self::ConfirmationNeeded,
            engine::Outcome::StillRunning => Self::StillRunning,
            engine::Outcome::NotPermitted => Self::NotPermitted,
        }
    }
}

impl From<engine::SessionAfter> for SessionAfter {
    fn from(session: engine::SessionAfter) -> Self {
        match session {
            engine::SessionAfter::Usable => Self::Usable,
            engine::SessionAfter::FailedTransaction => Self::FailedTransaction,
            engine::SessionAfter::Busy => Self::Busy,
            engine::SessionAfter::Idle => Self::Idle,
            engine::SessionAfter::Closed => Self::Closed,
            engine::SessionAfter::ClosedByUs => Self::ClosedByUs,
            engine::SessionAfter::Unknown => Self::Unknown,
        }
    }
}

impl From<engine::CancelStep> for CancelStep {
    fn from(step: engine::CancelStep) -> Self {
        let kind = match step.kind {
            engine::StepKind::Reread => CancelStepKind::Reread,
            engine::StepKind::WireCancel => CancelStepKind::WireCancel,
            engine::StepKind::CancelBackend => CancelStepKind::CancelBackend,
            engine::StepKind::TerminateBackend => CancelStepKind::TerminateBackend,
            engine::StepKind::ServerReports => CancelStepKind::ServerReports,
            engine::StepKind::ClientTold => CancelStepKind::ClientTold,
        };
        Self { kind, ok: step.ok, at_ms: whole_millis(step.at), detail: step.detail }
    }
}
