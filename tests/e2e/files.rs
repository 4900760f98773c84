//! Exports and SQL files, through the desktop's own dialogs: what a person chose is in the file, and the page never names a path.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{
    desktop::Desktop,
    page::Page,
    panel::Panel,
    world::{DATABASE, World},
};

/// Values that a careless export would change.
const STATEMENT: &str = "select i as id, case when i % 3 = 0 then null when i % 3 = 1 then '' else '서울, \"남산\"' end as city, \
                         12345678901234567890.1234567890::numeric + i as amount from generate_series(1, 3) i";

#[tokio::test(flavor = "multi_thread")]
async fn an_export_asks_where_to_and_its_file_holds_exactly_what_was_chosen() -> Result<()> {
    let world = World::signed_in().await?;
    let folder = tempfile::tempdir()?;
    let desktop = Desktop::open()?;
    let mut panel = Panel::start().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page, STATEMENT).await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;

    // Going back in the dialog leaves the choices as they were, and no file.
    page.click("export").await?;
    page.choose("export-format", "csv").await?;
    page.choose("export-delimiter", ";").await?;
    page.click("export-column-2").await?;
    page.picture("export-dialog").await?;
    page.click("export-start").await?;
    desktop.leave_dialog().await?;
    page.find("export-dialog").await?;

    page.click("export-start").await?;
    let chosen = folder.path().join("cities");
    desktop.choose_file(&chosen).await?;
    page.gone("export-dialog").await?;
    let file = done(&page, folder.path(), "cities.csv").await?;
    page.picture("export-done").await?;
    let text = std::fs::read_to_string(&file)?;
    ensure!(text == "id;city\n1;\"\"\n2;\"서울, \"\"남산\"\"\"\n3;\n", "{text:?}");
    page.click("export-reveal").await?;
    panel.revealed(&file).await?;

    // Straight from the server: nothing of it passes through what is kept.
    page.click("export-close").await?;
    page.click("export").await?;
    page.choose("export-format", "ndjson").await?;
    page.click("export-from-statement").await?;
    page.click("export-start").await?;
    desktop.choose_file(&folder.path().join("again.ndjson")).await?;
    page.gone("export-dialog").await?;
    let file = done(&page, folder.path(), "again.ndjson").await?;
    let text = std::fs::read_to_string(&file)?;
    let first = r#"{"id":1,"city":"","amount":12345678901234567891.1234567890}"#;
    ensure!(text.lines().next() == Some(first) && text.lines().count() == 3, "{text}");
    ensure!(std::fs::read_dir(folder.path())?.count() == 2, "something else was left in the folder");
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sql_file_is_saved_opened_again_and_a_change_from_outside_is_not_overwritten() -> Result<()> {
    let world = World::signed_in().await?;
    let folder = tempfile::tempdir()?;
    let desktop = Desktop::open()?;
    let page = Page::open(&world, &[]).await?;
    console(&page, "select 42 as answer").await?;
    page.click("save-file").await?;
    let file = folder.path().join("answer.sql");
    desktop.choose_file(&file).await?;
    page.until("the file to be there", async |_: &Page| Ok(file.exists().then_some(()))).await?;
    ensure!(std::fs::read_to_string(&file)? == "select 42 as answer", "another text was saved");

    // Somebody else writes it meanwhile: it is asked about.
    page.says("console-tab-1", "answer.sql").await?;
    std::fs::write(&file, "select 43 as changed\n")?;
    write(&page, "select 44 as ours").await?;
    page.click("save-file").await?;
    page.find("file-changed").await?;
    page.picture("file-changed").await?;
    page.click("file-load").await?;
    page.until("the other text to be loaded", async |page: &Page| {
        Ok(editor_text(page).await?.contains("43 as changed").then_some(()))
    })
    .await?;
    ensure!(std::fs::read_to_string(&file)? == "select 43 as changed\n", "it was overwritten");

    // A file opens in a tab of its own, and runs.
    let other = folder.path().join("other.sql");
    std::fs::write(&other, "select 7 * 6 as product")?;
    page.click("open-file").await?;
    desktop.choose_file(&other).await?;
    page.says("console-tab-2", "other.sql").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    page.says("result-rows", "42").await?;
    page.close().await
}

/// A console with a text.
async fn console(page: &Page, text: &str) -> Result<()> {
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await?;
    write(page, text).await
}

async fn write(page: &Page, text: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}a\u{e000}").await?;
    page.keys(text).await
}

async fn editor_text(page: &Page) -> Result<String> {
    let script = "return document.querySelector('[data-testid=\"console-editor-box\"] .cm-content').innerText";
    Ok(page.script(script, vec![]).await?.as_str().context("a text")?.to_owned())
}

/// Waits for an export to say that its file is complete.
async fn done(page: &Page, folder: &Path, name: &str) -> Result<PathBuf> {
    page.until(&format!("{name} to be complete"), async |page: &Page| {
        let script = "return [...document.querySelectorAll('.export-card[data-state=\"done\"]')].map((it) => it.innerText).join()";
        let cards = page.script(script, vec![]).await?;
        Ok(cards.as_str().is_some_and(|cards| cards.contains(name)).then_some(()))
    })
    .await?;
    Ok(folder.join(name))
}
