//! Read-only proxies and sessions: that nothing writes through them, whatever a client tries, and that a refusal costs a
//! session nothing but its transaction.

use bytes::BytesMut;
use postern_wire::{
    EncodeError, ErrorResponse, Frame,
    backend::{ReadyForQuery, TransactionStatus},
    frontend::{Bind, Describe, Empty, Execute, Parse, Query, Target},
    startup::{StartupMessage, StartupPacket},
    take_frame,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_postgres::{Config, NoTls};

use crate::support::{Home, Proxy, admin, block_on, spawn};

const LOGIN: [&str; 5] = ["analytics-dev", "--db-user", "etl-writer", "--db-name", "dev"];

fn read_only(home: &Home) -> Proxy {
    home.proxy(&[&LOGIN[..], &["--port", "0", "--read-only"]].concat())
}

/// A table of the test's own, which the user may do anything with.
fn table(name: &str) -> tokio_postgres::Client {
    let admin = admin("analytics-dev");
    let sql = format!(
        "drop table if exists {name}; create table {name} (a int); insert into {name} values (1), (2), (3); grant all on {name} to public"
    );
    block_on(admin.batch_execute(&sql)).expect("the table is made");
    admin
}

fn rows(admin: &tokio_postgres::Client, name: &str) -> i64 {
    block_on(admin.query_one(&format!("select count(*) from {name}"), &[])).expect("it is counted").get(0)
}

#[test]
fn nothing_that_writes_gets_through_and_reading_does() {
    let home = Home::signed_in();
    let admin = table("ro_simple");
    let proxy = read_only(&home);
    assert_eq!(proxy.address["read_only"], true);
    for sql in [
        "delete from ro_simple",
        "with x as (delete from ro_simple returning *) select count(*) from x",
        "select 1; delete from ro_simple",
        "explain analyze delete from ro_simple",
        "begin read write; delete from ro_simple; commit",
        "set transaction read write",
        "set session characteristics as transaction read write",
        "set default_transaction_read_only = off",
        "select * into ro_new from ro_simple",
        "create temp table ro_temp (a int)",
        "do $$ begin delete from ro_simple; end $$",
        "prepare p as delete from ro_simple",
        "copy ro_simple from stdin",
        "truncate ro_simple",
        "vacuum",
        "select pg_terminate_backend(pg_backend_pid())",
        r"select 'a\'; delete from ro_simple; --'",
        "select 1into ro_new from ro_simple",
    ] {
        let said = proxy.sql(sql);
        assert_ne!(said.code, 0, "{sql}: {said:?}");
        assert!(said.err.contains("read-only connection"), "{sql}: {}", said.err);
    }
    assert_eq!(rows(&admin, "ro_simple"), 3);
    for (sql, out) in [
        ("select count(*) from ro_simple", "3\n"),
        ("with x as (select a from ro_simple) select max(a) from x", "3\n"),
        ("begin; select 1; commit", "BEGIN\n1\nCOMMIT\n"),
        ("copy (select 1) to stdout", "1\n"),
        ("set search_path to public; show search_path", "SET\npublic\n"),
        ("declare c cursor with hold for select 7; fetch all from c; close c", "DECLARE CURSOR\n7\nCLOSE CURSOR\n"),
    ] {
        assert_eq!(proxy.sql(sql).ok(), out, "{sql}");
    }
    // psql's own questions about the schema only read.
    let said = proxy.psql(&["-c", "\\d ro_simple", "-c", "\\dt", "-c", "\\df", "-c", "\\l"]).output().expect("psql");
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(!err.contains("read-only"), "{err}");
}

#[test]
fn a_refusal_is_in_the_audit_and_the_statement_is_not_forwarded() {
    let home = Home::signed_in();
    let proxy = read_only(&home);
    proxy.sql("drop table ro_never_there");
    let audit = home.run(&["audit", "ls"]).ok();
    let refused: Vec<&str> = audit.lines().filter(|line| line.contains("ro_never_there")).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    let refused: serde_json::Value = serde_json::from_str(refused[0]).expect("a line is JSON");
    assert_eq!(
        (&refused["event"], &refused["code"]),
        (&"db.session.query.refused".into(), &"PST04W".into()),
        "{refused}"
    );
    assert_eq!((&refused["sqlstate"], &refused["success"]), (&"25006".into(), &false.into()));
    let started = audit.lines().find(|line| line.contains("\"db.session.start\"")).expect("a session began");
    assert!(started.contains("\"read_only\":true"), "{started}");
    home.run(&["audit", "verify"]).ok();
}

#[test]
fn a_drivers_prepared_statements_are_judged_too_and_the_session_goes_on() {
    let home = Home::signed_in();
    let admin = table("ro_prepared");
    let proxy = read_only(&home);
    block_on(async {
        let mut config = Config::new();
        let user = proxy.address["user"].as_str().expect("a user");
        let (client, connection) = config
            .host("127.0.0.1")
            .port(proxy.port())
            .user(user)
            .dbname("dev")
            .connect(NoTls)
            .await
            .expect("it connects");
        spawn(connection);
        for _ in 0..3 {
            let error = client.prepare("delete from ro_prepared where a = $1").await.expect_err("it is refused");
            let told = error.as_db_error().expect("by an ErrorResponse");
            assert_eq!(
                (told.code().code(), told.message()),
                ("25006", "cannot execute DELETE in a read-only connection")
            );
            assert!(told.detail().is_some_and(|detail| detail.contains("delete from ro_prepared where a = $1")));
            assert!(told.hint().is_some());
            let row = client.query_one("select $1::int + 1", &[&41]).await.expect("the session goes on");
            assert_eq!(row.get::<_, i32>(0), 42);
        }
        // Many at once, good and bad, each with the answer that is its own.
        let reads = (0..50).map(|n| {
            let client = &client;
            async move {
                if n % 3 == 0 {
                    let error = client
                        .simple_query(&format!("delete from ro_prepared where a = {n}"))
                        .await
                        .expect_err("refused");
                    assert!(
                        error
                            .as_db_error()
                            .expect("by the proxy")
                            .detail()
                            .expect("which")
                            .ends_with(&format!("= {n}"))
                    );
                } else {
                    let row = client.query_one(&format!("select {n}::int"), &[]).await.expect("it reads");
                    assert_eq!(row.get::<_, i32>(0), n);
                }
            }
        });
        futures_util::future::join_all(reads).await;
    });
    assert_eq!(rows(&admin, "ro_prepared"), 3);
}

/// A client that says exactly what it is told to.
struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Raw {
    async fn connect(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.expect("it listens");
        let mut raw = Self { stream, buffer: BytesMut::new() };
        let user = proxy.address["user"].as_str().expect("a user");
        raw.send(|out| StartupPacket::Startup(StartupMessage::new([("user", user), ("database", "dev")])).encode(out))
            .await;
        assert_eq!(raw.answer().await.1, TransactionStatus::Idle);
        raw
    }

    async fn send(&mut self, encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>) {
        let mut out = BytesMut::new();
        encode(&mut out).expect("it can be encoded");
        self.stream.write_all(&out).await.expect("it is taken");
    }

    async fn receive(&mut self) -> Frame {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, 1 << 20).expect("the server speaks the protocol") {
                return frame;
            }
            let read = tokio::time::timeout(std::time::Duration::from_secs(30), self.stream.read_buf(&mut self.buffer));
            assert!(read.await.expect("an answer").expect("the connection lives") > 0, "the connection was closed");
        }
    }

    /// Tags up to ReadyForQuery without what a server says unasked, the status there, and the errors on the way.
    async fn answer(&mut self) -> (String, TransactionStatus, Vec<ErrorResponse>) {
        let (mut tags, mut errors) = (String::new(), Vec::new());
        loop {
            let frame = self.receive().await;
            match frame.tag {
                b'E' => errors.push(ErrorResponse::decode(&frame.body).expect("an error")),
                b'Z' => return (tags + "Z", ReadyForQuery::decode(&frame.body).expect("a status").status, errors),
                b'S' | b'N' | b'R' | b'K' => continue,
                _ => {}
            }
            tags.push(frame.tag.into());
        }
    }

    async fn ask(&mut self, sql: &str) -> (String, TransactionStatus, Vec<ErrorResponse>) {
        self.send(|out| Query::new(sql).encode(out)).await;
        self.answer().await
    }
}

