//! What clients see when network, server, client or machine fail, and that nothing is left behind. One proxy process as
//! people run it, between real clients and a real PostgreSQL, with a network between them that fails on demand.
//!
//! In each test a bystander keeps asking through the same proxy and checks its answers. Afterwards the proxy has no more
//! sessions, descriptors and connections than before, hardly more memory, and the server no session but the bystander's.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};

use crate::{
    link::{Cut, Line, Link, Way},
    support::{Home, Proxy, admin, block_on, description, eventually, faults, spawn},
};

/// A workgroup that no other test uses: faults and counts are for all of it.
const WORKGROUP: &str = "faults-dev";
const USER: &str = "teleport-redshift-serverless-access";

/// The most that one test may leave in the proxy's memory: a freed heap is not given back to the last byte.
const MEMORY: u64 = 24 * 1024 * 1024;

/// What a client is told when its server is lost.
const LOST: &str = "the connection to the database was lost";

/// Everything of one test. Only one exists at a time.
struct Scene {
    proxy: Proxy,
    bystander: Option<Bystander>,
    before: Footprint,
    link: Link,
    home: Home,
    admin: Client,
    _alone: MutexGuard<'static, ()>,
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Footprint {
    descriptors: usize,
    memory: u64,
}

impl Footprint {
    fn of(pid: u32) -> Self {
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("the process runs");
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("its resident pages");
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it is ours").count();
        Self { descriptors, memory: pages * rustix::param::page_size() as u64 }
    }
}

/// A client that keeps asking, and minds every answer.
struct Bystander {
    answers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Result<(), Error>>,
}

impl Bystander {
    fn start(client: Client) -> Self {
        let (answers, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, stopping) = (Arc::clone(&answers), Arc::clone(&stop));
        let asking = spawn(async move {
            while !stopping.load(Ordering::Relaxed) {
                let number = count.load(Ordering::Relaxed);
                let rows = client.query("select $1::bigint, repeat('b', 1000)", &[&(number as i64)]).await?;
                assert_eq!(rows[0].get::<_, i64>(0), number as i64);
                assert_eq!(rows[0].get::<_, &str>(1), "b".repeat(1000));
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        });
        Self { answers, stop, asking }
    }

    /// Waits until it has got some more answers.
    fn goes_on(&self) {
        let before = self.answers.load(Ordering::Relaxed);
        eventually("the bystander goes on", || {
            assert!(!self.asking.is_finished(), "the bystander was hit");
            (self.answers.load(Ordering::Relaxed) > before + 3).then_some(())
        });
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        block_on(self.asking).expect("its answers were right").expect("the bystander was not hit");
    }
}

/// A client whose session a test breaks.
struct Victim {
    client: Arc<Client>,
    connection: JoinHandle<Result<(), Error>>,
    line: Line,
}

impl Victim {
    fn scalar(&self, sql: &str) -> Result<String, Error> {
        block_on(scalar(&self.client, sql))
    }

    /// Begins something at the server, and returns once it runs there.
    fn begin(&self, scene: &Scene, sql: &str) -> JoinHandle<Result<String, Error>> {
        let (client, own) = (Arc::clone(&self.client), sql.to_owned());
        let running = spawn(async move { scalar(&client, &own).await });
        scene.until_active(sql);
        running
    }

    /// What the client of an idle session is told when it ends.
    fn last_words(self) -> Error {
        block_on(self.connection).expect("it does not panic").expect_err("it was told something")
    }
}

impl Scene {
    /// A proxy with a bystander, and one session that came and went.
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let port = description().database(WORKGROUP).expect("it is of the standard world").port;
        let link = Link::to(port);
        let home = Home::signed_in();
        home.change_database(WORKGROUP, |yaml| yaml.replace(&port.to_string(), &link.port.to_string()));
        let proxy = home.proxy(&[WORKGROUP, "--db-user", USER, "--db-name", "dev", "--port", "0"]);
        let admin = admin(WORKGROUP);
        let none = Footprint { descriptors: 0, memory: 0 };
        let mut scene = Self { proxy, bystander: None, before: none, link, home, admin, _alone: alone };
        scene.bystander = Some(Bystander::start(scene.log_in().expect("it may log in").0));
        drop(scene.victim());
        eventually("that one session is gone", || (scene.link.count() == 1).then_some(()));
        scene.before = Footprint::of(scene.proxy.pid());
        scene
    }

