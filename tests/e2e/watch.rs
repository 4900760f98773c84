//! Rules that watch: set in the window, told on the desktop, and a query that is canceled from its notification.

use anyhow::{Context as _, Result, ensure};
use std::process::Stdio;
use tokio::process::{Child, Command};

use crate::{
    desktop::clipboard,
    looks,
    page::Page,
    panel::Panel,
    world::{DATABASE, World},
};

const ESCAPE: &str = "\u{e00c}";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_runs_too_long_is_canceled_from_its_notification() -> Result<()> {
    let world = World::signed_in().await?;
    let mut panel = Panel::start().await?;
    let page = Page::open(&world, &[]).await?;
    let uri = proxy(&world, &mut panel).await?;
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await?;
    page.find("console-editor").await?;
    for (theme, language, width, height) in
        [("dark", "ko", 1200, 780), ("dark", "ko", 900, 600), ("light", "en", 900, 600), ("light", "en", 1200, 780)]
    {
        dress(&page, theme, language).await?;
        page.size(width, height).await?;
        page.click("watch-open").await?;
        page.find("watch-dialog").await?;
        page.settle().await?;
        page.picture(&format!("watch-dialog-{theme}-{language}-{width}")).await?;
        page.keys(ESCAPE).await?;
        page.gone("watch-dialog").await?;
    }

    // Three seconds, and nothing else.
    page.click("watch-open").await?;
    let edge = "return getComputedStyle(document.querySelector(arguments[0])).borderTopWidth";
    let chosen = page.script(edge, vec!["[data-testid=watch-while_ours_run]".into()]).await?;
    let other = page.script(edge, vec!["[data-testid=watch-always]".into()]).await?;
    ensure!(chosen != other, "what is chosen looks like what is not: {chosen}");
    page.click("watch-waits").await?;
    page.click("watch-returns").await?;
    page.fill("watch-over-runs", "0").await?;
    ensure!(!page.find("watch-save").await?.is_enabled().await?, "no limit is none to save");
    page.fill("watch-over-runs", "0.05").await?;
    page.choose("watch-every", "5").await?;
    page.click("watch-save").await?;
    page.gone("watch-dialog").await?;
    page.is("watch-open", "data-state", "resting").await?;

    let long = psql(&uri, "select pg_sleep(120) /* asked to end */")?;
    let notice = panel.notice_with("Your query has run for").await?;
    ensure!(notice["actions"]["cancel"] == "Cancel query", "{notice}");
    let body = notice["body"].as_str().unwrap_or_default();
    ensure!(body.contains(DATABASE) && body.contains("asked to end"), "{notice}");
    page.is("watch-open", "data-state", "looking").await?;
    page.click("watch-open").await?;
    page.is("watch-state", "data-state", "looking").await?;
    page.settle().await?;
    page.picture("watch-looking").await?;
    page.keys(ESCAPE).await?;
    page.gone("watch-dialog").await?;
    page.click("nav-databases").await?;

    let bystander = psql(&uri, "select pg_sleep(2), 'left alone'")?;
    panel.answer_notice(&notice, "cancel").await?;
    let said = said(long).await?;
    ensure!(said.contains("cancelled on user's request"), "the query really ends: {said}");
    ensure!(self::said(bystander).await?.contains("left alone"), "a query beside it does not");
    let told = panel.notice_with("Postern canceled your query").await?;
    ensure!(told["body"].as_str().is_some_and(|body| body.contains("The server reported it canceled")), "{told}");
    let status = "select trim(status) from sys_query_history where query_text like '%asked to end%' \
                  and query_text not like '%sys_query%'";
    ensure!(self::said(psql(&uri, status)?).await?.trim() == "canceled", "as the server has it");
    let audit = world.postern(&["audit", "ls"]).await?;
    ensure!(audit.contains("asked for in a notification"), "the audit says why: {audit}");

    // A click on what was told leads to the query.
    panel.answer_notice(&told, "default").await?;
    page.says("query-drawer", "asked to end").await?;
    page.settle().await?;
    page.picture("watch-query").await?;

    // Off is off, and is said.
    page.click("watch-open").await?;
    page.click("watch-on").await?;
    page.click("watch-save").await?;
    page.gone("watch-dialog").await?;
    page.is("watch-open", "data-state", "off").await?;
    page.close().await
}

/// The address of a proxy that the tray starts.
async fn proxy(world: &World, panel: &mut Panel) -> Result<String> {
    panel.click(&format!("Start {DATABASE}")).await?;
    panel.click("Copy URI").await?;
    world.until("the address on the clipboard", || clipboard().ok().filter(|it| it.contains("://"))).await
}

fn psql(uri: &str, sql: &str) -> Result<Child> {
    let mut command = Command::new("psql");
    command.args(["-XAtw", "-c", sql, uri]).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().context("psql cannot be started")
}

/// Everything it printed, at its end.
async fn said(psql: Child) -> Result<String> {
    let output = psql.wait_with_output().await?;
    Ok([&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat())
}

/// Theme and language, and back to the view.
async fn dress(page: &Page, theme: &str, language: &str) -> Result<()> {
    looks::dress(page, theme, language, "nav-activity").await?;
    page.find("watch-open").await.map(drop)
}
