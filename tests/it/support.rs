//! One sandbox for all tests of this program, a home of its own for each test, and the `postern` command as people run it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{LazyLock, OnceLock},
    time::{Duration, Instant},
};

use postern_sandbox::{Description, PlainPostgres, Sandbox, SandboxOptions, WorkgroupFaults, aws::AwsServer};

/// The user every test signs in as, and the role that lets it in.
pub(crate) const USER: &str = "alice";

/// The role of a test user: everything, everywhere. What AWS denies is still denied.
pub(crate) const EVERYTHING: &str = "kind: role\nversion: v7\nmetadata:\n  name: everything\nspec:\n  allow:\n    db_labels:\n      '*': '*'\n    db_names: ['*']\n    db_users: ['*']\n";

/// The role of the guide.
pub(crate) const GUIDE_ROLE: &str = "version: v5\nkind: role\nmetadata:\n  name: redshift-serverless-access\nspec:\n  allow:\n    db_labels:\n      '*': '*'\n    db_names:\n    - dev\n    db_users:\n    - 'teleport-redshift-serverless-access'\n";

/// A database whose monitoring is that of a provisioned cluster without SYS views.
pub(crate) const PROVISIONED: &str = "legacy-stage";

/// Workgroups of one test, or one file of tests, each: what goes wrong there, and what is counted, is for all of a workgroup.
pub(crate) const OWN_WORKGROUPS: [&str; 6] =
    ["canceling-dev", "bystander-dev", "several-dev", "faults-dev", "watched-dev", "limited-dev"];

struct Running {
    sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

/// The sandbox. It lives as long as this program; its servers notice the program's end.
static SANDBOX: LazyLock<Running> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the sandbox");
    let mut options = SandboxOptions::new(folder_of_this_run()).orders(1_000);
    options.world = options.world.with_provisioned(PROVISIONED);
    for name in OWN_WORKGROUPS {
        options.world = options.world.with_workgroup(name);
    }
    let sandbox = runtime.block_on(Sandbox::start(options)).expect("the sandbox starts");
    Running { sandbox, runtime }
});

/// A folder for the sandbox. Nothing runs at the end of this program, so those of ended runs are swept away now.
fn folder_of_this_run() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.strip_prefix("sandbox-") else { continue };
        if !Path::new("/proc").join(pid).exists() {
            // Another run may be sweeping too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    parent.join(format!("sandbox-{}", std::process::id()))
}

pub(crate) fn description() -> &'static Description {
    SANDBOX.sandbox.description()
}

/// What can go wrong with a workgroup.
pub(crate) fn faults(workgroup: &str) -> WorkgroupFaults {
    SANDBOX.sandbox.faults(workgroup).expect("a workgroup of the standard world")
}

/// The pretend AWS.
pub(crate) fn aws() -> &'static AwsServer {
    SANDBOX.sandbox.aws()
}

/// A PostgreSQL of which nothing is changed.
pub(crate) fn plain_postgres() -> &'static PlainPostgres {
    static PLAIN: LazyLock<PlainPostgres> =
        LazyLock::new(|| block_on(SANDBOX.sandbox.start_postgres("plain")).expect("it starts"));
    &PLAIN
}

/// Runs something on the sandbox's own runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    SANDBOX.runtime.block_on(future)
}

/// The same, without waiting for it.
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    SANDBOX.runtime.spawn(future)
}

/// A session of the superuser in the database `dev` of a workgroup, past everything of ours.
pub(crate) fn admin(workgroup: &str) -> tokio_postgres::Client {
    let admin = &description().admin;
    let mut config = tokio_postgres::Config::new();
    config.host(&admin.host).user(&admin.user).password(&admin.password).dbname("dev").application_name("the admin");
    config.port(SANDBOX.sandbox.admin_port(workgroup).expect("a workgroup of the standard world"));
    let (client, connection) = block_on(config.connect(tokio_postgres::NoTls)).expect("the admin may log in");
    spawn(connection);
    client
}

/// The command: the one that `POSTERN_PROGRAM` names, or else built now.
pub(crate) fn postern() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(program) = std::env::var_os("POSTERN_PROGRAM") {
            return PathBuf::from(program);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "--quiet", "--package", "postern-cli"]).status();
        assert!(built.is_ok_and(|status| status.success()), "postern-cli does not build");
        // target/debug/deps/it-… -> target/debug/postern
        let test = std::env::current_exe().expect("this program has a path");
        let folder = test.parent().and_then(Path::parent).expect("it lies in target/debug/deps");
        folder.join(format!("postern{}", std::env::consts::EXE_SUFFIX))
    })
}