    /// A session through the proxy, as a client says it.
    fn log_in(&self) -> Result<(Client, JoinHandle<Result<(), Error>>), Error> {
        block_on(log_in(self.proxy.port()))
    }

    fn victim(&self) -> Victim {
        let (client, connection) = self.log_in().expect("it may log in");
        let line = self.link.newest();
        // A server that works for nobody notices at once, so that tests need not wait for it.
        block_on(client.batch_execute("set client_connection_check_interval = '50ms'")).expect("it can be set");
        Victim { client: Arc::new(client), connection, line }
    }

    /// Why a new session is refused.
    fn refused(&self) -> Error {
        match self.log_in() {
            Ok(_) => panic!("it was let in"),
            Err(error) => error,
        }
    }

    fn bystander(&self) -> &Bystander {
        self.bystander.as_ref().expect("it stays to the end")
    }

    fn asked(&self, sql: &str) -> String {
        block_on(scalar(&self.admin, sql)).expect("the admin may look")
    }

    fn until_active(&self, text: &str) {
        let sql = format!(
            "select count(*) from pg_internal_stat_activity where state = 'active' and query = $sql${text}$sql$"
        );
        eventually("the server works on it", || (self.asked(&sql) == "1").then_some(()));
    }

    /// Waits until nothing is left of any session but the bystander's.
    fn until_settled(&self) {
        self.bystander().goes_on();
        let sessions = format!("select count(*) from pg_internal_stat_activity where usename = 'IAMR:{USER}'");
        let mut seen = String::new();
        let settled = || {
            let (now, sessions, lines) = (Footprint::of(self.proxy.pid()), self.asked(&sessions), self.link.count());
            seen = format!("{now:?} after {:?}, {sessions} sessions, {lines} connections to the server", self.before);
            let grown = now.memory.saturating_sub(self.before.memory);
            let clean = sessions == "1" && lines == 1 && now.descriptors <= self.before.descriptors && grown < MEMORY;
            clean.then_some(())
        };
        if within(Duration::from_secs(30), settled).is_none() {
            panic!("something is left: {seen}");
        }
    }

    /// The same, and that the audit log knows how each session ended. Ends the test.
    fn end(mut self) {
        self.until_settled();
        self.bystander.take().expect("it is there until now").end();
        let ended = || {
            let records = self.home.run(&["audit", "ls"]).ok();
            let count = |code: &str| records.matches(&format!("\"code\":\"{code}\"")).count();
            (count("TDB00I") > 0 && count("TDB00I") == count("TDB01I")).then_some(())
        };
        eventually("every session that began has an end in the audit log", ended);
    }
}

async fn log_in(port: u16) -> Result<(Client, JoinHandle<Result<(), Error>>), Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(USER).dbname("dev").application_name("faults");
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, tokio::spawn(connection)))
}

async fn scalar(client: &Client, sql: &str) -> Result<String, Error> {
    let messages = client.simple_query(sql).await?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    Ok(row.unwrap_or_default())
}

fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            found => return found,
        }
    }
}

/// SQLSTATE and all words of what a client was told.
#[track_caller]
fn told(error: &Error) -> (String, String) {
    let Some(said) = error.as_db_error() else { panic!("it was told nothing: {error:?}") };
    let words = [Some(said.message()), said.detail(), said.hint()].into_iter().flatten().collect::<Vec<_>>();
    (said.code().code().to_owned(), words.join(" | "))
}

#[track_caller]
fn assert_told(error: &Error, sqlstate: &str, words: &[&str]) {
    let (code, said) = told(error);
    assert_eq!(code, sqlstate, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} in {said:?}");
    }
}

#[test]
fn a_server_that_is_cut_off_is_told_to_its_client_and_to_nobody_else() {
    let scene = Scene::new();
    for cut in [Cut::Closed, Cut::Reset, Cut::HalfClosed] {
        let busy = scene.victim();
        let answer = busy.begin(&scene, &format!("select pg_sleep(60) /* {cut:?} */"));
        busy.line.cut(cut);
        let error = block_on(answer).expect("no panic").expect_err("there is no answer");
        assert_told(&error, "08006", &[LOST, "may or may not have taken effect"]);

        let idle = scene.victim();
        idle.line.cut(cut);
        assert_told(&idle.last_words(), "08006", &[LOST, "Connect again."]);
        scene.until_settled();
    }
    scene.end();
}

