//! What a start asks for, and one Postern per home: starting it again shows the one that runs.

use anyhow::Result;

use crate::{desktop::Desktop, page::Page, panel::Panel, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_ends_with_success_and_brings_the_first_window_back() -> Result<()> {
    let world = World::signed_in().await?;
    let mut panel = Panel::start().await?;
    let desktop = Desktop::open()?;
    let mut first = world.start_app(&[])?;
    panel.items(1).await?;
    desktop.window_is(true).await?;
    desktop.close_window()?;
    desktop.window_is(false).await?;

    let mut second = world.start_app(&[])?;
    assert!(second.ended().await?.success());
    desktop.window_is(true).await?;
    panel.items(1).await?;

    panel.click("Quit").await?;
    assert!(first.ended().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_takes_the_first_window_to_the_view_it_names() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    page.find("nav-databases").await?;
    let mut second = world.start_app(&["--show", "activity"])?;
    assert!(second.ended().await?.success());
    page.css(r#"[data-testid="nav-activity"][aria-current="page"]"#).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_opens_at_the_view_it_names() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &["--show", "activity"]).await?;
    page.css(r#"[data-testid="nav-activity"][aria-current="page"]"#).await?;
    page.close().await
}
