//! What runs on a server, as three kinds of servers tell it, and what a login is told of what it cannot see.

use std::time::Duration;

use postern_ipc::{
    activity::{Activity, ActivityRequest, ActivityScope, ActivitySource, CancelOutcome, Query, QueryDetailsRequest},
    databases::Target,
    error::ErrorCode,
};
use postern_sandbox::PlainPostgres;

use crate::{
    app::{App, PASSWORDS, target},
    support::{PROVISIONED, admin, block_on, description, plain_postgres},
};

const SHIFT: Duration = Duration::from_secs(3600);

fn as_user(database: &str, db_user: &str) -> Target {
    Target { db_user: db_user.into(), ..target(database) }
}

async fn read(app: &App, target: Target, finished: u32) -> Activity {
    app.host.activity_list(ActivityRequest::of(target, finished)).await.expect("the list")
}

/// Reads until there is a query whose text holds these words and that is as wanted.
async fn query_where(app: &App, target: &Target, words: &str, wanted: impl Fn(&Query) -> bool) -> (Activity, Query) {
    let look = async {
        loop {
            let list = read(app, target.clone(), 50).await;
            if let Some(query) = list.queries.iter().find(|query| query.text.contains(words) && wanted(query)) {
                let query = query.clone();
                return (list, query);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.expect("it is listed within a minute")
}

async fn details(app: &App, target: &Target, query: &Query) -> postern_ipc::activity::QueryDetails {
    let request = QueryDetailsRequest {
        target: target.clone(),
        session_id: query.session_id,
        query_id: query.query_id.clone(),
        start_time: query.start_time,
    };
    app.host.activity_details(request).await.expect("its details")
}

/// Makes the view of a database one of an older track: without some of its columns.
async fn without(admin: &tokio_postgres::Client, columns: &[&str]) {
    let kept = admin
        .query(
            "select attname from pg_attribute where attrelid = 'pg_catalog.sys_query_history'::regclass and attnum > 0 \
             order by attnum",
            &[],
        )
        .await
        .expect("its columns");
    let kept: Vec<String> =
        kept.iter().map(|row| row.get(0)).filter(|name: &String| !columns.contains(&&**name)).collect();
    admin
        .batch_execute(&format!(
            "set allow_system_table_mods = on; \
             alter view pg_catalog.sys_query_history rename to pg_internal_newest_history; \
             create view pg_catalog.sys_query_history as select {} from pg_catalog.pg_internal_newest_history; \
             grant select on pg_catalog.sys_query_history to public",
            kept.join(", ")
        ))
        .await
        .expect("it is another track");
}

#[test]
fn a_track_without_later_columns_is_read_by_those_it_has() {
    let app = App::open();
    let database = "events-prod";
    let admin = admin(database);
    block_on(async {
        let gone = ["planning_time", "username", "returned_bytes", "generic_query_hash", "error_message"];
        without(&admin, &gone).await;
        let tab = app.tab(database).await;
        app.run(&tab, "select 1 as older_track").await;
        let (list, query) = query_where(&app, &target(database), "older_track", |query| !query.live).await;
        admin
            .batch_execute(
                "set allow_system_table_mods = on; drop view pg_catalog.sys_query_history; \
                 alter view pg_catalog.pg_internal_newest_history rename to sys_query_history",
            )
            .await
            .expect("the track is as it was");
        assert_eq!(list.source, ActivitySource::History);
        // Named by its number there.
        assert_eq!(query.user, "IAMR:bi-readonly");
        assert_eq!((query.rows, query.bytes, query.hash), (1, 0, None));
        assert!(query.elapsed_ms >= query.execution_ms);
    });
}

#[test]
fn a_text_of_any_length_is_whole_with_its_line_ends() {
    let app = App::open();
    let database = "analytics-dev";
    block_on(async {
        let tab = app.tab(database).await;
        // An end of a line lies across the 4,000th character.
        let head = format!("select 1 as long_text, '{}'", "x".repeat(4000 - 26));
        let sql = format!("{head}\n , '한글',\n '{}'", "y".repeat(5000));
        app.run(&tab, &sql).await;
        let (list, query) = query_where(&app, &target(database), "long_text", |query| !query.live).await;
        assert_eq!(query.text.chars().count(), 4000, "the list has the beginning");
        assert!(query.bytes > 0 && query.hash.is_some(), "{query:?}");
        let found = details(&app, &target(database), &query).await;
        assert_eq!(found.text.as_deref(), Some(&*sql));
        assert!(found.whole);
        let session = found.session.expect("its session");
        assert_eq!(session.status, "active");
        assert!(session.since <= query.start_time + 1000 && session.until.is_none());
        // A list may have less of each.
        let request = ActivityRequest { text: Some(10), ..ActivityRequest::of(target(database), 50) };
        let short = app.host.activity_list(request).await.expect("the list");
        assert!(short.queries.iter().all(|query| query.text.chars().count() <= 10));
        assert!(list.queries.iter().all(|query| !query.text.contains("postern activity")));
    });
}

#[test]
fn the_wanted_time_and_number_are_read_and_a_cut_is_told() {
    let app = App::open();
    let database = "ml-dev";
    let admin = admin(database);
    block_on(async {
        read(&app, target(database), 0).await;
        // Three hours of queries, one a second, all of them ended; one of them began before them and ended among the last.
        admin
            .batch_execute(
                "insert into pg_internal.query_log (query_id, user_id, username, transaction_id, session_id, database_name, \
                   query_type, status, start_us, end_us, phase_us, planning_us, compile_us, queue_us, lock_us, error_message, \
                   returned_rows, returned_bytes, query_text) \
                 select n, 1000, 'IAMR:bi-readonly', n, 1073741999, 'dev', 'SELECT', 'success', now_us - n * 1000000::bigint, \
                   now_us - n * 1000000::bigint + 100000, 0, 0, 0, 0, 0, '', 1, 8, 'select ' || n || ' as of_long_ago' \
                 from generate_series(1, 10800) as n, (select pg_internal_now_us() as now_us) as clock; \
                 update pg_internal.query_log set end_us = pg_internal_now_us() - 60000000 where query_id = 10800",
            )
            .await
            .expect("they are noted");
        let wanted = async |finished, last_s: u64| {
            let request =
                ActivityRequest { last_ms: Some(last_s * 1000), ..ActivityRequest::of(target(database), finished) };
            let list = app.host.activity_list(request).await.expect("the list");
            let count = list.queries.iter().filter(|query| query.text.contains("of_long_ago")).count();
            (list, count)
        };
        let (list, hour) = wanted(10_000, 3600).await;
        assert!((3590..=3602).contains(&hour), "{hour}");
        assert!(!list.cut);
        assert!(list.queries.iter().any(|query| query.query_id == "10800"), "it ended within the hour");
        let (list, all) = wanted(10_000, 7 * 86_400).await;
        assert!(list.cut && all <= 10_000, "{all}");
        let oldest = list.queries.iter().map(|query| query.start_time).min();
        assert!(oldest.is_some_and(|oldest| oldest + 10_100_000 > list.server_now), "the oldest are left out");
        let (list, few) = wanted(10, 3600).await;
        assert_eq!((list.cut, few), (true, 10));
        admin.batch_execute("delete from pg_internal.query_log where session_id = 1073741999").await.expect("they go");
    });
}

#[test]
fn a_server_whose_clock_is_an_hour_ahead_is_read_by_its_own() {
    let app = App::open();
    let database = "logistics-prod";
    let admin = admin(database);
    block_on(async {
        read(&app, target(database), 0).await;
        let ahead = "update pg_internal.setting set clock_ahead_us = 3600000000";
        admin.batch_execute(ahead).await.expect("its clock goes ahead");
        let tab = app.tab(database).await;
        app.run(&tab, "select 1 as by_another_clock").await;
        let run = app.start(&tab, "select pg_sleep(60) /* by_another_clock */").await;
        let (list, query) = query_where(&app, &target(database), "pg_sleep", |query| query.live).await;
        let ahead = Duration::from_millis(list.server_now.saturating_sub(list.as_of));
        assert!(ahead.abs_diff(SHIFT) < Duration::from_secs(30), "{ahead:?}");
        assert!(query.elapsed_ms < 60_000, "it has just begun: {}", query.elapsed_ms);
        assert!(query.start_time.abs_diff(list.server_now) < 60_000);
        // What ended lately is of the last quarter of an hour by that clock, too.
        let request = ActivityRequest { last_ms: Some(900_000), ..ActivityRequest::of(target(database), 50) };
        let lately = app.host.activity_list(request).await.expect("the list");
        assert!(lately.queries.iter().any(|query| !query.live && query.text.contains("by_another_clock")));
        let found = details(&app, &target(database), &query).await;
        assert!(found.session.is_some_and(|session| session.since.abs_diff(list.server_now) < 120_000));
        assert_eq!(app.cancel(database, &query).await.outcome, CancelOutcome::Canceled);
        drop(run);
        admin.batch_execute("update pg_internal.setting set clock_ahead_us = 0").await.expect("its clock goes right");
    });
}

#[test]
fn a_login_that_sees_only_its_own_is_told_what_would_show_it_all() {
    let app = App::open();
    block_on(async {
        let own = read(&app, target("analytics-dev"), 5).await;
        assert_eq!((own.scope, &*own.me), (ActivityScope::Own, "IAMR:bi-readonly"));
        assert_eq!(own.grant.as_deref(), Some("GRANT ROLE sys:monitor TO \"IAMR:bi-readonly\";"));
        let all = read(&app, as_user("analytics-dev", "warehouse-admin"), 5).await;
        assert_eq!((all.scope, all.grant), (ActivityScope::All, None));
    });
}

#[test]
fn a_cluster_without_sys_views_is_read_by_stv_recents() {
    let app = App::open();
    let admin = admin(PROVISIONED);
    block_on(async {
        let target = target(PROVISIONED);
        let tab = app.tab(PROVISIONED).await;
        app.run(&tab, "select 1 as\n of_a_cluster").await;
        let run = app.start(&tab, "select pg_sleep(60) /* of_a_cluster */").await;
        let (list, live) = query_where(&app, &target, "pg_sleep", |query| query.live).await;
        assert_eq!((list.source, list.scope), (ActivitySource::Cluster, ActivityScope::Own));
        let grant = "ALTER USER \"IAMR:bi-readonly\" SYSLOG ACCESS UNRESTRICTED;";
        assert_eq!(list.grant.as_deref(), Some(grant));
        assert!(live.ours.is_some() && live.session_id > 1 << 30, "{live:?}");
        let (_, ended) = query_where(&app, &target, "select 1 as\n of_a_cluster", |query| !query.live).await;
        assert_eq!((&*ended.status, ended.session_id), ("done", -1));
        let found = details(&app, &target, &live).await;
        assert!(found.whole && found.session.is_some(), "{found:?}");

        // The statement that is offered does what it says.
        let other = as_user(PROVISIONED, "teleport-redshift-serverless-access");
        assert!(!read(&app, other.clone(), 50).await.queries.iter().any(|query| query.text.contains("of_a_cluster")));
        admin
            .batch_execute("grant \"syslog access\" to \"IAMR:teleport-redshift-serverless-access\"")
            .await
            .expect("the admin may");
        let all = read(&app, other, 50).await;
        assert_eq!(all.scope, ActivityScope::All);
        assert!(all.queries.iter().any(|query| query.text.contains("of_a_cluster")));
        admin
            .batch_execute("revoke \"syslog access\" from \"IAMR:teleport-redshift-serverless-access\"")
            .await
            .expect("the admin may");

        let report = app.cancel(PROVISIONED, &live).await;
        assert_eq!(report.outcome, CancelOutcome::Canceled, "{report:?}");
        drop(run);
    });
}

/// A plain PostgreSQL as a database of this app's home, with two users.
async fn with_plain_postgres(app: &App, server: &PlainPostgres) -> tokio_postgres::Client {
    let superuser = server.superuser("postgres").await.expect("its superuser");
    superuser
        .batch_execute(
            "do $$ begin \
               if not exists (select from pg_roles where rolname = 'ana') then \
                 create role ana login password 'ana-pw'; create role bo login password 'bo-pw'; \
               end if; \
             end $$",
        )
        .await
        .expect("its users");
    let ca: String = std::fs::read_to_string(&description().ca_file)
        .expect("the authority")
        .lines()
        .map(|line| format!("      {line}\n"))
        .collect();
    app.home
        .create(&format!(
            "kind: db\nversion: v3\nmetadata:\n  name: plain\nspec:\n  protocol: postgres\n  uri: 127.0.0.1:{port}\n\
             \x20 tls:\n    mode: verify-full\n    server_name: {host}\n    ca_cert: |\n{ca}",
            port = server.port(),
            host = server.host(),
        ))
        .ok();
    let file = app.home.write(PASSWORDS, "127.0.0.1:*:*:ana:ana-pw\n127.0.0.1:*:*:bo:bo-pw\n");
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, owner_only).expect("it is ours");
    superuser
}

fn plain(db_user: &str) -> Target {
    Target { database: "plain".into(), db_user: db_user.into(), db_name: "postgres".into() }
}

#[test]
fn a_plain_postgresql_is_read_by_pg_stat_activity() {
    let app = App::open();
    let server = plain_postgres();
    block_on(async {
        let superuser = with_plain_postgres(&app, server).await;
        superuser
            .batch_execute("create table if not exists public.held (a int); grant all on public.held to public")
            .await
            .expect("a table");
        let (ana, bo) = (plain("ana"), plain("bo"));
        let open = |target: &Target| postern_ipc::console::OpenConsole { target: target.clone(), read_only: false };
        let tab = app.host.console_open(open(&ana)).await.expect("it opens").id;
        let long = format!("select /* of_ana {} */ pg_sleep(60)", "z".repeat(2000));
        let run = app.start(&tab, &long).await;
        let (list, live) = query_where(&app, &ana, "of_ana", |query| query.live).await;
        assert_eq!(list.source, ActivitySource::StatActivity);
        assert_eq!((&*live.status, &*live.user, &*live.db_name), ("running", "ana", "postgres"));
        assert!(live.ours.is_some() && live.elapsed_ms < 60_000, "{live:?}");
        assert!(list.server_now.abs_diff(list.as_of) < 30_000, "both clocks are this machine's");

        let found = details(&app, &ana, &live).await;
        assert!(!found.whole, "the server keeps less");
        assert!(found.text.is_some_and(|text| text.starts_with("select /* of_ana zzz")));
        let session = found.session.expect("its session");
        assert_eq!((&*session.status, session.program.as_deref()), ("active", Some("Postern console")));
        assert!(session.transaction_since.is_some());

        // Somebody else sees that there is a session, and is told so.
        let others = read(&app, bo.clone(), 50).await;
        assert!(others.queries.is_empty() && others.hidden >= 1, "{others:?}");
        assert_eq!(others.scope, ActivityScope::Own);
        assert_eq!(others.grant.as_deref(), Some("GRANT pg_read_all_stats TO \"bo\";"));
        superuser.batch_execute("GRANT pg_read_all_stats TO \"bo\";").await.expect("it is what an administrator runs");
        let others = read(&app, bo.clone(), 50).await;
        assert_eq!((others.scope, others.hidden, others.grant), (ActivityScope::All, 0, None));
        assert!(others.queries.iter().any(|query| query.text.contains("of_ana")));

        // What waits for a lock is seen to.
        superuser.batch_execute("begin; lock table public.held").await.expect("it is held");
        let waiting = app.host.console_open(open(&bo)).await.expect("it opens").id;
        let held = app.start(&waiting, "select /* waits_there */ count(*) from public.held").await;
        let (_, query) = query_where(&app, &ana, "of_ana", |query| query.live).await;
        assert!(!query.waits_for_lock);
        let (_, query) = query_where(&app, &bo, "waits_there", |query| query.lock_wait_ms > 100).await;
        assert!(query.waits_for_lock && query.live);
        superuser.batch_execute("rollback").await.expect("it is let go");

        superuser.batch_execute("REVOKE pg_read_all_stats FROM bo").await.expect("as before");
        drop((run, held));
        let ended = superuser.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename in ('ana', 'bo') and query like '%of_ana%'", &[]).await;
        ended.expect("nothing is left behind");
    });
}

#[test]
fn the_monitoring_session_is_one_idles_in_no_transaction_and_is_replaced_when_it_is_lost() {
    let app = App::open();
    let database = "ml-dev";
    let admin = admin(database);
    let sessions = "select pid, state from pg_stat_get_activity(null) \
                    where application_name = 'Postern activity' and query like '/* postern activity */%' and usesysid = \
                      (select oid from pg_roles where rolname = 'IAMR:teleport-redshift-serverless-access')";
    block_on(async {
        let target = as_user(database, "teleport-redshift-serverless-access");
        let at_once: Vec<_> = (0..5).map(|_| read(&app, target.clone(), 5)).collect();
        futures_util::future::join_all(at_once).await;
        let found = admin.query(sessions, &[]).await.expect("the sessions");
        assert_eq!(found.len(), 1, "one for a login, however many ask");
        assert_eq!(found[0].get::<_, &str>(1), "idle");
        for _ in 0..3 {
            let before: i32 = admin.query_one(sessions, &[]).await.expect("it is there").get(0);
            let killed = admin.query_one("select pg_internal_terminate_backend($1, 0)", &[&before]).await;
            assert!(killed.expect("it is asked").get::<_, bool>(0));
            // At once, while the news of its end is on its way.
            read(&app, target.clone(), 5).await;
            let after: i32 = admin.query_one(sessions, &[]).await.expect("there is another").get(0);
            assert_ne!(before, after);
        }
    });
}

#[test]
fn a_server_that_takes_no_more_connections_is_told_as_that_and_hides_no_other() {
    let app = App::open();
    let database = "limited-dev";
    let admin = admin(database);
    block_on(async {
        read(&app, as_user(database, "warehouse-admin"), 0).await;
        admin.batch_execute("alter role \"IAMR:bi-readonly\" connection limit 0").await.expect("the admin may");
        let full = app.host.activity_list(ActivityRequest::of(target(database), 5));
        let other = app.host.activity_list(ActivityRequest::of(target("analytics-dev"), 5));
        let (full, other) = tokio::join!(full, other);
        admin.batch_execute("alter role \"IAMR:bi-readonly\" connection limit -1").await.expect("the admin may");
        let failure = full.expect_err("there is no place");
        assert_eq!(failure.code, ErrorCode::TooManyConnections, "{failure:?}");
        assert!(failure.server.is_some_and(|words| words.contains("too many connections")));
        other.expect("the other server answers");
        read(&app, target(database), 5).await;
    });
}
