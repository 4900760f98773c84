//! The app without a screen: one value that the window, the tray and the command line all speak to.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use postern_access::{
    Choices, Database, DatabaseType, Decision, Kind, Options, SessionLimits, User, decide, default_choice, limits,
    options,
};
use postern_aws::{Aws, AwsFiles, AwsSource, CallerIdentity, profiles, session_name};
use postern_proxy::SessionInfo;
use tokio::sync::broadcast;

use crate::{
    audit::Audit,
    catalogue::{Catalogue, Resources, Stored},
    clock,
    console::Tabs,
    drafts::Drafts,
    error::Error,
    expiry::{Expiry, SignInEnd},
    export::{self, Exports},
    gate::Gate,
    history::History,
    home::Home,
    login::Login,
    memory::{Memory, SignIn},
    objects::Catalogues,
    tasks::Tasks,
    tls::TlsCache,
    watch::Watches,
};

/// The app. Cheap to clone; clones are the same app.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What the engine tells whoever shows something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// Somebody signed in or out.
    Status,
    /// Resources were created or removed.
    Databases,
    /// A proxy or a session began or ended.
    Connections,
    /// A sign-in has ended while it was in use: new sessions are refused until somebody signs in.
    SignInEnded(SignInEnd),
    /// A run of this console tab went on.
    Run(crate::console::TabId),
    /// What the session of this console tab is in is another.
    Tab(crate::console::TabId),
    /// An export began, went on or ended.
    Exports,
    /// A run was noted in the history or has ended there, or entries were forgotten.
    History,
    /// Work on a result went on.
    Progress(crate::tasks::Progress),
    /// The catalogue of a login is read, was read, or is out of date.
    Objects(crate::objects::ObjectsState),
    /// What is watched, or how that goes, is another.
    Watches,
    /// A query meets a rule that somebody has set.
    QueryAlert(Box<crate::watch::QueryAlert>),
}

/// How to open an engine.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// AWS files to use in place of the usual ones.
    pub aws_files: Option<AwsFiles>,
    /// libpq's password file to use in place of the usual one.
    pub password_file: Option<PathBuf>,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The sign-in.
    pub sign_in: SignIn,
    /// The user's resource.
    pub user: Arc<User>,
}

/// What one question is answered from.
pub(crate) struct Reading {
    pub(crate) resources: Resources,
    pub(crate) identity: Identity,
    /// The strictest limits that the roles of whoever signed in set.
    pub(crate) limits: SessionLimits,
    /// The sign-in is older than they allow.
    pub(crate) expired: bool,
}

/// A database and what the signed-in user may choose there.
#[derive(Clone, Debug)]
pub struct DatabaseEntry {
    /// The resource.
    pub database: Arc<Database>,
    /// Users and names to choose from.
    pub options: Options,
    /// The local port that its login keeps which was used last.
    pub local_port: Option<u16>,
}

/// The state behind [`Engine`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) home: Home,
    pub(crate) catalogue: Catalogue,
    pub(crate) memory: Memory,
    pub(crate) audit: Arc<Audit>,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) gates: Mutex<BTreeMap<Login, Arc<Gate>>>,
    pub(crate) tabs: Tabs,
    pub(crate) drafts: Drafts,
    pub(crate) history: History,
    pub(crate) exports: Exports,
    pub(crate) tasks: Tasks,
    pub(crate) catalogues: Catalogues,
    pub(crate) expiry: Expiry,
    pub(crate) tls: TlsCache,
    pub(crate) watches: Watches,
    aws_files: Option<AwsFiles>,
    pub(crate) password_file: Option<PathBuf>,
    /// By user and profile.
    aws: Mutex<HashMap<(String, Option<String>), Aws>>,
}

