//! From the first byte to ReadyForQuery, and every way not to get there.

use std::time::Duration;

use postern_proxy::{Dial, Endpoint, ProxyOptions};
use postern_proxy::{DialError, Freshness, LoginError, Transport, probe, probe_login};
use postern_wire::startup::StartupMessage;
use postern_wire::{CancelKey, ErrorResponse};
use rustls_pki_types::ServerName;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::Client;
use crate::server::{LoginStyle, NAME, PASSWORD, Script, Seen, certificates};
use crate::world::{ME, World, options};

async fn logs_in_by(login: LoginStyle) {
    let mut world = World::with_script(Script { login, ..Script::default() }).await;
    let mut client = world.client().await;
    match world.server.seen().await {
        Seen::Startup { message, encrypted } => {
            assert!(encrypted);
            assert_eq!(message.parameter("user"), Some("IAMR:analyst"));
        }
        other => panic!("unexpected {other:?}"),
    }
    assert_eq!(client.ask("select 1").await.len(), 4);
    client.goodbye().await;
}

#[tokio::test]
async fn a_server_that_asks_for_nothing_is_logged_in_to() {
    logs_in_by(LoginStyle::Trust).await;
}

#[tokio::test]
async fn a_cleartext_password_goes_over_tls() {
    logs_in_by(LoginStyle::Cleartext).await;
}

#[tokio::test]
async fn an_md5_password_is_answered() {
    logs_in_by(LoginStyle::Md5).await;
}

#[tokio::test]
async fn scram_is_answered_and_the_servers_proof_checked() {
    logs_in_by(LoginStyle::Scram).await;
}

/// The error a client sees, and the typed one behind it.
async fn refused(world: &World) -> (ErrorResponse, postern_proxy::Failure) {
    let Err(error) = world.log_in(ME).await else { panic!("it was let in") };
    world.no_sessions().await;
    (error, world.proxy.last_failure().unwrap())
}

fn login_error(failure: &postern_proxy::Failure) -> &LoginError {
    failure.refusal.source.as_ref().unwrap().downcast_ref().unwrap()
}

fn dial_error(failure: &postern_proxy::Failure) -> &DialError {
    failure.refusal.source.as_ref().unwrap().downcast_ref().unwrap()
}

#[tokio::test]
async fn a_server_without_its_scram_proof_is_not_believed() {
    let world = World::with_script(Script { login: LoginStyle::ScramWithoutProof, ..Script::default() }).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "08P01");
    assert!(matches!(login_error(&failure), LoginError::OutOfPlace));
}

#[tokio::test]
async fn redshifts_own_authentication_is_named() {
    let world = World::with_script(Script { login: LoginStyle::Code(13), ..Script::default() }).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "28000");
    assert!(error.message().contains("SHA-256 digest (code 13)"), "{error}");
    assert!(error.field(b'H').unwrap().contains("IAM"));
    assert!(matches!(login_error(&failure), LoginError::Unsupported { code: 13 }));
}

#[tokio::test]
async fn a_cleartext_password_never_goes_in_the_clear() {
    let script = Script { login: LoginStyle::Cleartext, ..Script::default() };
    let world = World::with(script, options(), |endpoint| endpoint.transport = Transport::Plaintext).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "28000");
    assert!(matches!(login_error(&failure), LoginError::Unencrypted));
}

#[tokio::test]
async fn an_expired_password_is_minted_once_more() {
    let expired = ErrorResponse::fatal("28000", "IAM Authentication token has expired");
    let world = World::with_script(Script { refusals: [expired].into(), ..Script::default() }).await;
    let client = world.client().await;
    assert_eq!(*world.upstream.asked.lock().unwrap(), [Freshness::Cached, Freshness::Fresh]);
    client.goodbye().await;
}

#[tokio::test]
async fn a_password_that_stays_expired_is_the_servers_refusal_in_its_own_words() {
    let expired = ErrorResponse::fatal("28000", "IAM Authentication token has expired").with(b'z', "odd");
    let script = Script { refusals: [expired.clone(), expired.clone()].into(), ..Script::default() };
    let world = World::with_script(script).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error, expired);
    assert_eq!(failure.refusal.sqlstate, "28000");
    assert_eq!(*world.upstream.asked.lock().unwrap(), [Freshness::Cached, Freshness::Fresh]);
    world.audit.line(&["SessionRefused", "has expired"]).await;
}

