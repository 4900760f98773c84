//! The database half of the sandbox, through psql: logins, what Redshift looks like, cancels, the log of queries.
//!
//! One sandbox serves all tests of this file; a test that breaks something has a workgroup of its own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod phases;
mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use postern_sandbox::Sandbox;
use support::{Psql, Wire, block_on, sandbox, start, until};
use time::OffsetDateTime;

const READER: &str = "bi-readonly";

#[test]
fn psql_logs_in_over_verified_tls_and_meets_redshift() {
    let reader = Psql::on("analytics-prod", READER);
    let version = reader.value("select version()");
    assert!(version.starts_with("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC"), "{version}");
    assert!(version.contains("Redshift 1.0."), "{version}");
    assert_eq!(reader.value("select current_user"), "IAMR:bi-readonly");
    assert_eq!(reader.value("\\echo :SERVER_VERSION_NAME"), "8.0.2");
    assert!(reader.value("\\conninfo").contains("TLSv1.3"));
    assert!(reader.value("select pg_backend_pid()").parse::<i32>().unwrap() > 1 << 30);
    assert!(reader.error("select * from pg_range").contains("relation \"pg_range\" does not exist"));
    assert_eq!(reader.value("show search_path"), "\"$user\", public");
}

#[test]
fn the_shop_is_the_same_in_every_sandbox() {
    let reader = Psql::on("analytics-prod", READER);
    assert_eq!(reader.value("select count(*) from mart.order_lines"), "4000");
    assert_eq!(reader.value("select name from public.customers where customer_id = 1"), "최현우");
    assert!(reader.value("select count(*) from mart.refunds where reason is null").parse::<i32>().unwrap() > 0);
    assert!(reader.value("select max(length(attributes)) from products").parse::<i32>().unwrap() > 500);
    let tree = reader.value("select count(*) from svv_all_tables where schema_name in ('public', 'mart')");
    assert_eq!(tree, "6");
    let column = "select data_type, numeric_precision, numeric_scale from svv_all_columns \
        where table_name = 'daily_sales' and column_name = 'revenue'";
    assert_eq!(reader.value(column), "numeric|18|2");
    assert_eq!(reader.value("select count(*) from svv_external_tables"), "0");
}

#[test]
fn roles_have_the_rights_they_were_granted_and_new_users_those_of_public() {
    let update = "update mart.orders set coupon = 'x' where order_id = 1";
    let reader = Psql::on("analytics-prod", READER);
    assert!(reader.error(update).contains("permission denied for table orders"));
    assert!(Psql::on("analytics-prod", "etl-writer").run(update).is_ok());
    let newcomer = Psql::on("analytics-prod", "marketing-viewer");
    assert!(newcomer.error("select * from mart.orders").contains("permission denied for schema mart"));
    assert_eq!(newcomer.value("select count(*) from svv_all_tables where schema_name = 'mart'"), "0");
    let guide = Psql::on("analytics-prod", "teleport-redshift-serverless-access");
    assert_eq!(guide.value("select count(*) from mart.orders"), "1000");
    assert!(guide.in_database("analytics").error("select * from mart.orders").contains("permission denied"));
}

#[test]
fn an_expired_password_and_a_wrong_one_are_told_apart() {
    let mut psql = Psql::on("analytics-prod", READER);
    psql.password = sandbox().issue("analytics-prod", READER, OffsetDateTime::now_utc() - time::Duration::minutes(1));
    assert!(psql.error("select 1").contains("FATAL:  IAM Authentication token has expired"));
    psql.password = "guess".to_owned();
    let wrong = psql.error("select 1");
    assert!(wrong.contains("FATAL:  password authentication failed for user \"IAMR:bi-readonly\""), "{wrong}");
}

#[test]
fn a_login_in_plaintext_is_refused_as_with_require_ssl() {
    let mut psql = Psql::on("analytics-prod", READER);
    psql.options.push("sslmode=disable".to_owned());
    let refused = psql.error("select 1");
    assert!(refused.contains("no pg_hba.conf entry for host"), "{refused}");
    assert!(refused.contains("SSL off"), "{refused}");
}

#[test]
fn a_certificate_is_only_good_for_its_own_workgroup() {
    let mut psql = Psql::on("analytics-prod", READER);
    let other = psql.host.replace("analytics-prod", "events-prod");
    psql.host = other;
    assert!(psql.error("select 1").contains("server certificate for"));
}

