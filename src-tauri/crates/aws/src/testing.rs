//! A pretend AWS on loopback for this crate's tests: it notes every request and answers as told, at the moment it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::{AwsFiles, AwsSource, Clock, SystemClock};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `AssumeRole`, `GetCredentials`…
    pub(crate) action: String,
    /// Form or JSON.
    pub(crate) body: String,
    /// Access key that signed it.
    pub(crate) key: String,
}

/// What to answer.
pub(crate) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, body: body.into() }
    }

    /// An error of the Query API.
    pub(crate) fn sts_error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        );
        Self { status, body }
    }

    /// An error of the JSON APIs.
    pub(crate) fn json_error(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: format!(r#"{{"__type":"{code}","message":"{message}"}}"#) }
    }
}

/// `AssumeRole`'s answer, for the role named in the request.
pub(crate) fn assumed(seen: &Seen, key: &str, expires_at: SystemTime) -> Answer {
    let role = seen.body.split("role%2F").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
    let expiration = DateTime::from(expires_at).fmt(Format::DateTime).expect("the time is within range");
    Answer::ok(format!(
        "<AssumeRoleResponse><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/{role}/alice</Arn><AssumedRoleId>AROA:alice</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ))
}

/// `GetCredentials`' answer.
pub(crate) fn database_login(password: &str, expires_at: SystemTime) -> Answer {
    let seconds = DateTime::from(expires_at).secs();
    Answer::ok(format!(
        r#"{{"dbUser":"IAMR:reader","dbPassword":"{password}","expiration":{seconds},"nextRefreshTime":1}}"#
    ))
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

struct State {
    seen: Mutex<Vec<Seen>>,
    script: Mutex<Arc<Script>>,
    /// Answers that may still be given; closed means all.
    gate: Semaphore,
}

/// The pretend AWS. It stops when dropped.
pub(crate) struct PretendAws {
    state: Arc<State>,
    address: SocketAddr,
    files: TempDir,
    listening: JoinHandle<()>,
}

impl PretendAws {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State {
            seen: Mutex::default(),
            script: Mutex::new(Arc::new(script)),
            gate: Semaphore::new(1 << 20),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { state, address, files: tempfile::tempdir().expect("a temporary directory"), listening }
    }

    /// A profile `test` that leads here.
    pub(crate) fn source(&self) -> AwsSource {
        let files =
            AwsFiles { config: self.files.path().join("config"), credentials: self.files.path().join("credentials") };
        let url = format!("http://{}", self.address);
        let config = format!("[profile test]\nregion = eu-west-1\nendpoint_url = {url}\n");
        std::fs::write(&files.config, config).expect("a temporary file");
        std::fs::write(&files.credentials, "[test]\naws_access_key_id = BASE\naws_secret_access_key = s\n")
            .expect("a temporary file");
        AwsSource {
            profile: Some("test".to_owned()),
            region: "eu-west-1".to_owned(),
            session_name: "alice".to_owned(),
            files: Some(files),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers otherwise from now on.
    pub(crate) fn answer(&self, script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) {
        *self.state.script.lock().expect("no test panics while it holds this") = Arc::new(script);
    }

    /// Holds answers back until [`PretendAws::release`].
    pub(crate) fn hold(&self) {
        self.state.gate.forget_permits(usize::MAX);
    }

    pub(crate) fn release(&self) {
        self.state.gate.add_permits(1 << 20);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no test panics while it holds this").clone()
    }

    /// Actions asked for, in order.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.action).collect()
    }

    /// Stops listening, and returns when the port refuses.
    pub(crate) async fn stop(&self) {
        self.listening.abort();
        let wait = async {
            while tokio::net::TcpStream::connect(self.address).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the port closes");
    }

    /// Waits until `count` requests have arrived.
    pub(crate) async fn arrived(&self, count: usize) {
        let wait = async {
            while self.seen().len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the requests arrive");
    }
}

impl Drop for PretendAws {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| serve(Arc::clone(&state), request));
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn serve(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (target, signed) = (header("x-amz-target"), header(AUTHORIZATION.as_str()));
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let named = |text: &str, after: &str, until: char| {
        text.split(after).nth(1).and_then(|rest| rest.split(until).next()).map(str::to_owned)
    };
    let action = named(&target, ".", ' ').or_else(|| named(&body, "Action=", '&')).unwrap_or_default();
    let seen = Seen { action, body, key: named(&signed, "Credential=", '/').unwrap_or_default() };
    state.seen.lock().expect("no test panics while it holds this").push(seen.clone());
    state.gate.acquire().await.expect("the gate is never closed").forget();
    let script = Arc::clone(&state.script.lock().expect("no test panics while it holds this"));
    let answer = script(&seen);
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("tests use real status codes");
    response.headers_mut().insert("x-amzn-requestid", HeaderValue::from_static("r-1"));
    Ok(response)
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct StoppedClock(Mutex<SystemTime>);

impl StoppedClock {
    /// Stopped at this second, because the SDK reads the machine's clock when it signs.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(SystemClock.now())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().expect("no test panics while it holds this") += by;
    }

    pub(crate) fn in_future(&self, seconds: u64) -> SystemTime {
        self.now() + Duration::from_secs(seconds)
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("no test panics while it holds this")
    }
}