#[test]
fn a_server_that_is_cut_off_in_mid_row_ends_the_stream_where_it_is() {
    let scene = Scene::new();
    let mut client = Raw::log_in(scene.proxy.port());
    // More than all sockets on the way hold, so that the cut is in the middle of it.
    client.send(b'Q', b"select repeat('x', 50000000)\0");
    client.until(b'T');
    let mut begun = vec![0; 1_000_000];
    client.stream.read_exact(&mut begun).expect("it comes");
    scene.link.newest().cut(Cut::Closed);
    let rest = client.read_to_end_of_stream();
    // Words of ours would be taken for content of the cell.
    assert!(rest.len() < 49_000_000 && rest.iter().all(|&byte| byte == b'x'), "{} bytes", rest.len());
    scene.end();
}

#[test]
fn a_stalled_network_delays_one_session_and_loses_nothing() {
    let scene = Scene::new();
    let victim = scene.victim();
    let rows = "select string_agg(md5(i::text), '') from generate_series(1, 30000) i";
    let expected = scene.asked(rows);
    for stalled in [Line::down, Line::up] {
        stalled(&victim.line, Way::Stalled);
        let client = Arc::clone(&victim.client);
        let answer = spawn(async move { scalar(&client, rows).await });
        // Longer than the proxy takes for anything of its own.
        scene.bystander().goes_on();
        std::thread::sleep(Duration::from_millis(1_500));
        scene.bystander().goes_on();
        assert!(!answer.is_finished());
        stalled(&victim.line, Way::Clear);
        assert!(block_on(answer).expect("no panic").expect("an answer") == expected);
    }
    drop(victim);
    scene.end();
}

#[test]
fn a_client_that_leaves_a_stalled_session_leaves_nothing_behind() {
    let scene = Scene::new();
    let victim = scene.victim();
    victim.line.down(Way::Stalled);
    let client = Arc::clone(&victim.client);
    let answer = spawn(async move { scalar(&client, "select 1").await });
    eventually("the server has answered", || {
        let idle = "select count(*) from pg_internal_stat_activity where state = 'idle' and query = 'select 1'";
        (scene.asked(idle) == "1").then_some(())
    });
    answer.abort();
    victim.connection.abort();
    drop(victim.client);
    let left = || (Footprint::of(scene.proxy.pid()).descriptors <= scene.before.descriptors).then_some(());
    eventually("the proxy lets the session go", left);
    // Now the network may see it too.
    victim.line.down(Way::Clear);
    scene.end();
}

#[test]
fn bytes_that_trickle_one_by_one_are_put_together() {
    let scene = Scene::new();
    let victim = scene.victim();
    victim.line.up(Way::Trickling);
    victim.line.down(Way::Trickling);
    let text = "slow ".repeat(400);
    assert_eq!(victim.scalar(&format!("select '{text}'")).expect("an answer"), text);
    assert_eq!(victim.scalar("select 'and again'").expect("an answer"), "and again");
    assert_told(&victim.scalar("selec 1").expect_err("no SQL"), "42601", &["syntax error at or near \"selec\""]);
    drop(victim);
    scene.end();
}

#[test]
fn a_record_of_tls_that_arrives_wrong_ends_the_session_in_words() {
    let scene = Scene::new();
    type Fault = fn(&Line);
    let faults: [(Fault, &[&str]); 3] = [
        (|line| line.down(Way::Corrupt), &[LOST, "decrypt"]),
        (|line| line.up(Way::Corrupt), &[LOST]),
        (|line| line.down(Way::CutShort), &[LOST]),
    ];
    for (fault, words) in faults {
        let victim = scene.victim();
        fault(&victim.line);
        let error = victim.scalar("select 'never seen'").expect_err("there is no answer");
        assert_told(&error, "08006", words);
        drop(victim);
        scene.until_settled();
    }
    scene.end();
}

#[test]
fn a_name_that_no_longer_resolves_stops_new_sessions_and_leaves_those_that_live() {
    let scene = Scene::new();
    let (address, gone) = (format!("127.0.0.1:{}", scene.link.port), format!("gone.invalid:{}", scene.link.port));
    scene.home.change_database(WORKGROUP, |yaml| yaml.replace(&address, &gone));
    assert_told(&scene.refused(), "08001", &["the name gone.invalid has no address", "DNS"]);
    scene.bystander().goes_on();
    scene.home.change_database(WORKGROUP, |yaml| yaml.replace(&gone, &address));
    assert_eq!(scene.victim().scalar("select 'back'").expect("an answer"), "back");

    scene.link.refuse(true);
    assert_told(&scene.refused(), "08001", &["no connection to 127.0.0.1", "refused", "that the database is up"]);
    scene.link.refuse(false);
    assert_eq!(scene.victim().scalar("select 'back'").expect("an answer"), "back");
    scene.end();
}

