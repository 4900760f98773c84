//! What the app remembers between starts: who signed in, and the local proxies there were, each with the port it keeps.

use std::{collections::BTreeSet, fs::File, net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    auth::Auth,
    error::Error,
    home::{Home, write_private},
    login::Login,
    watch::{Watch, check_all},
};

/// A sign-in: no secret is part of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignIn {
    /// Name of a `kind: user` resource.
    pub user: String,
    /// AWS profile; the default chain when absent.
    pub aws_profile: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl SignIn {
    /// The same person with the same credentials, at whatever time.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.user == other.user && self.aws_profile == other.aws_profile
    }
}

/// A local proxy as it was last started. Each login has one, and keeps its port: another login of the same database, which
/// may run at the same time, has another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct KeptProxy {
    pub(crate) login: Login,
    pub(crate) port: u16,
    pub(crate) auth: Auth,
    pub(crate) tls: bool,
    pub(crate) address: Option<IpAddr>,
    /// Its clients may only read.
    #[serde(default)]
    pub(crate) read_only: bool,
    /// When it was last started, in milliseconds since 1970.
    pub(crate) opened_at: u64,
    /// When it was last stopped; absent while it runs, and when its process ended without a chance to say so.
    pub(crate) stopped_at: Option<u64>,
}

/// What is remembered of local proxies, the latest started first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct KeptProxies(pub(crate) Vec<KeptProxy>);

impl KeptProxies {
    /// The port that a login keeps.
    pub(crate) fn port_of(&self, login: &Login) -> Option<u16> {
        self.0.iter().find(|proxy| proxy.login == *login).map(|proxy| proxy.port)
    }

    /// The port that the login of a database keeps which was used last.
    pub(crate) fn port_of_database(&self, database: &str) -> Option<u16> {
        self.0.iter().find(|proxy| proxy.login.database == database).map(|proxy| proxy.port)
    }

    /// All ports that are kept.
    pub(crate) fn ports(&self) -> BTreeSet<u16> {
        self.0.iter().map(|proxy| proxy.port).collect()
    }
}

/// What the console may keep on the disk.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Remembering {
    /// What was run.
    pub history: bool,
    /// What stands in the tabs.
    pub tabs: bool,
}

impl Default for Remembering {
    fn default() -> Self {
        Self { history: true, tabs: true }
    }
}

const PROXIES: &str = "proxies.json";
const CONSOLE: &str = "console.json";
const WATCHES: &str = "watches.json";

