//! The Activity view on servers where much has happened: the timeline, its zoom, filters and groups, several servers at once.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    looks::{self, look},
    page::Page,
    world::World,
};

/// Queries of every kind in the last hour, as a warehouse would have noted them.
const HISTORY: &str = "
insert into pg_internal.query_log (query_id, user_id, username, transaction_id, session_id, database_name, query_type, status,
    start_us, end_us, phase_us, planning_us, compile_us, queue_us, lock_us, error_message, returned_rows, returned_bytes, query_text)
select 4418000 + n, 1000, (array['IAMR:etl-writer', 'IAMR:bi-readonly', 'IAMR:warehouse-admin'])[1 + n % 3], n,
    1073750000 + n % 50, 'dev', 'SELECT',
    case when n % 17 = 0 then 'failed' when n % 23 = 0 then 'canceled' else 'success' end,
    began, began + took, 0, took / 50, took / 12, case when n % 5 = 0 then took / 4 else 0 end,
    case when n % 11 = 0 then took / 3 else 0 end,
    case when n % 17 = 0 then 'relation \"lake.click_2026\" does not exist' when n % 23 = 0 then 'cancelled on user''s request'
        else '' end,
    n * 37 % 90000, n::bigint * 3700 % 9000000,
    (array['select region, city, sum(amount) from mart.daily_sales group by 1, 2 having sum(amount) > ' || n,
        'insert into mart.daily_sales select * from staging.orders where day = ' || n,
        'select 상품명, sum(수량) as 판매수량 from mart.\"상품_일별\" where 일 = ' || n || ' group by 1',
        'copy raw.orders from ''s3://lake/orders/' || n || ''''])[1 + n % 4]
from generate_series(1, {count}) as n,
    lateral (select pg_internal_now_us() - (n::bigint * {every_us} % 3500000000) - 20000000 as began,
        case when n % 29 = 0 then 240000000 when n % 7 = 0 then 40000000 else 800000 + n % 9 * 700000 end::bigint as took) as times
where began + took < pg_internal_now_us()";

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_queries_is_a_picture_to_zoom_a_table_to_filter_and_fits_every_window() -> Result<()> {
    let world = World::new().await?;
    world.postern(&["login", "--user", "alice"]).await?;
    wake(&world, "analytics-prod").await?;
    world.admin("analytics-prod", &HISTORY.replace("{count}", "160").replace("{every_us}", "21700000")).await?;
    let page = Page::open(&world, &[]).await?;
    page.click("nav-activity").await?;
    show(&page, "analytics-prod").await?;
    page.says("activity-count", "quer").await?;

    // A real one among them, which waits for no one.
    page.click("nav-databases").await?;
    page.click_row("database-analytics-prod").await?;
    page.fill("db-user", "warehouse-admin").await?;
    page.fill("db-name", "dev").await?;
    page.click("open-console").await?;
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("select pg_sleep(300)").await?;
    page.click("run").await?;
    page.click("nav-activity").await?;
    page.says("query-rows", "running").await?;
    page.is("activity-as-of", "data-state", "ours").await?;

    // Closer by the wheel and by keys, and back.
    let all = span(&page).await?;
    page.wheel(r#"[data-testid="timeline-plot"]"#, -400).await?;
    page.find("timeline-reset").await?;
    let closer = span(&page).await?;
    ensure!(closer < all, "the wheel went from {all} to {closer} ms");
    page.click("timeline-reset").await?;
    page.gone("timeline-reset").await?;
    page.script("document.querySelector('[data-testid=timeline-plot]').focus()", vec![]).await?;
    page.keys("+").await?;
    page.find("timeline-reset").await?;
    // From one to the next, and in.
    page.keys("0\u{e014}\u{e014}\u{e007}").await?;
    page.find("query-drawer").await?;
    page.says("query-text", " ").await?;
    for (theme, language, width, height) in
        [("dark", "ko", 1200, 780), ("dark", "ko", 900, 600), ("light", "en", 900, 600), ("light", "en", 1200, 780)]
    {
        dress(&page, theme, language).await?;
        page.size(width, height).await?;
        look(&page, &format!("activity-timeline-{theme}-{language}-{width}")).await?;
    }
    page.click_css(".drawer__head [aria-label=\"Close the panel\"]").await?;

    // Filters and groups.
    page.choose("filter-status", "failed").await?;
    page.says("activity-count", "of").await?;
    let statuses =
        "return [...new Set([...document.querySelectorAll('tr[data-query]')].map((row) => row.dataset.status))]";
    page.until("only failed ones", async |page: &Page| {
        let found = page.script(statuses, vec![]).await?;
        Ok((found == json!(["failed"])).then_some(()))
    })
    .await?;
    look(&page, "activity-failed").await?;
    page.click("filter-clear").await?;
    page.choose("activity-group", "hash").await?;
    page.find("group-rows").await?;
    look(&page, "activity-groups").await?;
    page.choose("activity-group", "none").await?;

    // Another server beside it, one that shows this login its own only.
    page.click("activity-add").await?;
    page.choose("activity-database", "ml-dev").await?;
    fill_login(&page, "bi-readonly").await?;
    page.find("target-ml-dev").await?;
    page.is("target-ml-dev", "data-state", "read").await?;
    page.says("activity-scope-own", "ml-dev").await?;
    look(&page, "activity-several").await?;
    dress(&page, "dark", "ko").await?;
    page.size(900, 600).await?;
    look(&page, "activity-several-dark-ko-900").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_queries_are_a_drawing_and_the_few_rows_that_are_seen() -> Result<()> {
    let world = World::new().await?;
    world.postern(&["login", "--user", "alice"]).await?;
    wake(&world, "analytics-prod").await?;
    world.admin("analytics-prod", &HISTORY.replace("{count}", "12000").replace("{every_us}", "290000")).await?;
    let page = Page::open(&world, &[]).await?;
    page.click("nav-activity").await?;
    show(&page, "analytics-prod").await?;
    page.says("activity-count", "10,000").await?;
    page.says("activity-remark", "10,000").await?;
    let rows = page.script("return document.querySelectorAll('tr[data-query]').length", vec![]).await?;
    ensure!(rows.as_u64().is_some_and(|rows| rows < 80), "{rows} rows are elements");
    look(&page, "activity-many").await?;
    let end = "const box = document.querySelector('[data-testid=query-rows]');
               box.scrollTop = arguments[0] * box.scrollHeight; return box.scrollTop";
    for part in [0.5, 1.0] {
        page.script(end, vec![json!(part)]).await?;
        page.settle().await?;
        let rows = page.script("return document.querySelectorAll('tr[data-query]').length", vec![]).await?;
        ensure!(rows.as_u64().is_some_and(|rows| (5..80).contains(&rows)), "{rows} rows are elements at {part}");
    }
    for key in ["elapsed", "user", "text"] {
        page.click(&format!("sort-{key}")).await?;
        page.settle().await?;
    }
    // All bars are one drawing, whatever is seen of them.
    let elements = "return document.querySelectorAll('[data-testid=timeline-plot] *').length";
    let before = page.script(elements, vec![]).await?;
    page.wheel(r#"[data-testid="timeline-plot"]"#, -400).await?;
    page.settle().await?;
    let zoomed = page.script(elements, vec![]).await?;
    ensure!(zoomed.as_u64().is_some_and(|elements| elements < 100), "{before} elements before, {zoomed} after");
    page.close().await
}

/// A workgroup sleeps until somebody logs in, and notes nothing before.
async fn wake(world: &World, database: &str) -> Result<()> {
    let login = ["--db-user", "warehouse-admin", "--db-name", "dev"];
    world.postern(&[&["db", "exec", database][..], &login, &["select 1"]].concat()).await.map(drop)
}

async fn show(page: &Page, database: &str) -> Result<()> {
    page.choose("activity-database", database).await?;
    fill_login(page, "warehouse-admin").await
}

async fn fill_login(page: &Page, db_user: &str) -> Result<()> {
    page.fill("activity-db-user", db_user).await?;
    page.fill("activity-db-name", "dev").await?;
    page.click("activity-show").await
}

/// Milliseconds that the timeline shows.
async fn span(page: &Page) -> Result<i64> {
    let script = "const { from, to } = document.querySelector('[data-testid=timeline-plot]').dataset; return to - from";
    let span: Value = page.script(script, vec![]).await?;
    span.as_i64().ok_or_else(|| anyhow::anyhow!("no span: {span}"))
}

async fn dress(page: &Page, theme: &str, language: &str) -> Result<()> {
    looks::dress(page, theme, language, "nav-activity").await?;
    page.find("timeline").await.map(drop)
}