#[test]
fn a_machine_that_slept_serves_who_came_meanwhile_and_tells_whose_connection_is_gone() {
    let scene = Scene::new();
    let lost = scene.victim();
    signal(scene.proxy.pid(), Signal::STOP);
    // Meanwhile a gateway forgets a connection, and the password runs out.
    lost.line.cut(Cut::Reset);
    faults(WORKGROUP).expire_passwords_now();
    let port = scene.proxy.port();
    let came = spawn(async move { scalar(&log_in(port).await?.0, "select 'served'").await });
    std::thread::sleep(Duration::from_millis(300));
    assert!(!came.is_finished());
    signal(scene.proxy.pid(), Signal::CONT);
    assert_eq!(block_on(came).expect("no panic").expect("an answer"), "served");
    assert_told(&lost.last_words(), "08006", &[LOST]);
    scene.end();
}

#[test]
fn nothing_is_committed_of_a_copy_whose_client_vanished() {
    let scene = Scene::new();
    let owner = scene.victim();
    owner.scalar("create table half_copied (line text)").expect("it may be made");
    let line = "x".repeat(99) + "\n";

    // Killed: the kernel closes its socket.
    let mut psql =
        scene.proxy.psql(&["-c", "copy half_copied from stdin"]).stdin(Stdio::piped()).spawn().expect("psql");
    let mut input = psql.stdin.take().expect("its input is piped");
    input.write_all(line.repeat(5_000).as_bytes()).expect("it reads");
    until_copying(&scene);
    psql.kill().expect("it is ours");
    psql.wait().expect("it ends");
    until_copy_is_given_up(&scene);
    assert_eq!(owner.scalar("select count(*) from half_copied").expect("an answer"), "0");

    // Half closed behind a whole row, without the message that ends a COPY; the server's words come back.
    let mut client = Raw::log_in(scene.proxy.port());
    client.send(b'Q', b"copy half_copied from stdin\0");
    client.until(b'G');
    client.send(b'd', line.as_bytes());
    until_copying(&scene);
    client.stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    client.read_to_end_of_stream();
    until_copy_is_given_up(&scene);
    assert_eq!(owner.scalar("select count(*) from half_copied").expect("an answer"), "0");

    // The server gone in mid-COPY: the client is told, and what it still sends is no trouble.
    let mut client = Raw::log_in(scene.proxy.port());
    client.send(b'Q', b"copy half_copied from stdin\0");
    client.until(b'G');
    client.send(b'd', line.as_bytes());
    until_copying(&scene);
    scene.link.newest().cut(Cut::Reset);
    let said = String::from_utf8_lossy(&client.read_to_end_of_stream()).into_owned();
    assert!(said.contains("08006") && said.contains(LOST), "{said}");
    until_copy_is_given_up(&scene);
    assert_eq!(owner.scalar("select count(*) from half_copied").expect("an answer"), "0");
    owner.scalar("drop table half_copied").expect("it is the owner's");
    drop(owner);
    scene.end();
}

fn until_copying(scene: &Scene) {
    let copied =
        "select count(*) from pg_internal_stat_activity where state = 'active' and query like 'copy half_copied%'";
    eventually("the server copies", || (scene.asked(copied) == "1").then_some(()));
}

fn until_copy_is_given_up(scene: &Scene) {
    let copying = "select count(*) from pg_internal_stat_activity where query like 'copy half_copied%'";
    eventually("the server has given the copy up", || (scene.asked(copying) == "0").then_some(()));
}

#[test]
fn ten_thousand_connections_that_come_and_go_leave_nothing() {
    let scene = Scene::new();
    let port = scene.proxy.port();
    let startup = startup();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let startup = &startup;
            scope.spawn(move || {
                for index in 0..2_500 {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
                    // Gone at once, in mid-message, or, some of them, while their session is being made.
                    let said = match index % 25 {
                        0 => startup.len(),
                        number if number % 2 == 0 => 10,
                        _ => 0,
                    };
                    stream.write_all(&startup[..said]).expect("it can be sent");
                    if worker % 2 == 0 {
                        // A reset leaves no port behind that nobody can use for a minute.
                        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("it is open");
                    }
                }
            });
        }
    });
    assert_eq!(scene.victim().scalar("select 'still here'").expect("an answer"), "still here");
    scene.end();
}

