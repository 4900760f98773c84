//! A throw-away PostgreSQL with TLS, which all ways lead to.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{Background, capture, run_command};

/// The one login of the benchmark.
pub(super) const USER: &str = "bench";
/// Its database.
pub(super) const DATABASE: &str = "bench";
/// Its password. The server lives for minutes, on loopback only.
pub(super) const PASSWORD: &str = "bench-only";

/// pgbench's scale: 100,000 accounts each.
const SCALE: u32 = 20;

/// A running server.
pub(super) struct Cluster {
    _server: Background,
    /// Its port on loopback; its certificate is for `localhost`.
    pub(super) port: u16,
    /// The authority that signed its certificate.
    pub(super) ca: PathBuf,
}

impl Cluster {
    /// Makes one in a folder, starts it and fills it.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let bin = server_programs()?;
        let account = Account::to_run_as()?;
        let (data, ca) = (folder.join("pg"), folder.join("ca.pem"));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        certificates(folder)?;
        fs::create_dir(&data)?;
        account.give(&data, 0o700)?;
        account.give(&folder.join("server.key"), 0o600)?;
        account.run(
            Command::new(bin.join("initdb")).args(["--no-sync", "--auth", "trust", "-U", USER, "-D"]).arg(&data),
        )?;
        let port = free_port()?;
        configure(&data, folder, port)?;
        let log = fs::File::create(folder.join("pg.log"))?;
        let server = Background::start(
            account.apply(Command::new(bin.join("postgres")).arg("-D").arg(&data)).stdout(Stdio::null()).stderr(log),
        )?;
        let cluster = Self { _server: server, port, ca };
        cluster.wait()?;
        cluster.fill()?;
        Ok(cluster)
    }

    /// A client program that reaches the server itself, over TLS.
    pub(super) fn client(&self, program: &str) -> Command {
        client(program, self.port, "require")
    }

    fn wait(&self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while !capture(self.client("psql").args(["-c", "select 1", "postgres"]))?.status.success() {
            ensure!(Instant::now() < until, "the benchmark's PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn fill(&self) -> Result<()> {
        for sql in [
            format!("alter user {USER} password '{PASSWORD}'"),
            format!("create database {DATABASE}"),
            "select pg_reload_conf()".to_owned(),
        ] {
            run_command(self.client("psql").args(["-q", "-o", "/dev/null", "-c", &sql, "postgres"]))?;
        }
        run_command(self.client("pgbench").args(["-i", "-q", "-s", &SCALE.to_string(), DATABASE]).stderr(Stdio::null()))
    }
}

/// A client program with a port of this machine.
pub(super) fn client(program: &str, port: u16, sslmode: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "localhost", "-p", &port.to_string(), "-U", USER]);
    command.env("PGPASSWORD", PASSWORD).env("PGSSLMODE", sslmode).env("PGGSSENCMODE", "disable");
    command
}

/// A port that nobody has at this moment.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Durability is off: the disk is not what is measured. MD5, because stunnel cannot carry SCRAM's channel binding.
fn configure(data: &Path, folder: &Path, port: u16) -> Result<()> {
    let file = |name: &str| folder.join(name).display().to_string();
    let settings = format!(
        "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nssl = on\n\
         ssl_cert_file = '{}'\nssl_key_file = '{}'\nfsync = off\nshared_buffers = 512MB\nmax_connections = 600\n\
         password_encryption = md5\n",
        file("server.pem"),
        file("server.key"),
    );
    let path = data.join("postgresql.conf");
    let before = fs::read_to_string(&path)?;
    fs::write(&path, before + &settings)?;
    fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n")?;
    Ok(())
}

/// From now on a password is asked for.
pub(super) fn ask_for_passwords(cluster: &Cluster, folder: &Path) -> Result<()> {
    fs::write(folder.join("pg/pg_hba.conf"), "hostssl all all 127.0.0.1/32 md5\n")?;
    run_command(cluster.client("psql").args(["-q", "-o", "/dev/null", "-c", "select pg_reload_conf()", DATABASE]))
}

/// An authority, and a certificate for `localhost` signed by it.
fn certificates(folder: &Path) -> Result<()> {
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority = ["-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Postern benchmark"];
    let request = ["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ];
    for arguments in [[&["req"], &key[..], &authority].concat(), [&["req"], &key[..], &request].concat(), sign.to_vec()]
    {
        let output = capture(Command::new("openssl").args(&arguments).current_dir(folder))?;
        ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Where Debian keeps the server's own programs.
fn server_programs() -> Result<PathBuf> {
    let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .context("no PostgreSQL server here; `cargo xtask setup` installs it")?
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("postgres").is_file())
        .collect();
    found.sort();
    found.pop().context("no PostgreSQL server here; `cargo xtask setup` installs it")
}

/// Whom the servers run as: ourselves, but never root, which PostgreSQL and PgBouncer refuse.
#[derive(Clone, Copy)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    pub(super) fn to_run_as() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let id = |option| -> Result<u32> {
            let output = capture(Command::new("id").args([option, "postgres"]))?;
            if !output.status.success() {
                bail!("there is no user postgres to run the server as");
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
        };
        Ok(Self(Some((id("-u")?, id("-g")?))))
    }

    pub(super) fn give(self, path: &Path, mode: u32) -> Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        if let Self(Some((uid, gid))) = self {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    pub(super) fn apply(self, command: &mut Command) -> &mut Command {
        if let Self(Some((uid, gid))) = self {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/")
    }

    fn run(self, command: &mut Command) -> Result<()> {
        run_command(self.apply(command).stdout(Stdio::null()))
    }
}
