//! How the window looks: theme and language as a person sets them, and pictures of what then fits.

use anyhow::{Result, ensure};

use crate::page::Page;

/// Sets theme and language, and goes to a view by its place in the rail.
pub(crate) async fn dress(page: &Page, theme: &str, language: &str, view: &str) -> Result<()> {
    page.click("nav-settings").await?;
    page.click(&format!("theme-{theme}")).await?;
    page.choose("language", language).await?;
    page.until("the language to change", async |page: &Page| {
        let spoken = page.script("return document.documentElement.lang", vec![]).await?;
        Ok((spoken == language).then_some(()))
    })
    .await?;
    page.click(view).await
}

/// Takes a picture once the window rests; nothing sticks out of it.
pub(crate) async fn look(page: &Page, name: &str) -> Result<()> {
    page.settle().await?;
    page.picture(name).await?;
    let over = page.script("return document.documentElement.scrollWidth - innerWidth", vec![]).await?;
    ensure!(over == 0, "{name} sticks out by {over}");
    Ok(())
}
