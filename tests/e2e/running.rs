//! What a console tab asks and shows around a run: values for names, a transaction and its state, a question before what
//! cannot be undone in production, and a tab that only reads.

use anyhow::{Result, ensure};

use crate::{
    looks::{self, look},
    page::Page,
    world::World,
};

const ENTER: &str = "\u{e007}";
const NAMES: &str = "select :word as word, :n + 1 as n, '한글' as fixed";

#[tokio::test(flavor = "multi_thread")]
async fn values_transactions_questions_and_read_only_tabs_in_the_window() -> Result<()> {
    let world = World::new().await?;
    world.postern(&["login", "--user", "alice"]).await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row("database-analytics-prod").await?;
    page.fill("db-user", "etl-writer").await?;
    page.fill("db-name", "dev").await?;
    page.click("open-console").await?;

    // A run waits for values, and puts one where it asks for it.
    write(&page, NAMES).await?;
    page.find("parameters").await?;
    page.click("run").await?;
    page.says("parameters", "word, n").await?;
    page.picture("running-missing").await?;
    page.keys("'; drop table x; --").await?;
    page.choose("parameter-kind-n", "number").await?;
    page.fill("parameter-n", "41").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    let rows = page.says("result-rows", "42").await?;
    ensure!(rows.contains("'; drop table x; --"), "the value came back changed: {rows}");

    // A transaction, as the server tells it.
    page.choose("transaction-mode", "manual").await?;
    run(&page, "create temp table e2e_tx as select 1 as a").await?;
    page.is("transaction-state", "data-state", "open").await?;
    looks(&page, "running-open").await?;
    page.click("commit").await?;
    page.gone("transaction-state").await?;
    run(&page, "insert into e2e_tx values (2); select 한글_nothing from e2e_tx").await?;
    page.is("run-status", "data-state", "done").await?;
    page.is("transaction-state", "data-state", "open").await?;
    run_all(&page).await?;
    page.is("transaction-state", "data-state", "failed").await?;
    page.says("error-server", "한글_nothing").await?;
    looks(&page, "running-failed").await?;
    // Leaving asks, and Enter on its way leaves nothing.
    page.click("read-only").await?;
    page.find("leave-dialog").await?;
    page.picture("running-leave").await?;
    page.keys(ENTER).await?;
    page.gone("leave-dialog").await?;
    page.is("transaction-state", "data-state", "failed").await?;
    page.click("roll-back").await?;
    page.gone("transaction-state").await?;

    // A question before every row goes: Enter is no answer.
    page.choose("transaction-mode", "auto").await?;
    write(&page, "select 1; delete from e2e_tx; drop table if exists e2e_tx").await?;
    for (theme, language) in [("dark", "ko"), ("light", "en")] {
        dress(&page, theme, language).await?;
        page.click("run-all").await?;
        page.find("danger-dialog").await?;
        page.says("danger-list", "delete from e2e_tx").await?;
        page.settle().await?;
        page.picture(&format!("running-danger-{theme}-{language}")).await?;
        page.keys(ENTER).await?;
        page.gone("danger-dialog").await?;
    }
    page.click("run-all").await?;
    page.click("danger-run").await?;
    page.gone("danger-dialog").await?;
    page.is("run-status", "data-state", "done").await?;

    // A tab that only reads.
    page.click("read-only").await?;
    page.is("read-only", "aria-pressed", "true").await?;
    run(&page, "create table e2e_never (a int)").await?;
    page.is("run-status", "data-state", "failed").await?;
    page.says("error-server", "read-only connection").await?;
    looks(&page, "running-read-only").await?;
    page.close().await
}

/// Replaces the text of the editor.
async fn write(page: &Page, sql: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}a").await?;
    page.keys(sql).await?;
    // A bracket or quote that the editor closed by itself would be one too many.
    page.keys("\u{e009}\u{e010}").await
}

async fn run(page: &Page, sql: &str) -> Result<()> {
    write(page, sql).await?;
    // To the front, so that of several statements the first runs.
    page.keys("\u{e009}\u{e011}").await?;
    page.click("run").await
}

/// By its key: where a transaction is open there may be no room for its button.
async fn run_all(page: &Page) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}\u{e008}\u{e007}\u{e000}").await
}

async fn dress(page: &Page, theme: &str, language: &str) -> Result<()> {
    looks::dress(page, theme, language, "nav-console").await?;
    page.find("console-editor").await.map(drop)
}

/// Pictures in both themes and languages, wide and narrow.
async fn looks(page: &Page, name: &str) -> Result<()> {
    for (theme, language, width, height) in
        [("dark", "ko", 1200, 780), ("dark", "ko", 900, 600), ("light", "en", 900, 600), ("light", "en", 1200, 780)]
    {
        dress(page, theme, language).await?;
        page.size(width, height).await?;
        look(page, &format!("{name}-{theme}-{language}-{width}")).await?;
    }
    Ok(())
}