#[test]
fn as_many_sessions_as_the_server_takes_are_open_at_once_and_the_next_hears_its_words() {
    let scene = Scene::new();
    let port = scene.proxy.port();
    let most: usize = scene.asked("show max_connections").parse().expect("a number");
    let (mut open, mut refused) = (Vec::new(), None);
    while refused.is_none() {
        assert!(open.len() <= most, "the server takes more than it says");
        let batch = block_on(join_all((0..16).map(|_| log_in(port))));
        for came in batch {
            match came {
                Ok((client, _)) => open.push(client),
                Err(error) => refused = Some(error),
            }
        }
    }
    let error = refused.expect("the last one");
    assert_told(&error, "53300", &["connections"]);
    assert!(open.len() > most * 3 / 4, "{} of {most}", open.len());
    scene.bystander().goes_on();
    let answers = block_on(join_all(open.iter().map(|client| scalar(client, "select 7"))));
    assert!(answers.into_iter().all(|answer| answer.is_ok_and(|answer| answer == "7")));
    drop(open);
    scene.end();
}

#[test]
fn a_proxy_without_free_descriptors_keeps_its_sessions_and_recovers() {
    let scene = Scene::new();
    let victim = scene.victim();
    let open = Footprint::of(scene.proxy.pid()).descriptors;
    let port = scene.proxy.port();
    let knock = || TcpStream::connect(("127.0.0.1", port)).expect("there is a queue");
    let free = 12;
    limit_descriptors(scene.proxy.pid(), free);
    // Room for one more client, and none for its server.
    let mut silent: Vec<_> = (1..free).map(|_| knock()).collect();
    let taken = || (Footprint::of(scene.proxy.pid()).descriptors >= open + free - 1).then_some(());
    eventually("the silent clients are taken in", taken);
    assert_told(&scene.refused(), "53000", &["too many files and sockets are open here", "ulimit -n"]);
    // No room for anybody: they wait.
    silent.extend((0..20).map(|_| knock()));
    let waiting = spawn(async move { scalar(&log_in(port).await?.0, "select 'at last'").await });
    // Longer than the proxy takes to look after its own affairs.
    let until = Instant::now() + Duration::from_millis(1_500);
    while Instant::now() < until {
        scene.bystander().goes_on();
    }
    assert_eq!(victim.scalar("select 'unmoved'").expect("an answer"), "unmoved");
    assert!(!waiting.is_finished());
    drop(silent);
    assert_eq!(block_on(waiting).expect("no panic").expect("an answer"), "at last");
    drop(victim);
    scene.end();
}

#[test]
fn a_server_that_restarts_under_load_is_told_to_all_and_found_again() {
    let mut scene = Scene::new();
    // This fault is everybody's.
    scene.bystander.take().expect("it is there").end();
    let load: Vec<_> = (0..8).map(|_| Load::start(scene.proxy.port())).collect();
    eventually("all are at work", || load.iter().all(|one| one.answers() > 2).then_some(()));
    block_on(faults(WORKGROUP).crash_database());
    for one in load {
        eventually("each was told, and has found the server again", || (one.answers_since_told() > 2).then_some(()));
        for (code, words) in one.end() {
            let known = ["08006", "57P01", "57P02", "57P03"].contains(&code.as_str());
            assert!(known, "{code} {words}");
        }
    }
    scene.admin = admin(WORKGROUP);
    scene.bystander = Some(Bystander::start(scene.log_in().expect("it may log in").0));
    scene.end();
}

