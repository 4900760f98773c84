//! Notifications, as a desktop that shows them sees them.

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::{
    desktop::{Desktop, clipboard},
    panel::Panel,
    world::{DATABASE, World},
};

/// A way into [`DATABASE`] alone, for a sign-in that is no older than this.
fn role(max_session_ttl: &str) -> String {
    format!(
        "kind: role\nversion: v7\nmetadata: {{name: short}}\nspec:\n  options: {{max_session_ttl: {max_session_ttl}}}\n  allow:\n    \
         db_labels: {{team: ml}}\n    db_users: [bi-readonly]\n    db_names: [dev]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_sign_in_is_notified_once_and_leads_back_to_the_window() -> Result<()> {
    let world = World::new().await?;
    let file = world.file("short.yaml", &role("8h"))?.display().to_string();
    world.postern(&["create", "-f", &file]).await?;
    world.postern(&["users", "add", "mina", "--roles", "short"]).await?;
    world.postern(&["login", "--user", "mina"]).await?;
    let (mut panel, desktop) = (Panel::start().await?, Desktop::open()?);
    let mut app = world.start_app(&[])?;
    panel.click(&format!("Start {DATABASE}")).await?;
    panel.click("Copy URI").await?;
    let uri = world.until("the address on the clipboard", || clipboard().ok().filter(|it| it.contains("://"))).await?;
    ensure!(psql(&uri).await?.contains("IAMR:bi-readonly"), "the proxy lets its owner in");
    desktop.window_is(true).await?;
    desktop.close_window()?;
    desktop.window_is(false).await?;

    // Resources are read anew for each question.
    world.file("short.yaml", &role("1s"))?;
    world.postern(&["create", "--force", "-f", &file]).await?;
    for _ in 0..3 {
        let said = psql(&uri).await?;
        ensure!(said.contains("the sign-in of 'mina' has expired"), "the client is told: {said}");
    }
    let notice = panel.notice("Your sign-in to Postern has ended").await?;
    ensure!(notice["actions"]["sign_in"] == "Sign in", "{notice}");
    panel.answer_notice(&notice, "sign_in").await?;
    desktop.window_is(true).await?;
    assert_eq!(panel.notices_closed().await?, 1, "told once");
    panel.click("Quit").await?;
    assert!(app.ended().await?.success());
    Ok(())
}

/// What psql prints when it asks who it is.
async fn psql(uri: &str) -> Result<String> {
    let output = Command::new("psql").args(["-XAtw", "-c", "select current_user", uri]).output().await?;
    Ok([&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat())
}
