//! Starting and stopping a proxy without the window, through the menu a panel would show.

use anyhow::{Context as _, Result};
use tokio::net::TcpStream;

use crate::{
    desktop::{Desktop, clipboard},
    page::Page,
    panel::Panel,
    world::{DATABASE, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_started_copied_and_stopped_from_the_tray() -> Result<()> {
    let world = World::signed_in().await?;
    let mut panel = Panel::start().await?;
    let mut app = world.start_app(&[])?;
    panel.items(1).await?;
    let properties = panel.properties().await?;
    assert_eq!(properties["Title"], "Postern");
    assert!(properties["pixels"].as_u64() > Some(0), "the item has no icon: {properties}");

    panel.click(&format!("Start {DATABASE}")).await?;
    panel.no_line(&format!("Start {DATABASE}")).await?;
    panel.click("Copy URI").await?;
    let uri = world.until("the address on the clipboard", || clipboard().ok().filter(|it| it.contains("://"))).await?;
    let port = port_of(&uri)?;
    TcpStream::connect(("127.0.0.1", port)).await.with_context(|| format!("nobody listens at {uri}"))?;

    panel.click("Stop").await?;
    panel.line(&format!("Start {DATABASE}")).await?;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "the stopped proxy still listens at {uri}");

    panel.click("Quit").await?;
    assert!(app.ended().await?.success());
    panel.items(0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_tray_the_closed_window_comes_back_from_it() -> Result<()> {
    let world = World::signed_in().await?;
    let mut panel = Panel::start().await?;
    let desktop = Desktop::open()?;
    let mut app = world.start_app(&[])?;
    panel.items(1).await?;
    desktop.window_is(true).await?;
    desktop.close_window()?;
    desktop.window_is(false).await?;
    panel.click("Open Postern").await?;
    desktop.window_is(true).await?;
    panel.click("Quit").await?;
    assert!(app.ended().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tray_closing_the_window_quits() -> Result<()> {
    let world = World::signed_in().await?;
    let desktop = Desktop::open()?;
    let mut app = world.start_app(&[])?;
    desktop.window_is(true).await?;
    desktop.close_window()?;
    assert!(app.ended().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_speaks_the_language_chosen_in_the_window() -> Result<()> {
    let world = World::signed_in().await?;
    let mut panel = Panel::start().await?;
    let page = Page::open(&world, &[]).await?;
    panel.line("Open Postern").await?;
    page.click("nav-settings").await?;
    page.choose("language", "ko").await?;
    panel.line("Postern 열기").await?;
    page.close().await
}

/// `postgresql://user@127.0.0.1:5441/dev`
fn port_of(uri: &str) -> Result<u16> {
    let (_, rest) = uri.rsplit_once("127.0.0.1:").with_context(|| format!("no loopback address in {uri}"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("no port in {uri}"))
}
