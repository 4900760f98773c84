//! The schema tree and completion as the window asks for them, over the sandbox's catalogue views.

use std::time::Duration;

use postern_ipc::{
    Event,
    databases::Target,
    error::ErrorCode,
    objects::{
        CompleteRequest, CompletionWords, ObjectKind, ObjectName, ObjectRequest, ObjectRow, ObjectRows,
        ObjectRowsRequest, ObjectsPart, ObjectsPhase, ObjectsState, OpenObjects, ReadObjects,
    },
};

use crate::{
    app::{App, target},
    support::{admin, block_on},
};

/// A workgroup of the tests alone that change what its catalogue tells.
const OWN: &str = "analytics-stage";

impl App {
    /// Has a catalogue read, and waits for its end.
    async fn catalogue(&self, target: &Target, again: bool) -> ObjectsState {
        let mut events = self.host.events();
        let begun = self.host.objects_read(ReadObjects { target: target.clone(), again }).await.expect("it begins");
        if begun.phase != ObjectsPhase::Reading {
            return begun;
        }
        settled(&mut events, |state| state.phase != ObjectsPhase::Reading).await
    }

    async fn rows(&self, target: &Target, open: OpenObjects) -> ObjectRows {
        let request = ObjectRowsRequest { target: target.clone(), open, search: None, first: 0, count: 500 };
        self.host.objects_rows(request).await.expect("rows")
    }

    async fn search(&self, target: &Target, text: &str) -> Vec<ObjectRow> {
        let request = ObjectRowsRequest {
            target: target.clone(),
            open: OpenObjects::default(),
            search: Some(text.to_owned()),
            first: 0,
            count: 50,
        };
        self.host.objects_rows(request).await.expect("hits").rows
    }

    /// What is offered where `|` is.
    async fn offered(&self, target: &Target, sql: &str) -> Vec<String> {
        let before = sql.split('|').next().expect("a cursor");
        let at = u32::try_from(before.encode_utf16().count()).expect("a short text");
        let request = CompleteRequest { target: target.clone(), text: sql.replacen('|', "", 1), at };
        let found = self.host.console_complete(request).await.expect("an answer");
        found.offers.into_iter().map(|offer| offer.insert).collect()
    }
}

