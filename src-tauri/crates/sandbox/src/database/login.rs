//! From a StartupMessage to the first ReadyForQuery.
//!
//! The client proves that it knows a temporary password; the session behind it is opened on the trusted socket, and
//! what PostgreSQL reports of itself is put in Redshift's words.

use std::io;
use std::sync::Arc;

use bytes::{BufMut as _, BytesMut};
use md5::{Digest as _, Md5};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::history::SessionIdentity;
use super::metadata::Metadata;
use super::relay::Established;
use super::tracker::Tracker;
use super::wire::{self, CancelKey, Cutter, Login, Piece};
use super::workgroup::{Awake, Workgroup};
use crate::ledger::{IssuedPassword, Verdict};

/// The version every Redshift reports.
const SERVER_VERSION: &str = "8.0.2";

/// Redshift takes fewer extra digits than PostgreSQL does.
const MOST_EXTRA_FLOAT_DIGITS: i32 = 2;

/// Redshift's own additions to the protocol, by number: 1 is longer row descriptions. 2 and 3 change how values look in
/// binary and how text is compared, which PostgreSQL behind us does not do.
const NEWEST_PROTOCOL_VERSION: u32 = 1;

/// What PostgreSQL reports and Redshift does not.
const UNKNOWN_TO_REDSHIFT: &[&str] = &["default_transaction_read_only", "in_hot_standby", "IntervalStyle"];

/// A refusal in the server's words.
struct Refusal {
    code: &'static str,
    message: String,
}

/// Answers a login. None when it was refused, and the client has been told why.
pub(crate) async fn log_in(
    mut client: TlsStream<TcpStream>,
    login: Login,
    workgroup: &Arc<Workgroup>,
) -> io::Result<Option<Established>> {
    match admit(&mut client, &login, workgroup).await? {
        Err(refusal) => {
            client.write_all(&wire::error_response("FATAL", refusal.code, &refusal.message)).await?;
            client.shutdown().await?;
            Ok(None)
        }
        Ok(()) => open_session(client, &login, workgroup).await,
    }
}

/// Whether this client may log in at all.
async fn admit(
    client: &mut TlsStream<TcpStream>,
    login: &Login,
    workgroup: &Workgroup,
) -> io::Result<Result<(), Refusal>> {
    if login.protocol >> 16 != 3 {
        let message = format!("unsupported frontend protocol {}.{}", login.protocol >> 16, login.protocol & 0xffff);
        return Ok(Err(Refusal { code: "0A000", message }));
    }
    let Some(user) = login.parameter("user").filter(|user| !user.is_empty()) else {
        let message = "no PostgreSQL user name specified in startup packet".to_owned();
        return Ok(Err(Refusal { code: "28000", message }));
    };
    if login.protocol != 3 << 16 {
        client.write_all(&negotiate_version()).await?;
    }
    let verdict = challenge(client, user, database_of(login), workgroup).await?;
    let refusal = match verdict {
        Verdict::Valid => return Ok(check_parameters(login)),
        Verdict::Expired => Refusal { code: "28000", message: "IAM Authentication token has expired".to_owned() },
        Verdict::Unknown => {
            Refusal { code: "28000", message: format!("password authentication failed for user \"{user}\"") }
        }
    };
    Ok(Err(refusal))
}

/// Asks for the password, MD5-hashed with a salt as Redshift does, and judges the answer.
async fn challenge(
    client: &mut TlsStream<TcpStream>,
    user: &str,
    database: &str,
    workgroup: &Workgroup,
) -> io::Result<Verdict> {
    let mut salt = [0; 4];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    let mut request = BytesMut::new();
    wire::put_message(&mut request, b'R', |body| {
        body.put_u32(5);
        body.put_slice(&salt);
    });
    client.write_all(&request).await?;
    client.flush().await?;
    let answer = read_password(client).await?;
    let issued = workgroup.passwords.of(&workgroup.spec.name, user);
    let matching = issued.iter().find(|issued| md5_response(issued, &salt).as_bytes().ct_eq(&answer).into());
    let now = workgroup.clock.now();
    Ok(match matching {
        Some(issued) if issued.is_expired(now) => Verdict::Expired,
        Some(issued) if issued.opens(database) => Verdict::Valid,
        _ => Verdict::Unknown,
    })
}

