//! The ways to the server: straight, through each peer, through Postern, and through a relay that does nothing.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    process::{Background, capture},
    sandbox::Sandbox,
    workspace::root,
};

use super::cluster::{Account, Cluster, DATABASE, PASSWORD, USER, client, free_port};

/// One way to the server.
pub(super) struct Way {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// Where clients connect.
    pub(super) port: u16,
    /// What clients ask for: TLS only where the way carries it through.
    pub(super) sslmode: &'static str,
    /// What stands in the way; nothing when it is straight.
    process: Option<Background>,
}

impl Way {
    fn through(name: &'static str, port: u16, sslmode: &'static str, command: &mut Command) -> Result<Self> {
        let process = Background::start(command.stdin(Stdio::null()).stdout(Stdio::null()))?;
        let way = Self { name, port, sslmode, process: Some(process) };
        way.wait()?;
        Ok(way)
    }

    /// A client program that goes this way.
    pub(super) fn client(&self, program: &str) -> Command {
        client(program, self.port, self.sslmode)
    }

    /// The process in the way.
    pub(super) fn pid(&mut self) -> Option<u32> {
        self.process.as_mut().map(|process| process.child().id())
    }

    fn wait(&self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let output = capture(self.client("psql").args(["-c", "select 1", DATABASE]))?;
            if output.status.success() {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(Instant::now() < until, "{} is not to be reached: {said}", self.name);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Straight to the server, over TLS.
pub(super) fn direct(cluster: &Cluster) -> Way {
    Way { name: "direct", port: cluster.port, sslmode: "require", process: None }
}

/// PgBouncer, a session of its own for each client, verify-full to the server as Postern does.
pub(super) fn pgbouncer(cluster: &Cluster, folder: &Path) -> Result<Way> {
    let port = free_port()?;
    let (settings, users) = (folder.join("pgbouncer.ini"), folder.join("pgbouncer.users"));
    let Cluster { port: server, ca, .. } = cluster;
    fs::write(&users, format!("\"{USER}\" \"{PASSWORD}\"\n"))?;
    fs::write(
        &settings,
        format!(
            "[databases]\n{DATABASE} = host=localhost port={server} user={USER} password={PASSWORD}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = session\nmax_client_conn = 2000\ndefault_pool_size = 500\nserver_tls_sslmode = verify-full\n\
             server_tls_ca_file = {}\nlog_connections = 0\nlog_disconnections = 0\n",
            users.display(),
            ca.display(),
        ),
    )?;
    let account = Account::to_run_as()?;
    account.give(&users, 0o600)?;
    account.give(&settings, 0o600)?;
    let mut command = Command::new("pgbouncer");
    command.arg("--quiet").arg(&settings).stderr(Stdio::null());
    Way::through("pgbouncer", port, "disable", account.apply(&mut command))
}

/// stunnel, which asks a PostgreSQL for TLS as libpq does.
pub(super) fn stunnel(cluster: &Cluster, folder: &Path) -> Result<Way> {
    let port = free_port()?;
    let settings = folder.join("stunnel.conf");
    let Cluster { port: server, ca, .. } = cluster;
    fs::write(
        &settings,
        format!(
            "foreground = yes\npid =\ndebug = 3\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n[postgres]\n\
             client = yes\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{server}\nprotocol = pgsql\nCAfile = {}\n\
             verifyChain = yes\ncheckHost = localhost\n",
            ca.display(),
        ),
    )?;
    Way::through("stunnel", port, "disable", Command::new("stunnel4").arg(&settings).stderr(Stdio::null()))
}

/// The command as people install it, with its audit on: signed in, roles read, password looked up.
pub(super) fn postern(cluster: &Cluster, sandbox: &Sandbox, folder: &Path) -> Result<Way> {
    let port = free_port()?;
    let program = root().join("target/release/postern");
    let env = sign_in(&program, cluster, sandbox, folder)?;
    let port_text = port.to_string();
    let words = ["proxy", "db", "bench", "--db-user", USER, "--db-name", DATABASE, "--port", &port_text];
    Way::through("postern", port, "disable", Command::new(program).envs(env).args(words).stderr(Stdio::null()))
}

/// Has somebody sign in, by the command, who may use the server as the database `bench`; gives the environment in which
/// that counts.
pub(super) fn sign_in(
    program: &Path,
    cluster: &Cluster,
    sandbox: &Sandbox,
    folder: &Path,
) -> Result<BTreeMap<String, String>> {
    let (resources, passwords) = (folder.join("bench.yaml"), folder.join("pgpass"));
    fs::write(&resources, resources_text(cluster)?)?;
    fs::write(&passwords, format!("localhost:{}:*:{USER}:{PASSWORD}\n", cluster.port))?;
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o600))?;
    let mut env = sandbox.env.clone();
    env.insert("PGPASSFILE".to_owned(), passwords.display().to_string());
    for words in [vec!["create", "-f", "bench.yaml"], vec!["login", "--user", "bencher"]] {
        let output = capture(Command::new(program).envs(&env).args(&words).current_dir(folder))?;
        ensure!(output.status.success(), "postern {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(env)
}

/// A relay that does nothing else. TLS goes through it untouched.
pub(super) fn bare(cluster: &Cluster) -> Result<Way> {
    let port = free_port()?;
    let own = std::env::current_exe().context("where this program is")?;
    let words = ["bare-relay".to_owned(), port.to_string(), cluster.port.to_string()];
    Way::through("bare", port, "require", Command::new(own).args(words))
}

fn resources_text(cluster: &Cluster) -> Result<String> {
    let ca = fs::read_to_string(&cluster.ca)?;
    let ca: String = ca.lines().map(|line| format!("      {line}\n")).collect();
    Ok(format!(
        "kind: db\nversion: v3\nmetadata:\n  name: bench\n  labels: {{env: bench}}\nspec:\n  protocol: postgres\n  \
         uri: localhost:{}\n  tls:\n    mode: verify-full\n    ca_cert: |\n{ca}---\nkind: role\nversion: v7\nmetadata: \
         {{name: bench}}\nspec:\n  allow:\n    db_labels: {{env: bench}}\n    db_names: [{DATABASE}]\n    db_users: \
         [{USER}]\n---\nkind: user\nversion: v2\nmetadata: {{name: bencher}}\nspec: {{roles: [bench]}}\n",
        cluster.port
    ))
}
