//! Who comes in by a password, who does not, and how long the latter wait to hear it.

use std::time::{Duration, Instant};

use postern_proxy::{
    Admission, ListenError, ListenOptions, Listening, LoginDelay, PasswordAdmission, PasswordMethod, ProxyOptions,
    SessionState,
};
use postern_wire::ErrorResponse;
use postern_wire::startup::{StartupMessage, StartupPacket};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, PATIENCE};
use crate::server::Script;
use crate::world::{ME, World, options};

const METHODS: [PasswordMethod; 3] = [PasswordMethod::ScramSha256, PasswordMethod::Md5, PasswordMethod::Cleartext];

/// A proxy that asks for a password.
pub(crate) struct Guarded {
    pub(crate) world: World,
    pub(crate) listening: Listening,
    pub(crate) password: String,
}

impl Guarded {
    async fn new(method: PasswordMethod) -> Self {
        Self::with(method, LoginDelay { first: Duration::ZERO, longest: Duration::ZERO }).await
    }

    pub(crate) async fn with(method: PasswordMethod, login_delay: LoginDelay) -> Self {
        let world = World::with(Script::default(), ProxyOptions { login_delay, ..options() }, |_| {}).await;
        let admission = PasswordAdmission::random(method).unwrap();
        let password = admission.password().expose_secret().to_owned();
        let listen = ListenOptions { admission: Admission::Password(admission), ..ListenOptions::default() };
        let listening = world.proxy.listen(listen).await.unwrap();
        Self { world, listening, password }
    }

    pub(crate) async fn log_in(&self, user: &str, password: &str) -> Result<Client, ErrorResponse> {
        let message = StartupMessage::new([("user", user), ("database", "dev")]);
        self.knock(password).await.start(message).await
    }

    async fn knock(&self, password: &str) -> Client {
        Client::new(self.world.tcp(&self.listening).await).with_password(password)
    }
}

