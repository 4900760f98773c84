//! One sandbox for a whole test binary, and psql against it.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, BytesMut};
use md5::{Digest as _, Md5};
use postern_sandbox::ledger::PasswordLedger;
use postern_sandbox::{Sandbox, SandboxOptions};
use secrecy::ExposeSecret as _;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// How long a test waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sandbox that all tests share. It is never stopped: its watchdog ends it with the test process.
pub(crate) struct Shared {
    sandbox: Sandbox,
}

pub(crate) fn sandbox() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-{}", std::process::id()));
        Shared { sandbox: block_on(start(&dir)) }
    })
}

impl Shared {
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub(crate) fn issue(&self, workgroup: &str, role: &str, expires_at: OffsetDateTime) -> String {
        issue(self.sandbox.ledger(), workgroup, role, expires_at)
    }
}

/// A small sandbox in `dir`.
pub(crate) async fn start(dir: &Path) -> Sandbox {
    Sandbox::start(SandboxOptions::new(dir).orders(1000)).await.unwrap()
}

/// Runs on a runtime that outlives every test, since servers started by one serve all.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap()).block_on(future)
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn issue(ledger: &PasswordLedger, workgroup: &str, role: &str, expires_at: OffsetDateTime) -> String {
    ledger.issue(workgroup, &format!("IAMR:{role}"), None, expires_at).expose_secret().to_owned()
}

fn in_a_quarter_of_an_hour() -> OffsetDateTime {
    OffsetDateTime::now_utc() + time::Duration::minutes(15)
}

/// psql as one user of one workgroup.
#[derive(Clone, Debug)]
pub(crate) struct Psql {
    pub(crate) host: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) options: Vec<String>,
    port: u16,
    database: String,
    ca_file: PathBuf,
}

/// What psql printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Psql {
    pub(crate) fn on(workgroup: &str, role: &str) -> Self {
        Self::with(&sandbox().sandbox, workgroup, role)
    }

    pub(crate) fn with(sandbox: &Sandbox, workgroup: &str, role: &str) -> Self {
        let database = sandbox.description().database(workgroup).unwrap();
        Self {
            host: host_of(workgroup),
            user: format!("IAMR:{role}"),
            password: issue(sandbox.ledger(), workgroup, role, in_a_quarter_of_an_hour()),
            options: Vec::new(),
            port: database.port,
            database: "dev".to_owned(),
            ca_file: sandbox.description().ca_file.clone(),
        }
    }

    pub(crate) fn in_database(mut self, database: &str) -> Self {
        database.clone_into(&mut self.database);
        self
    }

    /// What it prints, or what it complains of.
    pub(crate) fn run(&self, sql: &str) -> Result<Printed, String> {
        let output = self.command(sql).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let printed = Printed { stdout: text(&output.stdout), stderr: text(&output.stderr) };
        if output.status.success() { Ok(printed) } else { Err(printed.stderr) }
    }

    pub(crate) fn value(&self, sql: &str) -> String {
        self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).stdout
    }

    pub(crate) fn error(&self, sql: &str) -> String {
        match self.run(sql) {
            Ok(printed) => panic!("{sql}: {printed:?}"),
            Err(error) => error,
        }
    }

    /// Starts it and lets it run.
    pub(crate) fn spawn(&self, sql: &str) -> Child {
        self.command(sql).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn command(&self, sql: &str) -> Command {
        let mut conninfo = format!(
            "host={} hostaddr=127.0.0.1 port={} user='{}' dbname={} sslmode=verify-full sslrootcert='{}'",
            self.host,
            self.port,
            self.user,
            self.database,
            self.ca_file.display()
        );
        for option in &self.options {
            conninfo.push(' ');
            conninfo.push_str(option);
        }
        let mut command = Command::new("psql");
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, &conninfo]);
        command.env("PGPASSWORD", &self.password).env_remove("PGCLIENTENCODING").stdin(Stdio::null());
        command
    }
}