#[test]
fn parameters_that_postgresql_does_not_know_are_taken_and_too_many_float_digits_are_not() {
    let login = |extra: &[(&str, &str)]| block_on(support::raw_login("analytics-prod", READER, extra));
    let reported =
        login(&[("plugin_name", "x"), ("client_protocol_version", "3"), ("application_name", "app")]).unwrap();
    assert_eq!(reported["server_version"], "8.0.2");
    assert_eq!(reported["client_encoding"], "UNICODE");
    assert_eq!(reported["server_protocol_version"], "1");
    assert!(reported.contains_key("driver_token"));
    assert_eq!(login(&[("client_protocol_version", "0")]).unwrap()["server_protocol_version"], "0");
    assert!(!login(&[]).unwrap().contains_key("server_protocol_version"));
    assert_eq!(login(&[("client_encoding", "UTF8")]).unwrap()["client_encoding"], "UTF8");
    assert!(login(&[("extra_float_digits", "2")]).is_ok());
    let (code, message) = login(&[("extra_float_digits", "3")]).unwrap_err();
    assert_eq!(code, "22023");
    assert!(message.contains("outside the valid range for parameter \"extra_float_digits\""), "{message}");
}

#[test]
fn a_driver_of_redshift_is_told_where_each_column_comes_from() {
    let sql = "select order_id, coupon as code, 1 as one, lower(status) from mart.orders limit 0";
    let described = |extra: &[(&str, &str)]| {
        block_on(async {
            let (mut wire, _) = Wire::log_in("analytics-prod", READER, extra).await.unwrap();
            wire.description(sql).await
        })
    };
    let (plain, longer) = (described(&[]), described(&[("client_protocol_version", "2")]));
    let mut expected = plain[..2].to_vec();
    let mut rest = &plain[2..];
    for (name, more) in [
        ("order_id", &b"mart\0orders\0order_id\0dev\0\x10\x00"[..]),
        ("code", b"mart\0orders\0coupon\0dev\0\x10\x01"),
        ("one", b"\0\0\0\0\x01\x01"),
        ("lower", b"\0\0\0\0\x01\x01"),
    ] {
        let (field, after) = rest.split_at(name.len() + 1 + 18);
        assert!(field.starts_with(name.as_bytes()));
        expected.extend([field, more].concat());
        rest = after;
    }
    assert!(rest.is_empty());
    assert_eq!(longer, expected);
}

#[test]
fn what_a_client_says_at_start_up_is_kept_for_the_administrator() {
    let sent = [("driver_version", "a 1.0"), ("plugin_name", "p;q"), ("idp_type", "AwsIdc"), ("odd", "")];
    block_on(async {
        let (_wire, _) = Wire::log_in("analytics-prod", READER, &sent).await.unwrap();
        let sandbox = sandbox().sandbox();
        let admin = &sandbox.description().admin;
        let mut config = tokio_postgres::Config::new();
        config.host(&admin.host).user(&admin.user).password(&admin.password).dbname("dev");
        config.port(sandbox.admin_port("analytics-prod").unwrap());
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let find = "select startup::text from pg_internal.session_log where startup::text like '%p;q%'";
        let rows = loop {
            let rows = client.query(find, &[]).await.unwrap();
            if !rows.is_empty() {
                break rows;
            }
            tokio::task::yield_now().await;
        };
        let startup: Vec<(String, String)> = serde_json::from_str(rows[0].get(0)).unwrap();
        let startup: Vec<_> = startup.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let first = [("user", "IAMR:bi-readonly"), ("database", "dev")];
        assert_eq!(startup, [&first[..], &sent[..]].concat());
    });
}

#[test]
fn a_query_is_in_the_log_while_it_runs_and_once_when_it_has_ended() {
    let reader = Psql::on("events-prod", READER);
    let running = reader.spawn("select 'needle-live', pg_sleep(60)");
    let find = |columns: &str| {
        reader.value(&format!(
            "select {columns} from sys_query_history where query_text like '%''needle-live%' \
             and query_text not like '%sys_query%'"
        ))
    };
    let live = until(|| {
        Some(find("query_id, session_id, trim(status), trim(username), trim(query_type)")).filter(|row| !row.is_empty())
    });
    let row: Vec<&str> = live.split('|').collect();
    assert_eq!(row[2..], ["running", "IAMR:bi-readonly", "SELECT"]);
    assert_eq!(find("octet_length(status)"), "10");

    let asked = Instant::now();
    assert_eq!(reader.value(&format!("select pg_cancel_backend({})", row[1])), "t");
    until(|| Some(find("trim(status)")).filter(|status| status == "canceled"));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let ended = running.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let sentence = format!("Query ({}) cancelled on user's request", row[0]);
    assert!(told.contains(&sentence), "{told}");
    assert_eq!(find("query_id, trim(status), trim(error_message)"), format!("{}|canceled|{sentence}", row[0]));
}