/// A `POSTERN_HOME` of one test, with the sandbox's databases in it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// With no role and no user.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::Builder::new().prefix("ph-").tempdir().expect("a folder for the home");
        let resources = folder.path().join("resources");
        std::fs::create_dir(&resources).expect("its resources");
        let theirs = description().postern_home.join("resources");
        for entry in std::fs::read_dir(theirs).expect("the sandbox has resources") {
            let path = entry.expect("they can be listed").path();
            std::fs::copy(&path, resources.join(path.file_name().expect("a file has a name"))).expect("a copy");
        }
        let mut env = description().env.clone();
        env.insert("POSTERN_HOME".into(), folder.path().to_string_lossy().into_owned());
        Self { folder, env }
    }

    /// With [`USER`] signed in, who may do everything that AWS allows.
    pub(crate) fn signed_in() -> Self {
        let home = Self::empty();
        home.create(EVERYTHING);
        home.run(&["users", "add", USER, "--roles", "everything"]).ok();
        home.run(&["login", "--user", USER]).ok();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a variable for the commands of this home.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.into(), value.into());
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(postern());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("PG")) {
            command.env_remove(name);
        }
        command.args(args).envs(&self.env).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::of(self.command(args).output().expect("the command runs"))
    }

    /// Stores a document.
    pub(crate) fn create(&self, yaml: &str) -> Said {
        let file = self.write("given.yaml", yaml);
        self.run(&["create", "-f", &file.to_string_lossy()])
    }

    /// Writes a file into the home's folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("the home's folder can be written");
        path
    }

    /// Changes the resource of a database by replacing text in it.
    pub(crate) fn change_database(&self, name: &str, change: impl FnOnce(&str) -> String) {
        let yaml = self.run(&["get", &format!("db/{name}")]).ok();
        let file = self.write("changed.yaml", &change(&yaml));
        self.run(&["create", "--force", "-f", &file.to_string_lossy()]).ok();
    }

    /// Starts `proxy db` and reads its address.
    pub(crate) fn proxy(&self, args: &[&str]) -> Proxy {
        let mut command = self.command(&[&["proxy", "db", "--format", "json"], args].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the proxy starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is piped");
        let mut err = child.stderr.take().expect("its errors are piped");
        // Read all along: a proxy that logs much would wait for ever for room in the pipe.
        let err = std::thread::spawn(move || {
            let mut said = String::new();
            std::io::Read::read_to_string(&mut err, &mut said).expect("it speaks UTF-8");
            said
        });
        BufReader::new(out).read_line(&mut line).expect("it says something");
        match serde_json::from_str(&line) {
            Ok(address) => Proxy { child, address, err: Some(err) },
            Err(error) => {
                let ended = child.wait().expect("it ends");
                let said = err.join().expect("it is read");
                panic!("no address but {line:?} ({error}): {ended}: {said}");
            }
        }
    }
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Its output, if it worked.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Its output as JSON, if it worked.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// A `postern proxy db` that runs.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: serde_json::Value,
    /// What it says on stderr, until it is waited for.
    err: Option<std::thread::JoinHandle<String>>,
}

impl Proxy {
    pub(crate) fn port(&self) -> u16 {
        self.address["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port")
    }

    /// psql through this proxy.
    pub(crate) fn psql(&self, args: &[&str]) -> Command {
        let mut command = Command::new("psql");
        command.args(["-X", "-At", "-v", "ON_ERROR_STOP=1", self.address["uri"].as_str().expect("a URI")]).args(args);
        command.stdin(Stdio::null());
        command
    }

    /// Runs SQL by psql.
    pub(crate) fn sql(&self, sql: &str) -> Said {
        Said::of(self.psql(&["-c", sql]).output().expect("psql is installed"))
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> Said {
        let ended = eventually("the proxy ends", || self.child.try_wait().expect("it is ours"));
        let err = self.err.take().expect("nobody has waited yet").join().expect("it is read");
        Said { code: ended.code().unwrap_or(-1), out: String::new(), err }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a state, and says what was waited for when it does not come.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