fn refused(result: Result<Client, ErrorResponse>) -> ErrorResponse {
    match result {
        Ok(_) => panic!("it was let in"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn whoever_knows_the_password_comes_in_by_each_method() {
    for method in METHODS {
        let guarded = Guarded::new(method).await;
        let mut client = guarded.log_in("analyst", &guarded.password).await.unwrap();
        assert_eq!(client.ask("select 1").await.len(), 4);
        client.goodbye().await;
        guarded.world.audit.line(&["SessionStarted"]).await;
        let lines = guarded.world.audit.lines().join("\n");
        assert!(!lines.contains(&guarded.password), "the password is in the audit");
    }
}

#[tokio::test]
async fn whoever_does_not_is_refused_in_words_and_audited() {
    for method in METHODS {
        let guarded = Guarded::new(method).await;
        let error = refused(guarded.log_in("analyst", "wrong").await);
        assert_eq!(error.sqlstate(), "28P01", "{method:?}");
        assert_eq!(error.message(), "password authentication failed for user \"analyst\"");
        assert!(error.field(b'H').unwrap().contains("Postern"));
        guarded.world.audit.line(&["analyst@dev", "SessionRefused", "28P01"]).await;
        assert!(guarded.world.upstream.asked.lock().unwrap().is_empty(), "nothing was dialled");
        // An empty password is as wrong as any other.
        assert_eq!(refused(guarded.log_in("analyst", "").await).sqlstate(), "28P01");
    }
}

#[tokio::test]
async fn a_user_that_may_not_enter_is_told_so_only_with_the_right_password() {
    let guarded = Guarded::new(PasswordMethod::ScramSha256).await;
    let (allowed, denied) =
        (refused(guarded.log_in("analyst", "wrong").await), refused(guarded.log_in("denied", "wrong").await));
    assert_eq!(denied.message().replace("denied", "analyst"), allowed.message());
    assert_eq!((denied.sqlstate(), denied.field(b'D')), (allowed.sqlstate(), allowed.field(b'D')));
    let told = refused(guarded.log_in("denied", &guarded.password).await);
    assert_eq!(told.sqlstate(), "28000");
    assert_eq!(told.field(b'D'), Some("no role allows db_users: denied"));
}

#[tokio::test]
async fn answers_to_wrong_passwords_come_later_each_time_and_right_ones_at_once() {
    let first = Duration::from_millis(60);
    let delay = LoginDelay { first, longest: first * 4 };
    let guarded = Guarded::with(PasswordMethod::ScramSha256, delay).await;
    for factor in [1, 2, 4, 4] {
        let before = Instant::now();
        refused(guarded.log_in("analyst", "wrong").await);
        assert!(before.elapsed() >= first * factor, "failure with factor {factor}: {:?}", before.elapsed());
        // It is in the audit before the client hears of it, so it is now.
        assert!(guarded.world.audit.lines().iter().any(|line| line.contains("28P01")));
    }
    guarded.log_in("analyst", &guarded.password).await.unwrap().goodbye().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_owner_comes_in_at_once_while_somebody_tries_passwords() {
    let long = Duration::from_secs(3600);
    let guarded = Guarded::with(PasswordMethod::Md5, LoginDelay { first: long, longest: long }).await;
    let mut guesses = Vec::new();
    for _ in 0..40 {
        let mut guess = guarded.knock("wrong").await;
        let message = StartupMessage::new(ME.iter().copied());
        guess.send(|out| StartupPacket::Startup(message).encode(out)).await;
        assert_eq!(guess.receive().await.unwrap().tag, b'R');
        guess.send(|out| postern_wire::frontend::Password::new("wrong").encode(out)).await;
        guesses.push(guess);
    }
    let right = tokio::time::timeout(PATIENCE, guarded.log_in("analyst", &guarded.password)).await;
    right.expect("the owner waits for strangers").unwrap().goodbye().await;
    // A shutdown waits for none of them either.
    let shutdown = tokio::time::timeout(PATIENCE, guarded.world.proxy.shutdown(Duration::from_secs(1))).await;
    assert!(shutdown.unwrap().cut.is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_when_asked_has_not_failed() {
    let guarded = Guarded::new(PasswordMethod::ScramSha256).await;
    let mut client = guarded.knock("").await;
    let message = StartupMessage::new(ME.iter().copied());
    client.send(|out| StartupPacket::Startup(message).encode(out)).await;
    assert_eq!(client.receive().await.unwrap().tag, b'R');
    drop(client);
    // As psql does that has no password yet, and asks its person for it before it comes again.
    guarded.log_in("analyst", &guarded.password).await.unwrap().goodbye().await;
    guarded.world.audit.line(&["SessionEnded"]).await;
    assert!(!guarded.world.audit.lines().iter().any(|line| line.contains("SessionRefused")));
}

#[tokio::test]
async fn something_else_than_a_password_is_a_breach_of_the_protocol() {
    let guarded = Guarded::new(PasswordMethod::Cleartext).await;
    let mut client = guarded.knock("").await;
    let message = StartupMessage::new(ME.iter().copied());
    client.send(|out| StartupPacket::Startup(message).encode(out)).await;
    assert_eq!(client.receive().await.unwrap().tag, b'R');
    client.query("select 1").await;
    assert_eq!(client.last_words().await.sqlstate(), "08P01");
    let mut client = guarded.knock("").await;
    let message = StartupMessage::new(ME.iter().copied());
    client.send(|out| StartupPacket::Startup(message).encode(out)).await;
    client.receive().await.unwrap();
    client.stream.write_all(b"p\x7f\xff\xff\xff").await.unwrap();
    assert_eq!(client.last_words().await.sqlstate(), "08P01");
}

#[tokio::test]
async fn protocol_3_2_is_negotiated_before_the_password_is_asked_for() {
    let guarded = Guarded::new(PasswordMethod::ScramSha256).await;
    let mut message = StartupMessage::new(ME.iter().copied());
    message.version = 0x3_0002;
    let client = guarded.knock(&guarded.password).await.start(message).await.unwrap();
    assert_eq!(client.negotiated.clone().unwrap().version, 196_608);
    // NegotiateProtocolVersion, the question, AuthenticationOk: in this order, once each.
    assert_eq!(client.asked[..3], *b"vRR");
    assert_eq!(client.asked.iter().filter(|tag| **tag == b'v').count(), 1);
    client.goodbye().await;
}

#[tokio::test]
async fn a_cancel_request_needs_its_key_and_no_password() {
    let guarded = Guarded::new(PasswordMethod::ScramSha256).await;
    let mut client = guarded.log_in("analyst", &guarded.password).await.unwrap();
    client.query("sleep").await;
    guarded.world.sessions_where(|sessions| sessions.iter().any(|it| it.state == SessionState::Running)).await;
    let mut canceller = guarded.knock("").await;
    let key = client.key.clone().unwrap();
    canceller.send(|out| StartupPacket::CancelRequest(key).encode(out)).await;
    assert!(canceller.receive().await.is_none());
    let frames = client.answer().await;
    assert_eq!(ErrorResponse::decode(&frames[0].body).unwrap().sqlstate(), "57014");
    client.goodbye().await;
}

#[tokio::test]
async fn the_unix_socket_asks_for_the_password_too() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let admission = PasswordAdmission::random(PasswordMethod::ScramSha256).unwrap();
    let password = admission.password().expose_secret().to_owned();
    let listen = ListenOptions {
        unix_dir: Some(dir.path().join("run")),
        admission: Admission::Password(admission),
        ..ListenOptions::default()
    };
    let unix = world.proxy.listen(listen).await.unwrap().unix.unwrap();
    for (given, comes_in) in [(password.as_str(), true), ("wrong", false)] {
        let stream = tokio::net::UnixStream::connect(&unix).await.unwrap();
        let client = Client::new(stream).with_password(given).start(StartupMessage::new(ME.iter().copied())).await;
        assert_eq!(client.is_ok(), comes_in);
    }
}

#[tokio::test]
async fn sessions_through_memory_are_asked_for_nothing() {
    let guarded = Guarded::new(PasswordMethod::ScramSha256).await;
    guarded.world.client().await.goodbye().await;
}

#[tokio::test]
async fn an_address_beyond_loopback_is_refused_unless_all_that_it_takes_is_there() {
    let world = World::new().await;
    let everywhere = Some("0.0.0.0".parse().unwrap());
    let listen = |options: ListenOptions| {
        let proxy = world.proxy.clone();
        async move { proxy.listen(ListenOptions { address: everywhere, ..options }).await.unwrap_err() }
    };
    let password = |method| Admission::Password(PasswordAdmission::random(method).unwrap());

    let scram = password(PasswordMethod::ScramSha256);
    let error = listen(ListenOptions { admission: scram, ..ListenOptions::default() }).await;
    assert!(matches!(error, ListenError::BeyondLoopback { .. }), "{error}");
    for admission in [Admission::SameUser, Admission::AnyLocalUser] {
        let error = listen(ListenOptions { admission, allow_any_interface: true, ..ListenOptions::default() }).await;
        assert!(matches!(error, ListenError::NeedsPassword { .. }), "{error}");
    }
    for method in [PasswordMethod::Md5, PasswordMethod::Cleartext] {
        let admission = password(method);
        let error = listen(ListenOptions { admission, allow_any_interface: true, ..ListenOptions::default() }).await;
        assert!(matches!(error, ListenError::NeedsTls { .. }), "{error}");
    }
    assert_eq!(world.proxy.listening().await, None);
}

#[tokio::test]
async fn another_loopback_address_needs_no_leave() {
    let world = World::new().await;
    let address = if cfg!(target_os = "linux") { "127.0.0.2" } else { "127.0.0.1" };
    let listen = ListenOptions { address: Some(address.parse().unwrap()), ..ListenOptions::default() };
    let listening = world.proxy.listen(listen).await.unwrap();
    assert_eq!((listening.tcp.ip().to_string().as_str(), listening.tcp6), (address, None));
    assert!(!listening.is_beyond_loopback());
    let mut client = Client::log_in(world.tcp(&listening).await, ME).await.unwrap();
    assert_eq!(client.ask("select 1").await.len(), 4);
    // Closed without a goodbye, the port is free for the next all the same.
    drop(client);
    world.no_sessions().await;
    let mut nothing = [0];
    let mut silent = world.tcp(&listening).await;
    world.proxy.unlisten().await;
    silent.shutdown().await.unwrap();
    assert_eq!(silent.read(&mut nothing).await.unwrap_or(0), 0);
}
