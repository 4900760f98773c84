//! The guide's walk by hand: the role, the person, the sign-in, the list, a query, a query that never ends, its cancel,
//! the way out. And the same by somebody whom AWS does not let in.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{page::Page, world::World};

/// The role file of the guide, as it stands there.
const ROLE: &str = "\
version: v5
kind: role
metadata:
  name: redshift-serverless-access
spec:
  allow:
    db_labels:
      '*': '*'
    db_names:
    - dev
    db_users:
    - 'teleport-redshift-serverless-access'
";

/// The guide's own last step of that part: the role, given to a person.
const PERSON: &str = "\
kind: user
version: v2
metadata:
  name: joan
spec:
  roles: [redshift-serverless-access]
";

/// Every pair of a million rows: nobody waits for it.
const LONG: &str = "select count(*) as pairs from generate_series(1, 1000000) a, generate_series(1, 1000000) b";

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_walk_from_a_role_file_to_a_canceled_query() -> Result<()> {
    let world = World::new().await?;
    let page = Page::open(&world, &[]).await?;
    sign_in(&page).await?;

    page.click("nav-databases").await?;
    page.click_row("database-analytics-dev").await?;
    page.says("database-panel", "analytics-dev").await?;
    page.click("open-console").await?;

    run(&page, "select current_user, 6 * 7 as answer").await?;
    page.is("run-status", "data-state", "done").await?;
    page.is("result-rows", "data-rows", "1").await?;
    let rows = page.says("result-rows", "42").await?;
    assert!(rows.contains("IAMR:teleport-redshift-serverless-access"), "not signed in as the guide's role: {rows}");

    run(&page, "select nothing_of_that_name").await?;
    page.is("run-status", "data-state", "failed").await?;
    page.says("error-server", "nothing_of_that_name").await?;

    run(&page, LONG).await?;
    page.is("run-status", "data-state", "running").await?;
    cancel_from_activity(&page).await?;
    page.click("nav-console").await?;
    page.is("run-status", "data-state", "canceled").await?;

    page.click("nav-settings").await?;
    page.click("sign-out").await?;
    page.find("sign-in").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_role_is_named_with_its_hop_and_resource() -> Result<()> {
    let world = World::new().await?;
    world.postern(&["login", "--user", "alice"]).await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row("database-finance-prod").await?;
    page.fill("db-user", "finance-auditor").await?;
    page.fill("db-name", "dev").await?;
    page.click("open-console").await?;
    page.is("error-panel", "data-code", "aws_denied").await?;
    let words = page.text("error-panel").await?;
    assert!(words.contains("arn:aws:iam::111111111111:role/finance-auditor"), "the resource is missing: {words}");
    assert!(words.contains("sts:AssumeRole"), "the action is missing: {words}");
    page.picture("denied").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_file_with_a_slip_is_answered_with_its_line() -> Result<()> {
    let world = World::new().await?;
    let page = Page::open(&world, &[]).await?;
    page.click("open-import").await?;
    page.fill("import-text", &ROLE.replace("db_users", "db_user")).await?;
    page.click("import-create").await?;
    page.is("error-panel", "data-code", "invalid_resource").await?;
    let words = page.text("error-panel").await?;
    assert!(words.contains("db_user") && words.contains("11"), "field or line is missing: {words}");
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_read_is_an_error_in_the_window_and_not_a_blank_one() -> Result<()> {
    let world = World::new().await?;
    let nowhere = world.file("not-a-folder", "")?;
    let world = world.with("POSTERN_HOME", &nowhere.display().to_string());
    let page = Page::open(&world, &[]).await?;
    let words = page.says("error-panel", "not-a-folder").await?;
    assert!(!words.is_empty());
    page.picture("no-home").await?;
    page.close().await
}

/// Role and person are made in the window, then that person signs in.
async fn sign_in(page: &Page) -> Result<()> {
    for (text, told) in [(ROLE, "redshift-serverless-access"), (PERSON, "joan")] {
        page.click("open-import").await?;
        page.fill("import-text", text).await?;
        page.click("import-create").await?;
        page.gone("import-dialog").await?;
        page.says("toast-news", told).await?;
    }
    page.choose("sign-in-user", "joan").await?;
    page.click("sign-in-submit").await?;
    page.says("status-user", "joan").await?;
    page.says("status-aws", "111111111111").await?;
    Ok(())
}

/// Replaces the text of the editor and runs it.
async fn run(page: &Page, sql: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}a").await?;
    page.keys(sql).await?;
    page.click("run").await
}

/// Finds the long query among those that run, cancels it, and waits for the proof.
async fn cancel_from_activity(page: &Page) -> Result<()> {
    page.click("nav-activity").await?;
    let query = page.until("the long query to be listed", long_query).await?;
    page.picture("activity-running").await?;
    page.click_row(&format!("query-{query}")).await?;
    page.click(&format!("cancel-{query}")).await?;
    page.is("cancel-proof", "data-outcome", "canceled").await?;
    page.find("step-server_reports").await?;
    page.is(&format!("query-{query}"), "data-status", "canceled").await?;
    page.picture("activity-canceled").await
}

async fn long_query(page: &Page) -> Result<Option<String>> {
    let script = "const rows = [...document.querySelectorAll('tr[data-query][data-status=running]')];
                  return rows.find((row) => row.innerText.includes(arguments[0]))?.dataset.query ?? null";
    let found = page.script(script, vec![json!("count(*) as pairs")]).await.context("looking for the long query")?;
    Ok(found.as_str().map(str::to_owned))
}