/// Locks; a panic elsewhere while it was held leaves plain data that is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Opens the app on a home; makes its folders.
    ///
    /// # Errors
    /// [`Error::Storage`] when the folders cannot be made.
    pub fn open(home: Home, options: EngineOptions) -> Result<Self, Error> {
        home.create()?;
        export::sweep(&home.exports());
        let (changes, _) = broadcast::channel(256);
        Ok(Self {
            shared: Arc::new(Shared {
                catalogue: Catalogue::of(&home),
                memory: Memory::of(&home),
                audit: Arc::new(Audit::in_folder(home.audit())),
                changes,
                gates: Mutex::default(),
                tabs: Tabs::default(),
                drafts: Drafts::of(&home),
                history: History::of(&home),
                exports: Exports::default(),
                tasks: Tasks::default(),
                catalogues: Catalogues::default(),
                expiry: Expiry::default(),
                tls: TlsCache::default(),
                watches: Watches::default(),
                aws_files: options.aws_files,
                password_file: options.password_file,
                aws: Mutex::default(),
                home,
            }),
        })
    }

    /// Where its files are.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.shared.home
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.shared.audit
    }

    /// What happens from now on. A reader that is too slow misses changes, and reads the state anew.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.shared.changes.subscribe()
    }

    /// The resources.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.shared.catalogue
    }

    /// Stores resources and tells.
    ///
    /// # Errors
    /// As [`Catalogue::create`].
    pub fn create_resources(&self, file_name: &str, text: &str, force: bool) -> Result<Vec<Stored>, Error> {
        let stored = self.shared.catalogue.create(file_name, text, force)?;
        self.shared.tell(Change::Databases);
        self.shared.tell(Change::Status);
        Ok(stored)
    }

    /// Signs in: the user must exist, and AWS must know the credentials.
    ///
    /// Without a name, the user who was signed in last, or the only one there is.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidValue`] when no name was given and several exist, [`Error::Aws`].
    pub async fn login(&self, user: Option<&str>, aws_profile: Option<&str>) -> Result<Identity, Error> {
        let resources = self.shared.catalogue.load()?;
        let user = match user {
            Some(name) => resources.user(name)?,
            None => self.default_user(&resources)?,
        };
        let sign_in = SignIn {
            user: user.name.clone(),
            aws_profile: aws_profile.map(str::to_owned),
            at: clock::millis(clock::now()),
        };
        self.shared.aws_for(&sign_in, &resources).caller_identity().await.map_err(Error::Aws)?;
        if self.shared.memory.sign_in()?.is_some_and(|before| !before.is_same(&sign_in)) {
            // What runs was let in as somebody else.
            self.shared.forget_exports().await;
            self.disconnect(None).await?;
        }
        self.shared.memory.set_sign_in(Some(&sign_in))?;
        self.shared.expiry.forget();
        self.shared.tell(Change::Status);
        self.shared.tell(Change::Databases);
        Ok(Identity { sign_in, user: Arc::clone(user) })
    }

    fn default_user<'a>(&self, resources: &'a Resources) -> Result<&'a Arc<User>, Error> {
        if let Some(last) = self.shared.memory.sign_in()? {
            return resources.user(&last.user);
        }
        match resources.users.as_slice() {
            [only] => Ok(only),
            [] => Err(Error::NotFound { kind: "user", name: "any".to_owned() }),
            several => Err(Error::InvalidValue {
                field: "user".to_owned(),
                problem: format!(
                    "name one of {}",
                    several.iter().map(|user| user.name.as_str()).collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }

    /// Removes a resource and tells.
    ///
    /// # Errors
    /// As [`Catalogue::remove`].
    pub fn remove_resource(&self, kind: Kind, name: &str) -> Result<(), Error> {
        self.shared.catalogue.remove(kind, name)?;
        self.shared.tell(Change::Databases);
        self.shared.tell(Change::Status);
        Ok(())
    }

    /// Signs out: every proxy stops, every credential is forgotten.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn logout(&self) -> Result<(), Error> {
        self.shared.memory.set_sign_in(None)?;
        self.shared.forget_exports().await;
        self.disconnect(None).await?;
        for (_, aws) in lock(&self.shared.aws).drain() {
            aws.forget();
        }
        self.shared.tell(Change::Status);
        self.shared.tell(Change::Databases);
        Ok(())
    }

    /// Who is signed in, if anybody.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the user's resource is gone; as [`Catalogue::load`] otherwise.
    pub fn identity(&self) -> Result<Option<Identity>, Error> {
        self.shared.identity().map(Some).or_else(|error| match error {
            Error::NotSignedIn | Error::SignInExpired { .. } => Ok(None),
            other => Err(other),
        })
    }

    /// Who AWS says we are. Asks AWS.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::Aws`].
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Error> {
        self.shared.aws()?.caller_identity().await.map_err(Error::Aws)
    }

    /// The roles assumed at this moment.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`].
    pub fn assumed_roles(&self) -> Result<Vec<postern_aws::AssumedRole>, Error> {
        Ok(self.shared.aws()?.assumed_roles())
    }

    /// Names of the AWS profiles there are.
    ///
    /// # Errors
    /// [`Error::Aws`] when the files cannot be read.
    pub async fn aws_profiles(&self) -> Result<Vec<String>, Error> {
        profiles(self.shared.aws_files.as_ref()).await.map_err(Error::Aws)
    }

    /// All databases, with what the signed-in user may choose in each.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`]; as [`Catalogue::load`] otherwise.
    pub fn databases(&self) -> Result<Vec<DatabaseEntry>, Error> {
        let (resources, identity) = self.shared.signed_in()?;
        let kept = self.shared.memory.proxies()?;
        Ok(resources
            .databases
            .iter()
            .map(|database| DatabaseEntry {
                database: Arc::clone(database),
                options: options(&identity.user, &resources.roles, database),
                local_port: kept.port_of_database(&database.name),
            })
            .collect())
    }

    /// What a user may choose for a database; the signed-in user when none is named.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::NotFound`]; as [`Catalogue::load`] otherwise.
    pub fn access_options(&self, user: Option<&str>, database: &str) -> Result<Options, Error> {
        let (resources, user) = self.shared.subject(user)?;
        Ok(options(&user, &resources.roles, resources.database(database)?))
    }

    /// Whether a login would be allowed, and why; for the signed-in user when none is named.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::NotFound`]; as [`Catalogue::load`] otherwise.
    pub fn access_check(&self, user: Option<&str>, login: &Login) -> Result<Decision, Error> {
        let (resources, user) = self.shared.subject(user)?;
        let database = resources.database(&login.database)?;
        Ok(decide(&user, &resources.roles, database, &login.db_user, &login.db_name))
    }

    /// A whole login from a partial one: what is left out is taken if there is only one choice.
    ///
    /// # Errors
    /// [`Error::ChoiceNeeded`]; otherwise as [`Self::access_options`].
    pub fn complete_login(&self, database: &str, db_user: Option<&str>, db_name: Option<&str>) -> Result<Login, Error> {
        let options = self.access_options(None, database)?;
        let choose = |given: Option<&str>, choices: &Choices| match given {
            Some(given) => Ok(given.to_owned()),
            None => default_choice(choices).map(str::to_owned).map_err(Error::ChoiceNeeded),
        };
        Ok(Login {
            database: database.to_owned(),
            db_user: choose(db_user, &options.db_users)?,
            db_name: choose(db_name, &options.db_names)?,
        })
    }

    /// Ends everything: clients are told and given `limit` to go, all of them at once. Gives the sessions that were cut
    /// because they were still at work, or in a transaction, at the limit.
    pub async fn shutdown(&self, limit: Duration) -> Vec<SessionInfo> {
        self.shared.watches.stop();
        self.shared.exports.stop_of(None).await;
        self.shared.close_tabs(None).await;
        let gates = std::mem::take(&mut *lock(&self.shared.gates));
        join_all(gates.values().map(|gate| gate.close(limit))).await.concat()
    }
}

impl Shared {
    pub(crate) fn tell(&self, change: Change) {
        // Nobody listening is fine.
        let _ = self.changes.send(change);
    }

    /// Reads the resources and who signed in, once, for everything that one question needs.
    pub(crate) fn read(&self) -> Result<Reading, Error> {
        let sign_in = self.memory.sign_in()?.ok_or(Error::NotSignedIn)?;
        let resources = self.catalogue.load()?;
        let user = Arc::clone(resources.user(&sign_in.user)?);
        let limits = limits(&user, &resources.roles);
        let age = Duration::from_millis(clock::millis(clock::now()).saturating_sub(sign_in.at));
        let expired = limits.max_session_ttl.is_some_and(|limit| age >= limit);
        Ok(Reading { resources, identity: Identity { sign_in, user }, limits, expired })
    }

    /// The resources, and who is signed in.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`], [`Error::SignInExpired`]; as [`Catalogue::load`] otherwise.
    pub(crate) fn signed_in(&self) -> Result<(Resources, Identity), Error> {
        let Reading { resources, identity, expired, .. } = self.read()?;
        if expired {
            return Err(Error::SignInExpired { user: identity.sign_in.user });
        }
        Ok((resources, identity))
    }

    pub(crate) fn identity(&self) -> Result<Identity, Error> {
        self.signed_in().map(|(_, identity)| identity)
    }

    /// The resources, and the user a question is about.
    fn subject(&self, user: Option<&str>) -> Result<(Resources, Arc<User>), Error> {
        match user {
            Some(name) => {
                let resources = self.catalogue.load()?;
                let user = Arc::clone(resources.user(name)?);
                Ok((resources, user))
            }
            None => self.signed_in().map(|(resources, identity)| (resources, identity.user)),
        }
    }

    /// The access decision that every session must pass, and what it was read from.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] with the decision; otherwise as [`Catalogue::load`].
    pub(crate) fn check(&self, login: &Login) -> Result<(Resources, Identity), Error> {
        let (resources, identity) = self.signed_in()?;
        let database = resources.database(&login.database)?;
        let decision = decide(&identity.user, &resources.roles, database, &login.db_user, &login.db_name);
        if decision.allowed {
            return Ok((resources, identity));
        }
        Err(Error::AccessDenied {
            database: login.database.clone(),
            db_user: login.db_user.clone(),
            db_name: login.db_name.clone(),
            decision: Box::new(decision),
        })
    }

    /// The way into AWS of whoever is signed in.
    pub(crate) fn aws(&self) -> Result<Aws, Error> {
        let (resources, identity) = self.signed_in()?;
        Ok(self.aws_for(&identity.sign_in, &resources))
    }

    pub(crate) fn aws_for(&self, sign_in: &SignIn, resources: &Resources) -> Aws {
        lock(&self.aws)
            .entry((sign_in.user.clone(), sign_in.aws_profile.clone()))
            .or_insert_with(|| {
                Aws::new(AwsSource {
                    profile: sign_in.aws_profile.clone(),
                    region: home_region(resources),
                    session_name: session_name(&sign_in.user),
                    files: self.aws_files.clone(),
                })
            })
            .clone()
    }
}

/// The region to ask who we are in: where the databases are, so that it is of the right partition.
fn home_region(resources: &Resources) -> String {
    let regions = resources.databases.iter().filter_map(|database| match &database.database_type {
        DatabaseType::RedshiftServerless(serverless) => Some(serverless.region.clone()),
        DatabaseType::Postgres => None,
    });
    regions.into_iter().next().unwrap_or_else(|| "us-east-1".to_owned())
}