async fn settled(
    events: &mut tokio::sync::broadcast::Receiver<Event>,
    wanted: impl Fn(&ObjectsState) -> bool,
) -> ObjectsState {
    let state = async {
        loop {
            if let Ok(Event::objects_changed(state)) = events.recv().await
                && wanted(&state)
            {
                return state;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), state).await.expect("it comes to this within a minute")
}

fn open(schema: &str, table: &str) -> OpenObjects {
    OpenObjects {
        schemas: vec![schema.to_owned()],
        tables: vec![ObjectName { schema: schema.to_owned(), name: table.to_owned() }],
        functions: vec![schema.to_owned()],
        ..OpenObjects::default()
    }
}

#[test]
fn a_catalogue_is_read_once_shown_searched_and_completed_from() {
    let app = App::open();
    block_on(async {
        let target = target("analytics-dev");
        assert_eq!(app.rows(&target, OpenObjects::default()).await.total, 0, "nothing is read unasked");
        let state = app.catalogue(&target, false).await;
        assert_eq!((state.phase, state.failure), (ObjectsPhase::Ready, None));
        assert!(state.as_of.is_some() && state.columns > state.tables && state.tables > 6, "{} tables", state.tables);
        let parts: Vec<_> = state.missing.iter().map(|missing| missing.part).collect();
        assert_eq!(parts, [ObjectsPart::RowCounts], "only superusers see SVV_TABLE_INFO: {:?}", state.missing);
        let again = app.catalogue(&target, false).await;
        assert_eq!(again.as_of, state.as_of, "it is there");

        let rows = app.rows(&target, open("mart", "orders")).await.rows;
        assert_eq!((rows[0].kind, rows[0].name.as_str()), (ObjectKind::Database, "dev"));
        assert!(rows.iter().any(|row| row.kind == ObjectKind::OtherDatabase && row.name == "analytics"));
        let column = rows.iter().find(|row| row.name == "order_id").expect("a column");
        assert!(column.column.as_ref().is_some_and(|facts| facts.primary && facts.not_null), "{column:?}");
        let status = rows.iter().find(|row| row.name == "status").expect("a column");
        assert_eq!(status.detail, "character varying(16)");

        let found = app.search(&target, "orders").await;
        assert_eq!((found[0].schema.as_deref(), found[0].name.as_str()), (Some("mart"), "orders"));
        let found = app.search(&target, "mart.refunds.rea").await;
        assert_eq!(found.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["reason"]);

        assert_eq!(app.offered(&target, "select 김.st| from mart.orders 김").await[0], "status");
        let both = "with 주문 as (select order_id as no, status from mart.orders) select o.| from 주문 as o";
        assert_eq!(app.offered(&target, both).await, ["no", "status"]);
        assert_eq!(app.offered(&target, "select 1 from ord|").await[..2], ["mart.orders", "mart.order_lines"]);
        assert_eq!(app.offered(&target, "select 1 from custo|").await[0], "customers", "public is on the search path");
        assert!(app.offered(&target, "select 1 from sys_query_hi|").await.contains(&"sys_query_history".to_owned()));

        let request = ObjectRequest { target: target.clone(), schema: "mart".into(), name: "refunds".into() };
        let sql = app.host.object_sql(request.clone()).await.expect("SQL");
        assert_eq!((sql.name.as_str(), sql.preview.as_str()), ("mart.refunds", "SELECT * FROM mart.refunds LIMIT 100"));
        assert!(sql.select.starts_with("SELECT\n    refund_id,\n    order_id,"), "{}", sql.select);
        let definition = app.host.object_definition(request.clone()).await.expect("a definition");
        assert!(definition.starts_with("CREATE TABLE mart.refunds (\n    refund_id integer NOT NULL"), "{definition}");
        let nothing = ObjectRequest { name: "nothing".into(), ..request };
        assert_eq!(app.host.object_sql(nothing).await.expect_err("it is not there").code, ErrorCode::NotFound);
    });
}

#[test]
fn a_statement_is_completed_from_itself_while_no_catalogue_was_read() {
    let app = App::open();
    block_on(async {
        let text = "with a as (select 1 as one) select a. from a";
        let at = u32::try_from(text.find(". from").expect("a point") + 1).expect("a short text");
        let request = CompleteRequest { target: target("analytics-dev"), text: text.into(), at };
        let found = app.host.console_complete(request).await.expect("an answer");
        assert_eq!((found.offers[0].insert.as_str(), found.from), ("one", at));
        let request = CompleteRequest { target: target("analytics-dev"), text: "sel".into(), at: 3 };
        let found = app.host.console_complete(request).await.expect("an answer");
        assert_eq!((found.words, found.offers.len(), found.from), (CompletionWords::All, 0, 0));
    });
}

#[test]
fn what_a_console_changes_is_there_without_asking() {
    let app = App::open();
    block_on(async {
        let target = target("analytics-dev");
        app.catalogue(&target, false).await;
        let tab = app.tab("analytics-dev").await;
        let table = format!("fresh_{}", std::process::id());
        let mut events = app.host.events();
        app.run(&tab, &format!("create table public.{table} as select 1 as only_here")).await;
        settled(&mut events, |state| state.phase == ObjectsPhase::Ready && !state.changed).await;
        assert_eq!(app.offered(&target, &format!("select t.| from {table} t")).await, ["only_here"]);
        // Within a transaction nobody else sees it before its end.
        app.run(&tab, &format!("begin; drop table public.{table}; commit")).await;
        settled(&mut events, |state| state.phase == ObjectsPhase::Ready && !state.changed).await;
        assert!(app.search(&target, &table).await.is_empty());
        // What only reads changes nothing.
        let before = app.catalogue(&target, false).await.as_of;
        app.run(&tab, "select 1").await;
        assert_eq!(app.catalogue(&target, false).await.as_of, before);
        let listed = app.list("analytics-dev", 100).await.queries;
        assert!(
            !listed.iter().any(|query| query.text.contains("svv_all_tables")),
            "ours are not shown among the people's"
        );
    });
}

#[test]
fn external_tables_and_late_binding_views_are_there_with_their_columns() {
    let app = App::open();
    let superuser = admin(OWN);
    block_on(superuser.batch_execute(
        "insert into pg_internal.external_schema values ('dev', 'lake'); \
         insert into pg_internal.external_column values ('dev', 'lake', 'clicks', 'url', 'varchar(2048)', 1, 0), \
             ('dev', 'lake', 'clicks', 'day', 'date', 2, 1); \
         insert into pg_internal.late_binding_view_column values ('dev', 'public', 'v_late', 'seen_at', 'timestamp', 1)",
    ))
    .expect("the admin may");
    block_on(async {
        let target = target(OWN);
        let state = app.catalogue(&target, true).await;
        assert_eq!(state.phase, ObjectsPhase::Ready, "{:?}", state.failure);
        let rows = app.rows(&target, open("lake", "clicks")).await.rows;
        let kinds: Vec<_> = rows.iter().skip(1).take(4).map(|row| (row.kind, row.name.as_str())).collect();
        assert_eq!(
            kinds,
            [
                (ObjectKind::ExternalSchema, "lake"),
                (ObjectKind::ExternalTable, "clicks"),
                (ObjectKind::Column, "url"),
                (ObjectKind::Column, "day"),
            ]
        );
        assert!(rows[4].column.as_ref().is_some_and(|facts| facts.partition));
        assert_eq!(app.search(&target, "v_late").await[0].kind, ObjectKind::LateBindingView);
        assert_eq!(app.offered(&target, "select v.| from v_late v").await, ["seen_at"]);
        assert_eq!(app.offered(&target, "select * from lake.| ").await, ["clicks"]);
    });
}

#[test]
fn reading_is_stopped_fails_in_the_servers_words_and_does_without_the_views() {
    let app = App::open();
    // Another database than the other tests read: what is done to its catalogue concerns nobody else.
    let superuser = admin("events-prod");
    let target = target("events-prod");
    let alter = |sql: &str| block_on(superuser.batch_execute(sql)).expect("the admin may");

    alter("begin; lock table pg_internal.external_schema in access exclusive mode");
    block_on(async {
        let mut events = app.host.events();
        let begun =
            app.host.objects_read(ReadObjects { target: target.clone(), again: false }).await.expect("it begins");
        assert_eq!(begun.phase, ObjectsPhase::Reading);
        app.host.objects_stop(target.clone()).await.expect("it is told");
        settled(&mut events, |state| state.phase == ObjectsPhase::Stopped).await;
        assert_eq!(app.catalogue(&target, false).await.phase, ObjectsPhase::Stopped, "it is not begun again unasked");
    });
    alter("rollback");

    alter("revoke select on pg_catalog.svv_all_schemas from public");
    let failed = block_on(app.catalogue(&target, true));
    let failure = failed.failure.expect("a reason");
    assert_eq!((failed.phase, failure.code), (ObjectsPhase::Failed, ErrorCode::DatabaseError));
    assert_eq!(failure.sql.expect("the server's words").sqlstate, "42501");
    alter("grant select on pg_catalog.svv_all_schemas to public");

    alter("set allow_system_table_mods = on; alter view pg_catalog.svv_redshift_columns rename to svv_hidden");
    let state = block_on(app.catalogue(&target, true));
    assert_eq!((state.phase, state.failure), (ObjectsPhase::Ready, None));
    let offered = block_on(app.offered(&target, "select o.| from mart.refunds o"));
    assert_eq!(offered, ["refund_id", "order_id", "refunded_at", "amount", "reason"]);
    alter("alter view pg_catalog.svv_hidden rename to svv_redshift_columns");
}
