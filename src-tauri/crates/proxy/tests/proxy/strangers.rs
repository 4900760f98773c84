//! A second real user of this machine, running psql.
//!
//! It takes privileges to run something as another user: tests that run as root have them, others perhaps through `sudo`. Where there are
//! none these tests say so and check nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use postern_proxy::{ListenOptions, Listening, LoginDelay, PasswordMethod};
use postern_wire::startup::{StartupMessage, StartupPacket};
use tokio::process::Command;

use crate::admission::Guarded;
use crate::client::Client;
use crate::world::{ME, World};

/// Says why there is no other user.
#[expect(clippy::print_stderr, reason = "a test that checks nothing has to say so")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// The beginning of a command that runs as another user than this one.
async fn as_another_user() -> Option<Vec<&'static str>> {
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let sudo = ["sudo", "-n", "-u", "nobody", "--"];
    for words in [&setpriv[..], &sudo[..]] {
        let mut id = Command::new(words[0]);
        id.args(&words[1..]).args(["psql", "--version"]).stdin(Stdio::null()).stderr(Stdio::null());
        if id.output().await.is_ok_and(|said| said.status.success()) {
            return Some(words.to_vec());
        }
    }
    skip("psql cannot be run as another user here: neither setpriv (as root) nor sudo -n does it");
    None
}

struct Stranger(Vec<&'static str>);

impl Stranger {
    /// Runs a statement by psql as the stranger: what it printed, or what it complained of.
    async fn psql(&self, host: &str, port: u16, password: &str, more: &str) -> Result<String, String> {
        let address =
            format!("host={host} port={port} user=analyst dbname=dev sslmode=prefer connect_timeout=10 {more}");
        let mut psql = Command::new(self.0[0]);
        psql.args(&self.0[1..]).args(["env", &format!("PGPASSWORD={password}"), "HOME=/nonexistent", "psql", "-XAtw"]);
        psql.args(["-c", "select 1", &address]).stdin(Stdio::null()).kill_on_drop(true);
        let said = psql.output().await.expect("it ran before");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if said.status.success() { Ok(text(&said.stdout)) } else { Err(text(&said.stderr)) }
    }
}

async fn refused_and_audited(world: &World, said: Result<String, String>, origin: &str) {
    let error = said.expect_err("a stranger was let in");
    assert!(error.contains("serves only the user who started it"), "{origin}: {error}");
    let line = world.audit.line(&["SessionRefused", "28000", "user id"]).await;
    assert!(line.contains("analyst@dev"), "{line}");
}

/// Every way in, wide open but for the proxy itself.
async fn ways(world: &World, dir: &std::path::Path) -> Listening {
    let run = dir.join("run");
    let listen = ListenOptions { unix_dir: Some(run), ..ListenOptions::default() };
    world.proxy.listen(listen).await.unwrap()
}

#[tokio::test]
async fn another_user_is_refused_over_ipv4_and_ipv6() {
    let Some(stranger) = as_another_user().await.map(Stranger) else { return };
    let mut hosts = vec!["127.0.0.1"];
    let probe = World::new().await;
    hosts.extend(probe.listen().await.tcp6.map(|_| "::1"));
    if hosts.len() < 2 {
        skip("this machine has no IPv6 loopback");
    }
    for host in hosts {
        let world = World::new().await;
        let port = world.listen().await.tcp.port();
        refused_and_audited(&world, stranger.psql(host, port, "", "").await, host).await;
        assert!(world.upstream.asked.lock().unwrap().is_empty(), "nothing was dialled for a stranger");
    }
}

#[tokio::test]
async fn another_user_does_not_reach_the_unix_socket_and_is_refused_where_it_does() {
    let Some(stranger) = as_another_user().await.map(Stranger) else { return };
    let world = World::new().await;
    let dir = tempfile::Builder::new().prefix("pg-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let listening = ways(&world, dir.path()).await;
    let (socket, port) = (listening.unix.unwrap(), listening.tcp.port());
    let folder = socket.parent().unwrap();
    let host = folder.to_str().unwrap();
    let error = stranger.psql(host, port, "", "").await.expect_err("a stranger was let in");
    assert!(error.contains("Permission denied"), "{error}");
    assert!(world.audit.lines().is_empty());

    // Somebody has loosened both modes: the kernel still says who it is.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    refused_and_audited(&world, stranger.psql(host, port, "", "").await, "unix").await;
}

#[tokio::test]
async fn another_user_who_knows_the_password_comes_in() {
    let Some(stranger) = as_another_user().await.map(Stranger) else { return };
    for method in [PasswordMethod::ScramSha256, PasswordMethod::Md5, PasswordMethod::Cleartext] {
        let delay = LoginDelay { first: Duration::from_millis(1), longest: Duration::from_millis(1) };
        let guarded = Guarded::with(method, delay).await;
        let port = guarded.listening.tcp.port();
        assert_eq!(stranger.psql("127.0.0.1", port, &guarded.password, "").await.unwrap(), "select 1\n");
        let error = stranger.psql("127.0.0.1", port, "wrong", "").await.unwrap_err();
        assert!(error.contains("password authentication failed for user \"analyst\""), "{error}");
        guarded.world.audit.line(&["SessionRefused", "28P01"]).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn while_passwords_are_tried_another_user_waits_and_the_owner_does_not() {
    let Some(stranger) = as_another_user().await.map(Stranger) else { return };
    let long = Duration::from_secs(3600);
    let guarded = Guarded::with(PasswordMethod::Cleartext, LoginDelay { first: long, longest: long }).await;
    let port = guarded.listening.tcp.port();
    let mut guesses = Vec::new();
    for _ in 0..16 {
        let mut guess = Client::new(guarded.world.tcp(&guarded.listening).await);
        let message = StartupMessage::new(ME.iter().copied());
        guess.send(|out| StartupPacket::Startup(message).encode(out)).await;
        assert_eq!(guess.receive().await.unwrap().tag, b'R');
        guess.send(|out| postern_wire::frontend::Password::new("wrong").encode(out)).await;
        guesses.push(guess);
    }
    while guarded.world.audit.lines().iter().filter(|line| line.contains("28P01")).count() < guesses.len() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Those who guess and hang up have gained nothing: their places stay taken.
    drop(guesses);
    let error = stranger.psql("127.0.0.1", port, &guarded.password, "connect_timeout=2").await.unwrap_err();
    assert!(error.contains("timeout expired"), "{error}");
    let owner = guarded.log_in("analyst", &guarded.password).await.unwrap();
    owner.goodbye().await;
}