#[test]
fn finished_queries_tell_how_they_ended_what_they_returned_and_all_of_their_text() {
    let writer = Psql::on("events-prod", "etl-writer");
    writer.run("begin; update mart.orders set coupon = null where order_id <= 3; commit").unwrap();
    writer.run("select generate_series(1, 7) as needle_rows").unwrap();
    writer.error("select needle_missing");
    writer.error("select 1 where 'x");
    let log = |like: &str| {
        writer.value(&format!(
            "select trim(query_type), trim(status), returned_rows, trim(error_message) from sys_query_history \
             where query_text like '{like}'"
        ))
    };
    assert_eq!(log("update mart.orders set coupon = null%"), "UPDATE|success|3|");
    assert_eq!(log("select generate_series(1, 7)%"), "SELECT|success|7|");
    assert_eq!(log("select needle_missing%"), "SELECT|failed|0|column \"needle_missing\" does not exist");
    let long = format!("select '{}' as needle_long", "긴".repeat(6000));
    writer.run(&long).unwrap();
    let pieces = "select count(*), sum(length(rtrim(text))) from sys_query_text where query_id = \
        (select query_id from sys_query_text where text like 'select ''긴%' and sequence = 0)";
    assert_eq!(writer.value(pieces), format!("2|{}", long.chars().count()));
    let transactions = "select count(distinct transaction_id), count(*) from sys_query_history \
        where query_text in ('begin', 'commit') or query_text like 'update mart.orders set coupon = null%'";
    assert_eq!(writer.value(transactions), "1|3");
}

#[test]
fn a_prepared_statement_read_in_portions_is_one_query() {
    let statement = "select generate_series(1, 10) as needle_portal";
    let rows = block_on(support::fetch_in_portions("events-prod", READER, statement, 4));
    assert_eq!(rows, 10);
    let reader = Psql::on("events-prod", READER);
    let log = "select trim(status), returned_rows from sys_query_history where query_text like '%needle_portal%' \
        and query_text not like '%sys_query%'";
    assert_eq!(reader.value(log), "success|10");
}

#[test]
fn ordinary_users_see_and_cancel_only_their_own_queries_and_operators_everybodys() {
    let (reader, writer) = (Psql::on("ml-dev", READER), Psql::on("ml-dev", "etl-writer"));
    let running = reader.spawn("select 'needle-mine', pg_sleep(60)");
    let session = "select session_id from sys_query_history where status = 'running' and query_text like '%needle-mine%' \
        and session_id <> pg_backend_pid()";
    let pid = until(|| Some(reader.value(session)).filter(|pid| !pid.is_empty()));
    assert_eq!(writer.value(session), "");
    let refused = writer.error(&format!("select pg_terminate_backend({pid})"));
    assert!(refused.contains("must be superuser to signal other server processes"), "{refused}");
    let operator = Psql::on("ml-dev", "warehouse-admin");
    assert_eq!(operator.value(session), pid);
    let unknown = operator.run("select pg_cancel_backend(1073750177)").unwrap();
    assert!(unknown.stderr.contains("Session 1073750177 does not exist. The session PID might have changed."));
    operator.run(&format!("cancel {pid} 'too long'")).unwrap();
    let told = running.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&told.stderr).contains("ERROR:  too long"));
}

#[test]
fn a_cancel_request_on_the_wire_stops_the_query() {
    let reader = Psql::on("ml-dev", READER);
    let mut running = reader.spawn("select 'needle-wire', pg_sleep(60)");
    let live = "select count(*) from sys_query_history where status = 'running' and query_text like '%''needle-wire%' \
        and session_id <> pg_backend_pid()";
    until(|| (reader.value(live) == "1").then_some(()));
    // psql turns SIGINT into a CancelRequest, which libpq 15 sends in plaintext even for a session with TLS.
    let interrupted = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let code = until(|| running.try_wait().unwrap());
    assert!(!code.success());
    assert_eq!(reader.value(live), "0");
}

#[test]
fn a_terminated_session_is_told_so_and_its_query_ends_in_the_log() {
    let reader = Psql::on("ml-dev", READER);
    let running = reader.spawn("select 'needle-terminate', pg_sleep(60)");
    let find = |columns: &str| {
        reader.value(&format!(
            "select {columns} from sys_query_history where query_text like '%''needle-terminate%' and session_id <> pg_backend_pid()\
             and query_text not like '%sys_query%'"
        ))
    };
    let pid = until(|| Some(find("session_id")).filter(|pid| !pid.is_empty()));
    assert_eq!(reader.value(&format!("select pg_terminate_backend({pid})")), "t");
    let told = running.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&told.stderr).contains("terminating connection due to administrator command"));
    until(|| (find("trim(status)") == "canceled").then_some(()));
    let session =
        format!("select trim(status) from sys_session_history where session_id = {pid} and end_time is not null");
    until(|| (reader.value(&session) == "closed").then_some(()));
}