fn host_of(workgroup: &str) -> String {
    let world = postern_sandbox::world::World::standard();
    world.workgroup(workgroup).unwrap().host_name()
}

/// A login spelled out, with whatever parameters; what the server reported, or SQLSTATE and message of its refusal.
pub(crate) async fn raw_login(
    workgroup: &str,
    role: &str,
    extra: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, (String, String)> {
    Wire::log_in(workgroup, role, extra).await.map(|(_, reported)| reported)
}

/// Rows of a statement, asked for `portion` at a time within a transaction.
pub(crate) async fn fetch_in_portions(workgroup: &str, role: &str, statement: &str, portion: i32) -> usize {
    let (mut wire, _) = Wire::log_in(workgroup, role, &[]).await.unwrap();
    wire.send(b'P', &[b"s\0", statement.as_bytes(), b"\0\0\0"].concat()).await;
    wire.send(b'B', b"p\0s\0\0\0\0\0\0\0").await;
    let mut rows = 0;
    loop {
        wire.send(b'E', &[b"p\0", &portion.to_be_bytes()[..]].concat()).await;
        wire.send(b'H', b"").await;
        loop {
            match wire.receive().await.0 {
                b'D' => rows += 1,
                b's' => break,
                b'C' => {
                    wire.send(b'S', b"").await;
                    while wire.receive().await.0 != b'Z' {}
                    return rows;
                }
                b'E' => panic!("the statement failed"),
                _ => {}
            }
        }
    }
}

/// A session without a driver.
pub(crate) struct Wire(tokio_rustls::client::TlsStream<TcpStream>);

impl Wire {
    pub(crate) async fn log_in(
        workgroup: &str,
        role: &str,
        extra: &[(&str, &str)],
    ) -> Result<(Self, BTreeMap<String, String>), (String, String)> {
        let psql = Psql::on(workgroup, role);
        let mut wire = Self::connect(&psql).await;
        let mut body = BytesMut::new();
        body.put_u32(3 << 16);
        for (name, value) in [("user", psql.user.as_str()), ("database", "dev")].iter().chain(extra) {
            for text in [name, value] {
                body.put_slice(text.as_bytes());
                body.put_u8(0);
            }
        }
        body.put_u8(0);
        wire.0.write_u32(u32::try_from(body.len() + 4).unwrap()).await.unwrap();
        wire.0.write_all(&body).await.unwrap();
        let mut reported = BTreeMap::new();
        loop {
            let (tag, body) = wire.receive().await;
            let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
            match tag {
                b'R' if body[..4] == [0, 0, 0, 5] => {
                    let answer = md5_answer(&psql, &body[4..8]);
                    wire.send(b'p', format!("{answer}\0").as_bytes()).await;
                }
                b'S' => drop(reported.insert(texts.next().unwrap(), texts.next().unwrap())),
                b'Z' => return Ok((wire, reported)),
                b'E' => {
                    let fields: Vec<String> = texts.collect();
                    let field = |letter| fields.iter().find_map(|field| field.strip_prefix(letter)).unwrap().to_owned();
                    return Err((field('C'), field('M')));
                }
                _ => {}
            }
        }
    }

    /// The body of the RowDescription that a simple query is answered with.
    pub(crate) async fn description(&mut self, sql: &str) -> Vec<u8> {
        self.send(b'Q', format!("{sql}\0").as_bytes()).await;
        let mut description = Vec::new();
        loop {
            match self.receive().await {
                (b'T', body) => description = body,
                (b'E', body) => panic!("{}", String::from_utf8_lossy(&body)),
                (b'Z', _) => return description,
                _ => {}
            }
        }
    }

    /// How the server ends it: in order, or not.
    pub(crate) async fn end(&mut self) -> std::io::Result<usize> {
        self.0.read(&mut [0; 64]).await
    }

    async fn connect(psql: &Psql) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_file(&psql.ca_file).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let mut stream = TcpStream::connect(("127.0.0.1", psql.port)).await.unwrap();
        stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S');
        let name = rustls::pki_types::ServerName::try_from(psql.host.clone()).unwrap();
        Self(tokio_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await.unwrap())
    }

    pub(crate) async fn send(&mut self, tag: u8, body: &[u8]) {
        self.0.write_u8(tag).await.unwrap();
        self.0.write_u32(u32::try_from(body.len() + 4).unwrap()).await.unwrap();
        self.0.write_all(body).await.unwrap();
        self.0.flush().await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> (u8, Vec<u8>) {
        let (tag, length) = (self.0.read_u8().await.unwrap(), self.0.read_u32().await.unwrap() as usize);
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body).await.unwrap();
        (tag, body)
    }
}