async fn read_password(client: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    let (tag, length) = (client.read_u8().await?, client.read_u32().await? as usize);
    if tag != b'p' || !(5..=1024).contains(&length) {
        return Err(wire::invalid("no password message".to_owned()));
    }
    let mut body = vec![0; length - 4];
    client.read_exact(&mut body).await?;
    body.pop();
    Ok(body)
}

/// `md5` and the hash of the salted hash of password and user name.
fn md5_response(issued: &IssuedPassword, salt: &[u8]) -> String {
    let inner = hex(&[issued.password.expose_secret().as_bytes(), issued.db_user.as_bytes()]);
    format!("md5{}", hex(&[inner.as_bytes(), salt]))
}

fn hex(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_parameters(login: &Login) -> Result<(), Refusal> {
    let digits = login.parameter("extra_float_digits").and_then(|digits| digits.trim().parse::<i32>().ok());
    match digits {
        Some(digits) if !(-15..=MOST_EXTRA_FLOAT_DIGITS).contains(&digits) => Err(Refusal {
            code: "22023",
            message: format!(
                "{digits} is outside the valid range for parameter \"extra_float_digits\" (-15 .. {MOST_EXTRA_FLOAT_DIGITS})"
            ),
        }),
        _ => Ok(()),
    }
}

/// Protocol 3.0 is what there is, whatever minor version was asked for.
fn negotiate_version() -> BytesMut {
    let mut out = BytesMut::new();
    wire::put_message(&mut out, b'v', |body| {
        body.put_u32(3 << 16);
        body.put_u32(0);
    });
    out
}

/// As in PostgreSQL, a login that names no database means the one named like the user.
fn database_of(login: &Login) -> &str {
    let user = login.parameter("user").unwrap_or_default();
    login.parameter("database").filter(|name| !name.is_empty()).unwrap_or(user)
}

async fn open_session(
    mut client: TlsStream<TcpStream>,
    login: &Login,
    workgroup: &Arc<Workgroup>,
) -> io::Result<Option<Established>> {
    if let Some(limit) = workgroup.faults.connection_limit()
        && workgroup.keys.count() >= limit
    {
        // Redshift's words (brianc/node-postgres#1155).
        let message = format!("connection limit \"{limit}\" exceeded for non-bootstrap users");
        client.write_all(&wire::error_response("FATAL", "53300", &message)).await?;
        client.shutdown().await?;
        return Ok(None);
    }
    let prepared = async {
        let awake = workgroup.wake().await?;
        let user_id = awake.user_id(login.parameter("user").unwrap_or_default()).await?;
        let server = awake.cluster.dial().await?;
        anyhow::Ok((awake, user_id, server))
    };
    let (awake, user_id, server) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), workgroup = workgroup.spec.name, "cannot wake a workgroup");
            let refusal = wire::error_response("FATAL", "57P03", "the database system is starting up");
            client.write_all(&refusal).await?;
            return Ok(None);
        }
    };
    let asked = login.parameter("client_protocol_version").and_then(|version| version.trim().parse::<u32>().ok());
    let protocol_version = asked.map(|asked| asked.min(NEWEST_PROTOCOL_VERSION));
    Greeting { login, workgroup, awake, user_id, protocol_version }.exchange(client, server).await
}

/// The part of a login in which the real server speaks.
struct Greeting<'a> {
    login: &'a Login,
    workgroup: &'a Arc<Workgroup>,
    awake: Arc<Awake>,
    user_id: u32,
    /// Which of Redshift's additions both sides know; None when the client is no driver of Redshift's.
    protocol_version: Option<u32>,
}