#[test]
fn a_lock_that_is_waited_for_shows_as_lock_wait_time() {
    let writer = Psql::on("analytics-stage", "etl-writer");
    let holder =
        writer.spawn("begin; update mart.orders set coupon = 'needle-holds' where order_id = 9; select pg_sleep(60)");
    let live = |like: &str, columns: &str| {
        writer.value(&format!(
            "select {columns} from sys_query_history where status = 'running' and query_text like '{like}' \
             and session_id <> pg_backend_pid()"
        ))
    };
    // PostgreSQL holds back what it has to say of the first statements until the last has ended.
    let pid = until(|| Some(live("begin%", "session_id")).filter(|pid| !pid.is_empty()));
    let waiter = writer.spawn("update mart.orders set coupon = 'needle-waits' where order_id = 9");
    until(|| (live("%needle-waits%", "lock_wait_time > 0") == "t").then_some(()));
    writer.run(&format!("select pg_terminate_backend({pid})")).unwrap();
    assert!(!holder.wait_with_output().unwrap().status.success());
    assert!(waiter.wait_with_output().unwrap().status.success());
}

#[test]
fn what_an_administrator_runs_for_a_new_user_is_understood() {
    let mut admin = Psql::on("analytics-stage", "x");
    admin.user = "admin".to_owned();
    admin.password.clone_from(&sandbox().sandbox().description().admin.password);
    admin.run("CREATE USER \"IAMR:needle-new\" WITH PASSWORD DISABLE").unwrap();
    admin.run("GRANT USAGE ON SCHEMA mart TO \"IAMR:needle-new\"").unwrap();
    admin.run("GRANT SELECT ON TABLE mart.orders TO \"IAMR:needle-new\"").unwrap();
    let newcomer = Psql::on("analytics-stage", "needle-new");
    assert_eq!(newcomer.value("select count(*) from mart.orders"), "1000");
    let others = "select count(*) from sys_query_history where username = 'admin'";
    assert_eq!(newcomer.value(others), "0");
    admin.run("GRANT ROLE sys:monitor TO \"IAMR:needle-new\"").unwrap();
    assert_eq!(newcomer.value(others), "4");
    newcomer.run("set enable_case_sensitive_identifier to true; select 1").unwrap();
}

#[test]
fn the_port_behind_a_workgroup_is_for_its_superuser_alone() {
    let port = sandbox().sandbox().admin_port("analytics-stage").unwrap();
    let admin = &sandbox().sandbox().description().admin;
    let url = format!("postgres://{}:{}@{}:{port}/dev?sslmode=prefer", admin.user, admin.password, admin.host);
    let run = |url: &str| {
        Command::new("psql").args(["-Atqc", "select usesuper from pg_user where usename = user", url]).output()
    };
    assert_eq!(String::from_utf8_lossy(&run(&url).unwrap().stdout).trim(), "t");
    let others = [url.replace("//postgres:", "//rdsdb:"), url.replace(&admin.password, "guess")];
    for url in others {
        assert!(!run(&url).unwrap().status.success(), "{url}");
    }
}

#[test]
fn faults_hurt_one_workgroup_and_end_when_they_are_taken_back() {
    let faults = sandbox().sandbox().faults("finance-prod").unwrap();
    let reader = Psql::on("finance-prod", READER);
    faults.refuse(true);
    until(|| reader.run("select 1").err().filter(|error| error.contains("Connection refused")));
    faults.refuse(false);
    until(|| reader.run("select 1").ok());

    let open = reader.spawn("select pg_sleep(60)");
    let live = "select count(*) from sys_query_history where status = 'running' and query_text like '%pg_sleep%' \
        and session_id <> pg_backend_pid()";
    until(|| (reader.value(live) == "1").then_some(()));
    block_on(faults.crash_database());
    assert!(!open.wait_with_output().unwrap().status.success());
    assert_eq!(reader.value(live), "0");
    assert_eq!(reader.value("select count(*) from mart.order_lines"), "4000");

    faults.hang_after_cancel(true);
    let mut hung = reader.spawn("select 'needle-hang', pg_sleep(60)");
    until(|| (reader.value(live) == "1").then_some(()));
    reader.run(&format!("select pg_cancel_backend(({}))", live.replace("count(*)", "max(session_id)"))).unwrap();
    until(|| (reader.value(live) == "0").then_some(()));
    assert!(hung.try_wait().unwrap().is_none(), "the client was told");
    faults.reset_sessions();
    let ended = hung.wait_with_output().unwrap();
    assert!(!ended.status.success());
    faults.hang_after_cancel(false);
}