#[tokio::test]
async fn a_denial_says_who_why_and_what_to_do() {
    let world = World::new().await;
    let Err(error) = world.log_in(&[("user", "denied")]).await else { panic!("it was let in") };
    assert_eq!(error.sqlstate(), "28000");
    assert_eq!(error.field(b'V'), Some("FATAL"));
    assert_eq!(error.field(b'D'), Some("no role allows db_users: denied"));
    assert_eq!(error.field(b'H'), Some("ask for another role"));
    world.audit.line(&["denied@", "SessionRefused"]).await;
    assert!(world.upstream.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn settings_reach_the_client_with_an_encoding_it_knows_and_a_key_of_ours() {
    let mut world = World::new().await;
    let client = world.client().await;
    assert_eq!(client.settings["server_version"], "8.0.2");
    assert_eq!(client.settings["client_encoding"], "UTF8");
    assert_eq!(client.settings["driver_token"], "a-secret");
    let key = client.key.clone().unwrap();
    let session = &world.proxy.sessions()[0];
    assert!(key.pid > 0 && session.local_pid == key.pid);
    assert_eq!(session.facts.backend_pid, Some(1_073_750_177));
    assert_ne!(key, Script::default().key.unwrap());
    let startup = world.server.startup().await;
    assert_eq!(startup.parameter("client_encoding"), Some("UTF8"));
    client.goodbye().await;
}

#[tokio::test]
async fn a_server_without_a_key_gets_its_client_none() {
    let world = World::with_script(Script { key: None, ..Script::default() }).await;
    let client = world.client().await;
    assert_eq!(client.key, None);
    assert_eq!(world.proxy.sessions()[0].facts.backend_pid, None);
    client.goodbye().await;
}

#[tokio::test]
async fn start_up_parameters_pass_and_float_digits_are_clamped() {
    let mut world = World::new().await;
    let sent = [
        ("user", "analyst"),
        ("extra_float_digits", "3"),
        ("driver_version", "2.2.0"),
        ("client_protocol_version", "2"),
    ];
    let client = world.log_in(&sent).await.unwrap();
    let startup = world.server.startup().await;
    assert_eq!(startup.parameter("extra_float_digits"), Some("2"));
    assert_eq!(startup.parameter("driver_version"), Some("2.2.0"));
    assert_eq!(startup.parameter("client_protocol_version"), Some("2"));
    client.goodbye().await;
}

#[tokio::test]
async fn protocol_3_2_is_negotiated_down_to_3_0() {
    let world = World::new().await;
    let mut message = StartupMessage::new(ME.iter().copied().chain([("_pq_.odd", "1")]));
    message.version = 0x3_0002;
    let client = Client::new(world.proxy.attach("test")).start(message).await.unwrap();
    let negotiated = client.negotiated.clone().unwrap();
    assert_eq!(negotiated.version, 196_608);
    assert_eq!(negotiated.unrecognized, ["_pq_.odd"]);
    client.goodbye().await;
}

#[tokio::test]
async fn another_major_version_is_refused_in_words() {
    let world = World::new().await;
    let message = StartupMessage { version: 0x2_0000, parameters: Vec::new() };
    let Err(error) = Client::new(world.proxy.attach("test")).start(message).await else { panic!("it was let in") };
    assert_eq!(error.sqlstate(), "0A000");
}

#[tokio::test]
async fn a_name_without_an_address_is_told_as_such() {
    let world =
        World::with(Script::default(), options(), |endpoint| endpoint.host = "no-such-host.invalid".into()).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "08001");
    assert!(error.message().contains("no-such-host.invalid"), "{error}");
    assert!(matches!(dial_error(&failure), DialError::Unresolvable { .. }));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_as_such() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let world = World::with(Script::default(), options(), |endpoint| endpoint.port = closed).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "08001");
    assert!(matches!(dial_error(&failure), DialError::Connect { .. }));
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_told_as_such() {
    let world = World::with(Script::default(), options(), |endpoint| {
        let Transport::Tls { config, .. } = &mut endpoint.transport else { panic!() };
        *config = certificates().1.into();
    })
    .await;
    let (error, failure) = refused(&world).await;
    assert!(error.message().contains("not signed by a trusted authority"), "{error}");
    assert!(matches!(dial_error(&failure), DialError::Untrusted { .. }));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told_with_its_names() {
    let world = World::with(Script::default(), options(), |endpoint| {
        let Transport::Tls { name, .. } = &mut endpoint.transport else { panic!() };
        *name = ServerName::try_from("other.test").unwrap();
    })
    .await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.field(b'D'), Some("The certificate is for db.test."));
    let DialError::WrongName { expected, presented, .. } = dial_error(&failure) else { panic!("{failure:?}") };
    assert_eq!((expected.as_str(), presented.as_slice()), ("other.test", &[NAME.to_owned()][..]));
}

#[tokio::test]
async fn a_server_that_declines_tls_is_left_alone() {
    let mut world = World::with_script(Script { tls: false, ..Script::default() }).await;
    let (error, failure) = refused(&world).await;
    assert!(error.message().contains("does not offer TLS"), "{error}");
    assert!(matches!(dial_error(&failure), DialError::NotTls { .. }));
    // Nothing but SSLRequest was sent: what is seen next is of a later connection.
    let probe = probe(&plaintext(world.server.port)).await;
    assert!(probe.is_ok());
    drop(world.proxy);
    let silent = tokio::time::timeout(Duration::from_millis(100), world.server.seen()).await;
    assert!(silent.is_err());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let limits = ProxyOptions { connect_limit: Duration::from_millis(100), ..options() };
    let world = World::with(Script::default(), limits, |endpoint| endpoint.port = port).await;
    let (error, failure) = refused(&world).await;
    assert_eq!(error.sqlstate(), "08001");
    assert!(matches!(dial_error(&failure), DialError::Timeout { .. }));
}

#[tokio::test]
async fn something_that_is_no_postgresql_is_told_as_such() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port();
    let world = World::with(Script::default(), options(), |endpoint| endpoint.port = port).await;
    tokio::spawn(async move {
        let (mut tcp, _) = other.accept().await.unwrap();
        tcp.write_all(b"SSH-2.0-x\r\n").await.unwrap();
        let _ = tcp.read(&mut [0; 100]).await;
    });
    // It begins with the S that means yes, so it takes TLS to find out.
    let (_, failure) = refused(&world).await;
    assert!(matches!(dial_error(&failure), DialError::Tls { .. } | DialError::Closed { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_takes_its_session_along() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let world = World::with(Script::default(), options(), |endpoint| endpoint.port = port).await;
    let mut client = Client::new(world.proxy.attach("test"));
    let message = StartupMessage::new(ME.iter().copied());
    client.send(|out| postern_wire::startup::StartupPacket::Startup(message).encode(out)).await;
    world.sessions_where(|sessions| sessions.len() == 1).await;
    drop(client);
    world.no_sessions().await;
}

#[tokio::test]
async fn a_two_gigabyte_start_up_message_is_refused_when_announced() {
    let world = World::new().await;
    let mut client = Client::new(world.proxy.attach("test"));
    client.stream.write_all(&[0x7f, 0xff, 0xff, 0xff]).await.unwrap();
    let error = client.last_words().await;
    assert_eq!(error.sqlstate(), "08P01");
    assert!(error.field(b'D').unwrap().contains("2147483647"), "{error:?}");
    world.audit.line(&["Malformed"]).await;
}

#[tokio::test]
async fn probes_tell_what_a_session_would_meet() {
    let mut world = World::with_script(Script { login: LoginStyle::Scram, ..Script::default() }).await;
    let name = ServerName::try_from(NAME).unwrap();
    let transport = Transport::Tls { config: world.server.client_config.clone(), name };
    let endpoint = Endpoint { host: "127.0.0.1".into(), port: world.server.port, transport };
    probe(&endpoint).await.unwrap();

    let limit = Duration::from_secs(5);
    let mut dial = Dial {
        endpoint,
        user: "IAMR:a".into(),
        database: "dev".into(),
        knows_read_only: false,
        password: SecretString::from(PASSWORD),
    };
    probe_login(&dial, limit).await.unwrap();
    assert_eq!(world.server.startup().await.parameter("user"), Some("IAMR:a"));
    dial.password = SecretString::from("wrong");
    let refusal = probe_login(&dial, limit).await.unwrap_err();
    assert_eq!(refusal.sqlstate, "28P01");
    assert!(!format!("{dial:?} {refusal:?}").contains("wrong"));
}

#[tokio::test]
async fn long_keys_of_the_server_are_kept_to_ourselves() {
    let key = CancelKey::new(7, vec![0x5a; 256]);
    let world = World::with_script(Script { key: Some(key), ..Script::default() }).await;
    let client = world.client().await;
    assert_eq!(client.key.clone().unwrap().expose_secret().len(), 4);
    client.goodbye().await;
}

fn plaintext(port: u16) -> Endpoint {
    Endpoint { host: "127.0.0.1".into(), port, transport: Transport::Plaintext }
}
