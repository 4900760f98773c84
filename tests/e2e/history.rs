//! What outlives the app, and what a result looks like otherwise: tabs and history after a crash, plots, plans.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::{
    looks,
    page::Page,
    world::{DATABASE, World},
};

const CONTROL: &str = "\u{e009}";
const NULL: &str = "\u{e000}";
const ENTER: &str = "\u{e007}";
const END: &str = "\u{e010}";
const RIGHT: &str = "\u{e014}";
const DOWN: &str = "\u{e015}";

/// Days with numbers that rise and fall, words that make groups, and some that are missing.
const SALES: &str = "select date '2024-01-01' + i as day, round((900 + 300 * sin(i / 20.0) + i)::numeric, 2) as revenue, \
                     case i % 5 when 0 then 'Seoul' when 1 then 'Busan' when 2 then 'Daejeon' when 3 then null else \
                     'Gwangju' end as city, case when i % 9 = 0 then null else i * 7 % 400 end as orders from \
                     generate_series(0, 365) i";

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_neither_what_was_typed_nor_what_was_run() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    write(&page, "select 6 * 7 as answer").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    write(&page, "select nothing_of_that_name").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "failed").await?;
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys(&[CONTROL, END, NULL].concat()).await?;
    page.keys(" -- and later").await?;
    page.until("the draft to be on the disk", async |_: &Page| Ok(drafts(&world).contains("and later").then_some(())))
        .await?;
    page.crash().await?;

    let page = Page::open(&world, &[]).await?;
    page.click("nav-console").await?;
    editor_says(&page, "select nothing_of_that_name -- and later").await?;
    // It is not connected and has not been run: to wake a warehouse costs money.
    page.is("run-status", "data-state", "ready").await?;
    page.click("history-tab").await?;
    page.says("history-row-0", "nothing_of_that_name").await?;
    page.is("history-row-0", "data-outcome", "failed").await?;
    page.says("history-row-1", "select 6 * 7 as answer").await?;
    page.picture("history").await?;

    page.fill("history-search", "ANSWER 6").await?;
    page.says("history-row-0", "answer").await?;
    page.keys(DOWN).await?;
    page.keys(&[CONTROL, ENTER, NULL].concat()).await?;
    page.is("run-status", "data-state", "done").await?;
    page.says("result-rows", "42").await?;
    editor_says(&page, "select 6 * 7 as answer").await?;

    page.click("history-tab").await?;
    page.click("history-forget").await?;
    page.click("history-menu-all").await?;
    page.click("history-confirm-forget").await?;
    page.says("history-kept", "0 runs").await?;
    looks(&page, "history-empty", "history-tab").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_plotted_by_two_clicks_and_its_numbers_are_reached_by_keys() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    write(&page, SALES).await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    page.click("look-plot").await?;
    page.find("plot-chart").await?;
    chosen(&page, "plot-kind", "line").await?;
    page.says("plot-notes", "Of all 366 rows").await?;
    page.click("plot-chart").await?;
    page.keys(RIGHT).await?;
    page.says("plot-tip", "2024-01-").await?;
    looks(&page, "plot-line", "look-plot").await?;

    page.choose("plot-kind", "bar").await?;
    page.choose("plot-category", "2").await?;
    page.choose("plot-measure", "sum").await?;
    page.choose("plot-value", "3").await?;
    page.says("plot-notes", "41 NULLs are left out").await?;
    page.says("plot-chart", "Seoul").await?;
    page.picture("plot-bar").await?;
    page.choose("plot-kind", "scatter").await?;
    page.choose("plot-x", "1").await?;
    page.choose("plot-y", "3").await?;
    page.settle().await?;
    page.picture("plot-scatter").await?;
    page.choose("plot-kind", "histogram").await?;
    page.choose("plot-column", "1").await?;
    page.settle().await?;
    page.picture("plot-histogram").await?;
    page.click("plot-table-switch").await?;
    page.says("plot-table", "Rows").await?;
    page.picture("plot-table").await?;

    write(&page, "select i as n, (i * 7919) % 10007 as m from generate_series(1, 60000) i").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    page.click("look-plot").await?;
    page.says("plot-notes", "The line is the mean").await?;
    page.settle().await?;
    page.picture("plot-many").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_explained_without_being_run() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    write(
        &page,
        "select c.city, count(*) from mart.orders o join public.customers c using (customer_id) where o.order_id > 3 \
         group by c.city order by 2 desc",
    )
    .await?;
    page.keys(&[CONTROL, "e", NULL].concat()).await?;
    page.says("plan", "Sort").await?;
    page.says("plan", "orders").await?;
    page.keys(DOWN).await?;
    looks(&page, "plan", "look-plan").await?;
    page.click("look-rows").await?;
    page.says("result-rows", "cost=").await?;

    write(&page, "create table made (n int)").await?;
    page.click("explain").await?;
    page.is("run-status", "data-state", "failed").await?;
    write(&page, "analyze").await?;
    page.click("explain").await?;
    page.is("error-panel", "data-code", "invalid_value").await?;
    page.says("error-panel", "EXPLAIN knows the plan of a query").await?;
    page.close().await
}

async fn console(page: &Page) -> Result<()> {
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await
}

/// Replaces the text of the editor.
async fn write(page: &Page, sql: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys(&[CONTROL, "a", NULL].concat()).await?;
    page.keys(sql).await
}

async fn editor_says(page: &Page, text: &str) -> Result<()> {
    page.until(&format!("the editor to say '{text}'"), async |page: &Page| {
        let said = page.script("return document.querySelector('.cm-content')?.textContent", vec![]).await?;
        Ok((said == text).then_some(()))
    })
    .await
}

async fn chosen(page: &Page, id: &str, value: &str) -> Result<()> {
    let script = "return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.value";
    let found = page.script(script, vec![json!(id)]).await?;
    ensure!(found == value, "{id} is {found}, not {value}");
    Ok(())
}

/// All that is kept of tabs in the home of a world.
fn drafts(world: &World) -> String {
    let env = world.env();
    let Some(home) = env.get("POSTERN_HOME") else { return String::new() };
    let mut all = String::new();
    let folders = std::fs::read_dir(std::path::Path::new(home).join("state").join("tabs")).into_iter().flatten();
    for folder in folders.flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            // One that is being written is none yet, and a crash leaves the one before.
            if file.path().extension().is_some_and(|ending| ending == "json") {
                all.push_str(&std::fs::read_to_string(file.path()).unwrap_or_default());
            }
        }
    }
    all
}

/// Pictures in both themes and languages, wide and narrow, and back to how it was.
async fn looks(page: &Page, name: &str, back: &str) -> Result<()> {
    for (theme, language, width, height) in [
        ("dark", "en", 1200, 780),
        ("light", "ko", 900, 600),
        ("contrast", "ko", 1200, 780),
        ("light", "en", 1200, 780),
    ] {
        looks::dress(page, theme, language, "nav-console").await?;
        page.size(width, height).await?;
        page.click(back).await.with_context(|| format!("{name} in {theme} {language}"))?;
        page.settle().await?;
        page.picture(&format!("{name}-{theme}-{language}-{width}")).await?;
    }
    Ok(())
}