fn prepared(out: &mut BytesMut, name: &str, sql: &str) -> Result<(), EncodeError> {
    Parse { name: name.into(), sql: sql.into(), types: vec![] }.encode(out)?;
    Bind { portal: "".into(), statement: name.into(), parameters: vec![], results: vec![] }.encode(out)?;
    Describe { target: Target::Portal("".into()) }.encode(out)?;
    Execute { portal: "".into(), max_rows: 0 }.encode(out)
}

#[test]
fn after_a_refusal_the_status_is_the_servers_and_the_batch_is_skipped() {
    let home = Home::signed_in();
    let admin = table("ro_batch");
    let proxy = read_only(&home);
    block_on(async {
        let mut raw = Raw::connect(&proxy).await;
        // In a transaction, a refused statement fails it as on any server, and only ROLLBACK helps.
        assert_eq!(raw.ask("begin").await.1, TransactionStatus::InTransaction);
        let (tags, status, errors) = raw.ask("delete from ro_batch").await;
        assert_eq!((tags.as_str(), status, errors[0].sqlstate()), ("EZ", TransactionStatus::Failed, "25006"));
        let (tags, status, errors) = raw.ask("select 1").await;
        assert_eq!((tags.as_str(), status, errors[0].sqlstate()), ("EZ", TransactionStatus::Failed, "25P02"));
        let (_, status, errors) = raw.ask("delete from ro_batch").await;
        assert_eq!((status, errors.len()), (TransactionStatus::Failed, 1));
        assert_eq!(raw.ask("rollback").await.1, TransactionStatus::Idle);

        // A batch: what is before the refused Parse is answered, the rest is skipped up to the Sync.
        raw.send(|out| {
            prepared(out, "", "select 1")?;
            prepared(out, "bad", "delete from ro_batch")?;
            prepared(out, "", "select 2")?;
            Empty::Sync.encode(out);
            prepared(out, "", "select 3")?;
            Empty::Sync.encode(out);
            Ok(())
        })
        .await;
        let (tags, status, errors) = raw.answer().await;
        assert_eq!((tags.as_str(), status, errors[0].sqlstate()), ("12TDCEZ", TransactionStatus::Idle, "25006"));
        let (tags, status, errors) = raw.answer().await;
        assert_eq!((tags.as_str(), status, errors.len()), ("12TDCZ", TransactionStatus::Idle, 0));

        // The name was never made.
        raw.send(|out| {
            Bind { portal: "".into(), statement: "bad".into(), parameters: vec![], results: vec![] }.encode(out)?;
            Empty::Sync.encode(out);
            Ok(())
        })
        .await;
        assert_eq!(raw.answer().await.2[0].sqlstate(), "26000");

        // Who flushes in place of syncing is told at once.
        raw.send(|out| {
            Parse { name: "f".into(), sql: "update ro_batch set a = 0".into(), types: vec![] }.encode(out)?;
            Empty::Flush.encode(out);
            Ok(())
        })
        .await;
        let frame = raw.receive().await;
        assert_eq!((frame.tag, ErrorResponse::decode(&frame.body).expect("an error").sqlstate()), (b'E', "25006"));
        raw.send(|out| {
            Empty::Sync.encode(out);
            Ok(())
        })
        .await;
        assert_eq!(raw.answer().await.0, "Z");

        // Another error before it hides it: the server skips both.
        raw.send(|out| {
            prepared(out, "", "select nothing_like_it")?;
            prepared(out, "", "delete from ro_batch")?;
            Empty::Sync.encode(out);
            Ok(())
        })
        .await;
        let (tags, _, errors) = raw.answer().await;
        assert_eq!((tags.as_str(), errors[0].sqlstate()), ("EZ", "42703"));

        // A function call by number, lo_unlink among them.
        raw.send(|out| {
            out.extend_from_slice(b"F\0\0\0\x0e\0\0\x03\xc4\0\0\0\0\0\0");
            Ok(())
        })
        .await;
        let (tags, status, errors) = raw.answer().await;
        assert_eq!((tags.as_str(), status, errors[0].sqlstate()), ("EZ", TransactionStatus::Idle, "25006"));

        // A statement longer than what is read of it, in pieces; what follows is found again.
        let long = format!("select '{}'", "x".repeat(3 << 20));
        raw.send(|out| Query::new(long.as_str()).encode(out)).await;
        let (tags, _, errors) = raw.answer().await;
        assert_eq!((tags.as_str(), errors[0].sqlstate()), ("EZ", "25006"));
        assert!(errors[0].message().contains("more than"), "{}", errors[0]);
        assert_eq!(raw.ask("select 1").await.0, "TDCZ");

        // Everything at once.
        raw.send(|out| {
            for _ in 0..20 {
                Query::new("delete from ro_batch").encode(out)?;
                Query::new("select 1").encode(out)?;
            }
            Ok(())
        })
        .await;
        for _ in 0..20 {
            assert_eq!(raw.answer().await.0, "EZ");
            assert_eq!(raw.answer().await.0, "TDCZ");
        }
    });
    assert_eq!(rows(&admin, "ro_batch"), 3);
}