#[test]
fn a_signal_drains_for_a_while_and_says_what_it_cut() {
    let mut scene = Scene::new();
    scene.bystander.take().expect("it is there").end();
    let (idle, finishing, busy) = (scene.victim(), scene.victim(), scene.victim());
    let answer = finishing.begin(&scene, "select pg_sleep(1)::text || 'finished'");
    let cut = busy.begin(&scene, "select pg_sleep(60) /* cut */");
    signal(scene.proxy.pid(), Signal::TERM);
    let going = "the local proxy is shutting down";
    assert_told(&idle.last_words(), "57P01", &[going]);
    assert_eq!(block_on(answer).expect("no panic").expect("it was let finish"), "finished");
    assert_told(&finishing.last_words(), "57P01", &[going]);
    assert_told(&block_on(cut).expect("no panic").expect_err("no answer"), "57P01", &[going]);
    let Scene { proxy, link, admin, .. } = scene;
    let said = proxy.wait();
    assert_eq!(said.code, 0);
    assert!(said.err.contains("Stopping on SIGTERM."), "{}", said.err);
    let words = format!("Cut a session that was at work: faults, as {USER} on dev, running");
    assert!(said.err.contains(&words) && said.err.matches("Cut ").count() == 1, "{}", said.err);
    eventually("the server has no session any more", || {
        let left = format!("select count(*) from pg_internal_stat_activity where usename = 'IAMR:{USER}'");
        (link.count() == 0 && block_on(scalar(&admin, &left)).expect("the admin may look") == "0").then_some(())
    });
}

/// A client that keeps asking, and comes back when its session is lost.
struct Load {
    answers: Arc<AtomicU64>,
    told: Arc<Mutex<Vec<(u64, String, String)>>>,
    asking: JoinHandle<()>,
}

impl Load {
    fn start(port: u16) -> Self {
        let (answers, told_of) = (Arc::<AtomicU64>::default(), Arc::<Mutex<Vec<_>>>::default());
        let (count, words) = (Arc::clone(&answers), Arc::clone(&told_of));
        let asking = spawn(async move {
            loop {
                let Err(error) = ask_while_it_lasts(port, &count).await;
                // A connection that ends between two questions ends without a word for the next.
                let (code, said) = if error.is_closed() { Default::default() } else { told(&error) };
                words.lock().expect("no panic").push((count.load(Ordering::Relaxed), code, said));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { answers, told: told_of, asking }
    }

    fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    fn answers_since_told(&self) -> u64 {
        let told = self.told.lock().expect("no panic");
        told.last().map_or(0, |(at, ..)| self.answers() - at)
    }

    /// What it was told, but for ends between two questions.
    fn end(self) -> Vec<(String, String)> {
        self.asking.abort();
        let told = std::mem::take(&mut *self.told.lock().expect("no panic"));
        told.into_iter().filter(|(_, code, _)| !code.is_empty()).map(|(_, code, words)| (code, words)).collect()
    }
}

async fn ask_while_it_lasts(port: u16, answers: &AtomicU64) -> Result<std::convert::Infallible, Error> {
    let (client, _connection) = log_in(port).await?;
    loop {
        assert_eq!(scalar(&client, "select pg_sleep(0.01)::text || 'load'").await?, "load");
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client that does what no library would.
struct Raw {
    stream: TcpStream,
}

impl Raw {
    fn log_in(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket has a time limit");
        stream.write_all(&startup()).expect("it can be sent");
        let mut raw = Self { stream };
        raw.until(b'Z');
        raw
    }

    fn send(&mut self, tag: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).expect("it is short").to_be_bytes();
        self.stream.write_all(&[&[tag], &length[..], body].concat()).expect("it can be sent");
    }

    /// Reads up to a message with this tag, and that one too.
    fn until(&mut self, tag: u8) {
        loop {
            let mut header = [0; 5];
            self.stream.read_exact(&mut header).expect("a message");
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
            let mut body = vec![0; length as usize - 4];
            self.stream.read_exact(&mut body).expect("its body");
            assert_ne!(header[0], b'E', "{}", String::from_utf8_lossy(&body));
            if header[0] == tag {
                return;
            }
        }
    }

    /// Everything that still comes.
    fn read_to_end_of_stream(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("an end in order");
        rest
    }
}

/// The first message of a client.
fn startup() -> Vec<u8> {
    let mut message = vec![0, 0, 0, 0, 0, 3, 0, 0];
    message.extend(format!("user\0{USER}\0database\0dev\0application_name\0faults\0\0").bytes());
    message[3] = u8::try_from(message.len()).expect("it is short");
    message
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a process has a number");
    kill_process(pid, signal).expect("it is our child");
}

/// Leaves a process so many descriptors. A number above the limit that is in use stays in use.
fn limit_descriptors(pid: u32, free: usize) {
    let folder = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is ours");
    let used: Vec<u64> = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    let limit = (0..).filter(|number| !used.contains(number)).nth(free).expect("there is always another number");
    let maximum = getrlimit(Resource::Nofile).maximum;
    let pid = Pid::from_raw(pid.cast_signed());
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(limit), maximum }).expect("it is our child");
}