impl Greeting<'_> {
    async fn exchange(
        self,
        mut client: TlsStream<TcpStream>,
        mut server: UnixStream,
    ) -> io::Result<Option<Established>> {
        let known =
            self.login.parameters.iter().filter(|(name, _)| self.awake.parameters.contains(&name.to_ascii_lowercase()));
        let known = known.map(|(name, value)| (name.as_str(), value.as_str()));
        server.write_all(&wire::startup_message(known)).await?;
        let (mut cutter, mut input, mut output) = (Cutter::default(), BytesMut::new(), BytesMut::new());
        let mut key = None;
        loop {
            while let Some((piece, length)) = cutter.next(&input)? {
                let mut ready = false;
                match piece {
                    Piece::Message { tag: b'S', body, .. } => self.report(body, &mut output),
                    Piece::Message { tag: b'K', body, .. } => key = self.issue_key(body, &mut output),
                    Piece::Message { tag, bytes, .. } => {
                        output.put_slice(bytes);
                        ready = tag == b'Z';
                    }
                    Piece::More(bytes) => output.put_slice(bytes),
                }
                let _ = input.split_to(length);
                if ready {
                    return self.established(client, server, output, input, key).await.map(Some);
                }
            }
            if server.read_buf(&mut input).await? == 0 {
                // PostgreSQL has refused the login, and said why in what we pass on.
                client.write_all(&output).await?;
                client.shutdown().await?;
                return Ok(None);
            }
        }
    }

    /// ParameterStatus as Redshift would send it.
    fn report(&self, mut body: &[u8], output: &mut BytesMut) {
        let name = wire::take_text(&mut body).unwrap_or_default();
        let value = wire::take_text(&mut body).unwrap_or_default();
        match name.as_str() {
            "server_version" => {
                wire::put_parameter_status(output, &name, SERVER_VERSION);
                if let Some(version) = self.protocol_version {
                    wire::put_parameter_status(output, "server_protocol_version", &version.to_string());
                    wire::put_parameter_status(output, "driver_token", &uuid::Uuid::new_v4().to_string());
                }
            }
            "client_encoding" if self.login.parameter("client_encoding").is_none() => {
                wire::put_parameter_status(output, &name, "UNICODE");
            }
            name if UNKNOWN_TO_REDSHIFT.contains(&name) => {}
            name => wire::put_parameter_status(output, name, &value),
        }
    }

    fn issue_key(&self, body: &[u8], output: &mut BytesMut) -> Option<CancelKey> {
        let (pid, secret) = (body.get(..4)?.try_into().ok()?, body.get(4..8)?.try_into().ok()?);
        let real = CancelKey { pid: i32::from_be_bytes(pid), secret: i32::from_be_bytes(secret) };
        let key = self.workgroup.keys.issue(real);
        wire::put_message(output, b'K', |body| {
            body.put_i32(key.pid);
            body.put_i32(key.secret);
        });
        Some(key)
    }

    async fn established(
        self,
        client: TlsStream<TcpStream>,
        server: UnixStream,
        greeting: BytesMut,
        unread: BytesMut,
        key: Option<CancelKey>,
    ) -> io::Result<Established> {
        let key = key.ok_or_else(|| wire::invalid("PostgreSQL sent no cancel key".to_owned()))?;
        let database = database_of(self.login).to_owned();
        if let Err(error) = self.workgroup.history.attach(&self.awake.cluster, &database).await {
            self.workgroup.keys.revoke(key.pid);
            return Err(io::Error::other(error));
        }
        let user = self.login.parameter("user").unwrap_or_default().to_owned();
        let metadata = match self.protocol_version {
            Some(1..) => Some(Metadata::new(self.awake.clone(), database.clone())),
            _ => None,
        };
        let startup = self.login.parameters.clone();
        let who = SessionIdentity { session_id: key.pid, user_id: self.user_id, username: user, database, startup };
        Ok(Established {
            client,
            server,
            greeting,
            unread,
            session_id: key.pid,
            tracker: Tracker::new(self.workgroup.history.clone(), self.workgroup.admission.clone(), who),
            metadata,
            awake: self.awake,
        })
    }
}