#[test]
fn what_a_client_asks_for_at_the_start_does_not_undo_it() {
    let home = Home::signed_in();
    let admin = table("ro_start");
    let proxy = read_only(&home);
    let uri = proxy.address["uri"].as_str().expect("a URI").to_owned();
    let separator = if uri.contains('?') { '&' } else { '?' };
    for options in [
        "options=-c%20default_transaction_read_only%3Doff",
        "client_encoding=SJIS",
        "options=-c%20client_encoding%3DSJIS",
        "options=-c%20standard_conforming_strings%3Doff",
    ] {
        let said = std::process::Command::new("psql")
            .args(["-X", "-At", &format!("{uri}{separator}{options}"), "-c", "show client_encoding"])
            .args(["-c", "delete from ro_start"])
            .stdin(std::process::Stdio::null())
            .output()
            .expect("psql is installed");
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(out.starts_with("UTF8"), "{options}: {out} {err}");
        assert!(err.contains("read-only connection"), "{options}: {err}");
    }
    assert_eq!(rows(&admin, "ro_start"), 3);
}

#[test]
fn the_command_reads_with_parameters_and_writes_nothing() {
    let home = Home::signed_in();
    let admin = table("ro_exec");
    let exec = |more: &[&str]| home.run(&[&["db", "exec"], &LOGIN[..], more].concat());
    let sql = "select a, :word as word from ro_exec where a >= :least and :word <> '' order by a";
    let csv = ["--format", "csv", "--param", "least:number=2", "--param", "word:text='; drop table ro_exec; --"];
    let out = exec(&[&[sql, "--read-only"], &csv[..]].concat()).ok();
    assert_eq!(out, "a,word\n2,'; drop table ro_exec; --\n3,'; drop table ro_exec; --\n");
    let said = exec(&["delete from ro_exec", "--read-only"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("25006") || said.err.contains("read-only connection"), "{}", said.err);
    assert_eq!(rows(&admin, "ro_exec"), 3);
    // Without a value nothing runs, not even what needs none.
    let said = exec(&["delete from ro_exec; select :missing"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--param missing="), "{}", said.err);
    assert_eq!(rows(&admin, "ro_exec"), 3);
    // An error marks the place in what was written, not in what was sent.
    let said = exec(&["select '한글', :a_long_name, nothing_like_it", "--param", "a_long_name=1"]);
    let marked = said.err.lines().find(|line| line.contains('^')).expect("a mark").to_owned();
    assert!(marked.ends_with("^^^^^^^^^^^^^^^"), "{}", said.err);
    assert_eq!(marked.matches('^').count(), "nothing_like_it".len(), "{}", said.err);
    let audit = home.run(&["audit", "ls", "--event", "db.session.postgres.statements"]).ok();
    assert!(audit.contains("select a, $1 as word") && audit.contains("; drop table ro_exec"), "{audit}");
    let said = home.run(&[&["db", "connect"], &LOGIN[..], &["--read-only", "--", "-c", "drop table ro_exec"]].concat());
    assert!(said.code != 0 && said.err.contains("read-only connection"), "{said:?}");
}