#[test]
fn open_sessions_are_reset_or_closed_on_demand() {
    let faults = sandbox().sandbox().faults("analytics-dev").unwrap();
    let log_in = || block_on(Wire::log_in("analytics-dev", READER, &[])).unwrap().0;
    let mut closed = log_in();
    faults.half_close_sessions();
    assert_eq!(block_on(closed.end()).unwrap(), 0);
    let mut reset = log_in();
    faults.reset_sessions();
    assert_eq!(block_on(reset.end()).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);

    let reader = Psql::on("analytics-dev", READER);
    faults.reset_new(true);
    assert!(reader.run("select 1").is_err());
    faults.reset_new(false);
    faults.delay_logins(Duration::from_millis(300));
    let asked = Instant::now();
    reader.value("select 1");
    assert!(asked.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_folder_that_postgresql_cannot_work_in_is_no_obstacle() {
    let closed = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let dir = closed.path().join("a-name-so-long-that-no-socket-fits-below-it-".repeat(3));
    block_on(async {
        let sandbox = start(&dir).await;
        let psql = Psql::with(&sandbox, "analytics-prod", READER);
        let faults = sandbox.faults("analytics-prod").unwrap();
        let (version, expired) = tokio::task::spawn_blocking(move || {
            let version = psql.value("select version()");
            faults.expire_passwords_now();
            (version, psql.error("select 1"))
        })
        .await
        .unwrap();
        assert!(version.contains("Redshift"), "{version}");
        assert!(expired.contains("IAM Authentication token has expired"), "{expired}");
        sandbox.stop().await;
    });
    assert!(!dir.exists());
}

#[test]
fn two_sandboxes_run_side_by_side_and_nothing_of_a_stopped_one_is_left() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("side-by-side-{}", std::process::id()));
    let shared = sandbox().sandbox();
    let (address, place) = block_on(async {
        let second: Sandbox = start(&dir).await;
        let analytics = second.description().database("analytics-prod").unwrap();
        let address = format!("{}:{}", analytics.host, analytics.port);
        let first = shared.description().database("analytics-prod").unwrap();
        assert_ne!(first.port, analytics.port);
        let psql = Psql::with(&second, "analytics-prod", READER);
        tokio::task::spawn_blocking(move || psql.value("select 1")).await.unwrap();
        let admin = &second.description().admin;
        let url = format!("postgres://{}:{}@{}:{}/dev", admin.user, admin.password, admin.host, admin.port);
        let socket = Command::new("psql").args(["-Atqc", "show unix_socket_directories", &url]).output().unwrap();
        let socket = String::from_utf8(socket.stdout).unwrap().trim().to_owned();
        assert!(Path::new(&socket).is_absolute(), "{socket}");
        second.stop().await;
        (address, socket)
    });
    assert!(!dir.exists());
    assert!(!Path::new(&place).exists());
    assert!(std::net::TcpStream::connect(address).is_err());
    let left = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&left.stdout).contains(&place), "PostgreSQL still runs");
}

#[test]
fn a_password_from_get_credentials_opens_the_database() {
    let shared = sandbox().sandbox();
    let mut psql = Psql::on("events-prod", "marketing-viewer");
    let (user, password) = block_on(support::get_credentials(shared, "events-prod", "marketing-viewer"));
    assert_eq!(user, psql.user);
    psql.password = password;
    assert_eq!(psql.value("select current_user"), "IAMR:marketing-viewer");
}

#[test]
fn the_program_says_what_it_offers_and_takes_everything_away_when_told_to_stop() {
    let mut program = support::Program::start();
    let place = program.place();
    assert!(place.exists());
    program.signal("-TERM");
    assert!(program.wait().success());
    until(|| (!place.exists() && !program.dir.exists()).then_some(()));
}

#[test]
fn nothing_survives_even_when_the_program_is_killed() {
    let mut program = support::Program::start();
    let place = program.place();
    program.signal("-KILL");
    program.wait();
    until(|| (!place.exists() && !program.dir.exists()).then_some(()));
    until(|| {
        let left = Command::new("ps").args(["-eo", "args"]).output().unwrap();
        (!String::from_utf8_lossy(&left.stdout).contains(&*place.to_string_lossy())).then_some(())
    });
}
