//! The Connections view, with a real psql at its proxies: who is connected and what flows, the end of one session and of
//! a whole proxy, the port that stays, and the port that somebody else has.

use std::{net::TcpListener, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use crate::{
    looks,
    page::Page,
    world::{DATABASE, World},
};

/// Another one that the same person may read.
const OTHER: &str = "analytics-dev";

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_shown_and_ended_and_a_port_stays_until_somebody_chooses_another() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    start(&page, OTHER).await?;
    let mut reader = psql(&page, OTHER, "notebook").await?;
    start(&page, DATABASE).await?;
    let mut loader = psql(&page, DATABASE, "psql").await?;

    let pid = loader.id().context("psql runs")?.to_string();
    let (user, _) = login(&page, DATABASE).await?;
    let words = ["psql", &format!("pid {pid}"), user.as_str(), "00:", "KB"];
    page.until("the session of psql to be told whole", async |page: &Page| {
        let row = page.text(&format!("connection-{DATABASE}")).await?;
        Ok(words.iter().all(|word| row.contains(word)).then_some(()))
    })
    .await?;
    page.until("plots that are not flat", async |page: &Page| Ok(plots(page, DATABASE).await?.then_some(()))).await?;
    pictures(&page).await?;

    // One session ends, and its client is told by whom; the other goes on.
    page.click_css(&format!(r#"[data-testid="connection-{DATABASE}"] [data-testid^="end-"]"#)).await?;
    ensure!(told(&mut loader).await?.contains("it was disconnected in Postern"), "psql was not told");
    page.says(&format!("connection-{DATABASE}"), "No program is connected").await?;
    ensure!(reader.try_wait()?.is_none(), "the session of another proxy has ended too");

    // A whole proxy stops: its client is told, and nobody listens any more.
    let address = address(&page, DATABASE).await?;
    page.click(&format!("stop-{OTHER}")).await?;
    ensure!(told(&mut reader).await?.contains("it was disconnected in Postern"), "the notebook was not told");
    page.gone(&format!("connection-{OTHER}")).await?;
    page.click(&format!("stop-{DATABASE}")).await?;
    page.says(&format!("recent-address-{DATABASE}"), &address).await?;
    ensure!(tokio::net::TcpStream::connect(&address).await.is_err(), "somebody still listens at {address}");
    page.close().await?;

    // The next day: the same port. Until a stranger has it.
    let page = Page::open(&world, &[]).await?;
    page.click("nav-connections").await?;
    page.click(&format!("start-again-{DATABASE}")).await?;
    ensure!(self::address(&page, DATABASE).await? == address, "the port has moved");
    page.click(&format!("stop-{DATABASE}")).await?;
    page.gone(&format!("connection-{DATABASE}")).await?;
    let _stranger = TcpListener::bind(&address)?;
    page.click(&format!("start-again-{DATABASE}")).await?;
    page.is("error-panel", "data-code", "port_in_use").await?;
    page.says("error-panel", &format!("pid {}", std::process::id())).await?;
    page.picture("connections-taken").await?;
    let offered = page.text("use-free-port").await?;
    let offered = offered.rsplit(' ').next().context("an offer has a port")?.to_owned();
    ensure!(!address.ends_with(&offered), "the taken port is offered");
    page.click("use-free-port").await?;
    let moved = self::address(&page, DATABASE).await?;
    ensure!(moved.ends_with(&format!(":{offered}")), "{moved} is not what was offered");
    let mut psql = psql(&page, DATABASE, "psql").await?;
    page.says(&format!("connection-{DATABASE}"), "psql").await?;
    psql.kill().await?;
    page.close().await
}

/// Starts a proxy with what the dialog proposes.
async fn start(page: &Page, database: &str) -> Result<()> {
    page.click("nav-connections").await?;
    page.click("start-proxy-dialog").await?;
    page.choose("start-database", database).await?;
    page.click("start-submit").await?;
    address(page, database).await.map(drop)
}

async fn address(page: &Page, database: &str) -> Result<String> {
    let shown = format!(r#"[data-testid="connection-{database}"] [data-testid="connection-address"]"#);
    Ok(page.css(&shown).await?.text().await?)
}

/// As whom a proxy logs in, and into which database.
async fn login(page: &Page, database: &str) -> Result<(String, String)> {
    let script = "return document.querySelector(`[data-testid=\"connection-${arguments[0]}\"] .cx__login`).textContent";
    let words = page.script(script, vec![database.into()]).await?;
    let (user, name) = words.as_str().and_then(|words| words.split_once(" on ")).context("a login on the screen")?;
    Ok((user.to_owned(), name.to_owned()))
}

/// A psql that asks for a little again and again.
async fn psql(page: &Page, database: &str, name: &str) -> Result<Child> {
    let address = address(page, database).await?;
    let (host, port) = address.split_once(':').context("an address has a port")?;
    let (user, db_name) = login(page, database).await?;
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-h", host, "-p", port, "-U", &user, "-d", &db_name])
        .env("PGAPPNAME", name)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("psql cannot be started")?;
    let mut input = psql.stdin.take().context("its input is piped")?;
    input.write_all(b"select repeat('x', (random() * 90000)::int) from generate_series(1, 9) \\watch 0.4\n").await?;
    Ok(psql)
}

/// What a psql says when it has ended.
async fn told(psql: &mut Child) -> Result<String> {
    let mut said = String::new();
    let mut err = psql.stderr.take().context("its errors are piped")?;
    tokio::io::AsyncReadExt::read_to_string(&mut err, &mut said).await?;
    psql.wait().await?;
    Ok(said)
}

/// Whether the proxy's plot and that of a session show more than a line on the ground.
async fn plots(page: &Page, database: &str) -> Result<bool> {
    let script =
        "const lines = [...document.querySelectorAll(`[data-testid=\"connection-${arguments[0]}\"] polyline`)];
                  const rises = (line) => new Set(line.getAttribute('points').split(' ').map((it) => it.split(',')[1]));
                  return lines.length > 1 && lines.every((line) => rises(line).size > 5)";
    Ok(page.script(script, vec![database.into()]).await? == true)
}

/// For people to look at: both themes and languages, wide and narrow.
async fn pictures(page: &Page) -> Result<()> {
    for (theme, language) in [("light", "en"), ("dark", "ko"), ("light", "ko"), ("dark", "en"), ("light", "en")] {
        looks::dress(page, theme, language, "nav-connections").await?;
        for (size, width, height) in [("narrow", 900, 600), ("wide", 1200, 780)] {
            page.size(width, height).await?;
            page.settle().await?;
            page.picture(&format!("connections-live-{theme}-{language}-{size}")).await?;
            page.click("start-proxy-dialog").await?;
            page.settle().await?;
            page.picture(&format!("connections-start-{theme}-{language}-{size}")).await?;
            page.keys("\u{e00c}").await?;
            page.gone("start-dialog").await?;
        }
    }
    Ok(())
}