/// The files under `state/`.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    pub(crate) fn of(home: &Home) -> Self {
        Self { folder: home.state() }
    }

    /// Who is signed in.
    pub(crate) fn sign_in(&self) -> Result<Option<SignIn>, Error> {
        self.read("sign-in.json")
    }

    /// Remembers a sign-in, or forgets it.
    pub(crate) fn set_sign_in(&self, sign_in: Option<&SignIn>) -> Result<(), Error> {
        match sign_in {
            Some(sign_in) => self.write("sign-in.json", sign_in),
            None => self.remove("sign-in.json"),
        }
    }

    /// The local proxies there were.
    pub(crate) fn proxies(&self) -> Result<KeptProxies, Error> {
        Ok(self.read(PROXIES)?.unwrap_or_default())
    }

    /// Remembers a local proxy that has just been started.
    pub(crate) fn keep_proxy(&self, proxy: KeptProxy) -> Result<(), Error> {
        self.change_proxies(|kept| {
            kept.retain(|other| other.login != proxy.login);
            kept.insert(0, proxy);
        })
    }

    /// Remembers when the proxy of a login was stopped.
    pub(crate) fn proxy_stopped(&self, login: &Login, at: u64) -> Result<(), Error> {
        self.change_proxies(|kept| {
            if let Some(proxy) = kept.iter_mut().find(|proxy| proxy.login == *login) {
                proxy.stopped_at = Some(at);
            }
        })
    }

    /// Forgets the proxy of a login: its port is anybody's again.
    pub(crate) fn forget_proxy(&self, login: &Login) -> Result<(), Error> {
        self.change_proxies(|kept| kept.retain(|proxy| proxy.login != *login))
    }

    /// What the console may keep.
    pub(crate) fn remembering(&self) -> Result<Remembering, Error> {
        Ok(self.read(CONSOLE)?.unwrap_or_default())
    }

    /// Remembers what the console may keep.
    pub(crate) fn set_remembering(&self, remembering: Remembering) -> Result<(), Error> {
        self.write(CONSOLE, &remembering)
    }

    /// What is watched, by database. A file with a mistake fails as a whole.
    pub(crate) fn watches(&self) -> Result<Vec<Watch>, Error> {
        let watches: Vec<Watch> = self.read(WATCHES)?.unwrap_or_default();
        check_all(&watches).map_err(|mistake| Error::Storage {
            path: self.folder.join(WATCHES),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, mistake.to_string()),
        })?;
        Ok(watches)
    }

    /// Remembers what is watched.
    pub(crate) fn set_watches(&self, watches: &[Watch]) -> Result<(), Error> {
        self.write(WATCHES, &watches)
    }

    /// Reads, changes and writes under a lock: the window and the command may start proxies at the same moment, and
    /// neither may lose what the other keeps.
    fn change_proxies(&self, change: impl FnOnce(&mut Vec<KeptProxy>)) -> Result<(), Error> {
        let path = self.folder.join("proxies.lock");
        let locked = File::options().create(true).append(true).open(&path).and_then(|file| file.lock().map(|()| file));
        let _locked = locked.map_err(|source| Error::Storage { path, source })?;
        let before = self.proxies()?;
        let mut after = before.clone();
        change(&mut after.0);
        if after == before { Ok(()) } else { self.write(PROXIES, &after) }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.folder.join(name);
        let failed = |source| Error::Storage { path: path.clone(), source };
        match std::fs::read(&path) {
            Ok(content) => serde_json::from_slice(&content).map(Some).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let path = self.folder.join(name);
        let content = serde_json::to_vec_pretty(value)
            .map_err(|error| Error::Storage { path: path.clone(), source: error.into() })?;
        write_private(&path, &content)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Storage { path, source }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn memory() -> (tempfile::TempDir, Memory) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path());
        home.create().unwrap();
        (root, Memory::of(&home))
    }

    #[test]
    fn a_sign_in_is_remembered_until_it_is_forgotten() {
        let (_root, memory) = memory();
        assert_eq!(memory.sign_in().unwrap(), None);
        let sign_in = SignIn { user: "alice".into(), aws_profile: Some("data-eng".into()), at: 1 };
        memory.set_sign_in(Some(&sign_in)).unwrap();
        assert_eq!(memory.sign_in().unwrap(), Some(sign_in));
        memory.set_sign_in(None).unwrap();
        memory.set_sign_in(None).unwrap();
        assert_eq!(memory.sign_in().unwrap(), None);
    }

    #[test]
    fn the_console_keeps_its_texts_until_it_is_told_not_to() {
        let (_root, memory) = memory();
        assert_eq!(memory.remembering().unwrap(), Remembering { history: true, tabs: true });
        let nothing = Remembering { history: false, tabs: false };
        memory.set_remembering(nothing).unwrap();
        assert_eq!(memory.remembering().unwrap(), nothing);
        std::fs::write(memory.folder.join(CONSOLE), "{").unwrap();
        assert!(matches!(memory.remembering(), Err(Error::Storage { .. })));
    }

    #[test]
    fn watches_with_a_mistake_are_none_at_all_and_the_mistake_is_named() {
        let (_root, memory) = memory();
        assert_eq!(memory.watches().unwrap(), []);
        let file = |over: &str| {
            format!(
                r#"[{{"login": {{"database": "a", "db_user": "u", "db_name": "dev"}}, "on": true, "when": "always",
                "every_seconds": 15, "rules": [{{"kind": "runs", {over}, "cancel": false}}]}}]"#
            )
        };
        std::fs::write(memory.folder.join(WATCHES), file(r#""over": 60"#)).unwrap();
        let watches = memory.watches().unwrap();
        memory.set_watches(&watches).unwrap();
        assert_eq!(memory.watches().unwrap(), watches);
        for (mistake, named) in [(r#""over": 0"#, "over"), (r#""ovre": 60"#, "ovre"), (r#""over": -1"#, "line 2")] {
            std::fs::write(memory.folder.join(WATCHES), file(mistake)).unwrap();
            let Err(Error::Storage { path, source }) = memory.watches() else { panic!("{mistake}") };
            assert!(path.ends_with(WATCHES) && source.to_string().contains(named), "{source}");
        }
    }

    fn proxy(database: &str, db_user: &str, port: u16) -> KeptProxy {
        let login = Login { database: database.to_owned(), db_user: db_user.to_owned(), db_name: "dev".to_owned() };
        let auth = Auth::SameUser;
        KeptProxy { login, port, auth, tls: false, address: None, read_only: false, opened_at: 1, stopped_at: None }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_default() {
        let (_root, memory) = memory();
        std::fs::write(memory.folder.join(PROXIES), "{").unwrap();
        assert!(matches!(memory.keep_proxy(proxy("a", "u", 1)), Err(Error::Storage { .. })));
    }

    #[test]
    fn each_login_keeps_its_port_and_a_database_has_that_of_the_latest() {
        let (_root, memory) = memory();
        let (one, two, other) =
            (proxy("a", "reader", 15_439), proxy("a", "writer", 15_440), proxy("b", "reader", 15_441));
        for proxy in [&one, &two, &other] {
            memory.keep_proxy(proxy.clone()).unwrap();
        }
        let kept = memory.proxies().unwrap();
        assert_eq!([&one, &two, &other].map(|proxy| kept.port_of(&proxy.login)), [15_439, 15_440, 15_441].map(Some));
        assert_eq!(kept.port_of_database("a"), Some(15_440));

        memory.keep_proxy(KeptProxy { port: 15_442, ..one.clone() }).unwrap();
        let kept = memory.proxies().unwrap();
        assert_eq!(kept.ports(), BTreeSet::from([15_440, 15_441, 15_442]));
        assert_eq!(kept.port_of_database("a"), Some(15_442));

        memory.forget_proxy(&one.login).unwrap();
        assert_eq!(memory.proxies().unwrap().port_of(&one.login), None);
    }

    #[test]
    fn a_proxy_is_remembered_as_it_was_with_its_end() {
        let (_root, memory) = memory();
        let auth = Auth::Password { method: postern_proxy::PasswordMethod::Md5 };
        let proxy = KeptProxy { auth, tls: true, address: "::1".parse().ok(), ..proxy("a", "u", 15_439) };
        memory.keep_proxy(proxy.clone()).unwrap();
        memory.proxy_stopped(&proxy.login, 7).unwrap();
        assert_eq!(memory.proxies().unwrap().0, [KeptProxy { stopped_at: Some(7), ..proxy }]);
    }

    #[test]
    fn what_is_kept_at_the_same_moment_is_all_kept() {
        let (_root, memory) = memory();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let memory = memory.clone();
                scope.spawn(move || memory.keep_proxy(proxy(&number.to_string(), "u", 15_439 + number)).unwrap());
            }
        });
        assert_eq!(memory.proxies().unwrap().ports().len(), 16);
    }
}