fn md5_answer(psql: &Psql, salt: &[u8]) -> String {
    let hex = |parts: &[&[u8]]| {
        let mut hash = Md5::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let inner = hex(&[psql.password.as_bytes(), psql.user.as_bytes()]);
    format!("md5{}", hex(&[inner.as_bytes(), salt]))
}

/// Database user and password, from AWS, as the world's base user would get them.
pub(crate) async fn get_credentials(sandbox: &Sandbox, workgroup: &str, role: &str) -> (String, String) {
    use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
    let description = sandbox.description();
    let key = Credentials::new(
        &description.env["AWS_ACCESS_KEY_ID"],
        &description.env["AWS_SECRET_ACCESS_KEY"],
        None,
        None,
        "test",
    );
    let sts = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(description.env["AWS_REGION"].clone()))
        .endpoint_url(&description.env["AWS_ENDPOINT_URL_STS"])
        .credentials_provider(key);
    let role_arn = format!("arn:aws:iam::111111111111:role/{role}");
    let assumed = aws_sdk_sts::Client::from_conf(sts.build())
        .assume_role()
        .role_arn(role_arn)
        .role_session_name("jiwoo")
        .send()
        .await
        .unwrap();
    let assumed = assumed.credentials().unwrap();
    let session = Credentials::new(
        assumed.access_key_id(),
        assumed.secret_access_key(),
        Some(assumed.session_token().to_owned()),
        None,
        "test",
    );
    let redshift = aws_sdk_redshiftserverless::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(description.env["AWS_REGION"].clone()))
        .endpoint_url(&description.env["AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"])
        .credentials_provider(session);
    let client = aws_sdk_redshiftserverless::Client::from_conf(redshift.build());
    let issued = client.get_credentials().workgroup_name(workgroup).db_name("dev").send().await.unwrap();
    (issued.db_user().unwrap().to_owned(), issued.db_password().unwrap().to_owned())
}

/// `postern-sandbox` as a program of its own.
pub(crate) struct Program {
    pub(crate) dir: PathBuf,
    process: Child,
    description: postern_sandbox::Description,
}

impl Program {
    pub(crate) fn start() -> Self {
        use std::io::BufRead as _;
        use std::sync::atomic::{AtomicU32, Ordering};
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("program-{}-{number}", std::process::id()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern-sandbox"));
        command.arg("--dir").arg(&dir).args(["--orders", "500"]).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { dir, process, description: serde_json::from_str(&line).unwrap() }
    }

    /// The folder of its first workgroup's PostgreSQL, which is woken for the question.
    pub(crate) fn place(&self) -> PathBuf {
        let admin = &self.description.admin;
        let url = format!("postgres://{}:{}@{}:{}/dev", admin.user, admin.password, admin.host, admin.port);
        let asked = Command::new("psql").args(["-Atqc", "show unix_socket_directories", &url]).output().unwrap();
        let place = PathBuf::from(String::from_utf8(asked.stdout).unwrap().trim());
        assert!(place.is_absolute(), "{}", String::from_utf8_lossy(&asked.stderr));
        place
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        until(|| self.process.try_wait().unwrap())
    }
}
