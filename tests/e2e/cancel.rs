//! Cancelling what others run: the question with user and text, the proof with its times, and several at once from a preview.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{
    looks::{self, look},
    page::Page,
    world::World,
};

const ENTER: &str = "\u{e007}";
const LOOKS: [(&str, &str, u32, u32); 3] =
    [("dark", "ko", 1200, 780), ("dark", "ko", 900, 600), ("light", "en", 1200, 780)];

#[tokio::test(flavor = "multi_thread")]
async fn anothers_query_is_asked_about_and_proven_and_several_are_canceled_from_a_preview() -> Result<()> {
    let world = World::new().await?;
    world.postern(&["login", "--user", "alice"]).await?;
    let mut victims = Vec::new();
    for number in 0..4 {
        let sql = format!("/* mart.daily_sales, 야간 적재 */\nselect pg_sleep(300), 'nightly load {number}'");
        let login = ["--db-user", "bi-readonly", "--db-name", "dev"];
        victims.push(world.start_postern(&[&["db", "exec", "analytics-dev"][..], &login, &[&sql]].concat())?);
    }
    let page = Page::open(&world, &[]).await?;
    page.click("nav-activity").await?;
    page.choose("activity-database", "analytics-dev").await?;
    page.fill("activity-db-user", "warehouse-admin").await?;
    page.fill("activity-db-name", "dev").await?;
    page.click("activity-show").await?;
    let first = listed(&page, "nightly load 0").await?;
    for number in 1..4 {
        listed(&page, &format!("nightly load {number}")).await?;
    }

    // Enter on its way confirms nothing, and nothing is done before the answer.
    let cancel = format!("cancel-{first}");
    for (theme, language, width, height) in LOOKS {
        dress(&page, theme, language, width, height).await?;
        leave_details(&page).await?;
        page.click(&cancel).await?;
        page.says("confirm-cancel", "IAMR:bi-readonly").await?;
        page.says("confirm-cancel-text", "nightly load 0").await?;
        page.settle().await?;
        page.picture(&format!("cancel-question-{theme}-{language}-{width}")).await?;
        page.keys(ENTER).await?;
        page.gone("confirm-cancel").await?;
    }
    page.is(&format!("query-{first}"), "data-status", "running").await?;
    page.click(&cancel).await?;
    page.click("confirm-cancel-yes").await?;
    page.is("cancel-proof", "data-outcome", "canceled").await?;
    page.says("cancel-story", "server reported canceled after").await?;
    page.is(&format!("query-{first}"), "data-status", "canceled").await?;
    for (theme, language, width, height) in LOOKS {
        dress(&page, theme, language, width, height).await?;
        look(&page, &format!("cancel-proof-{theme}-{language}-{width}")).await?;
    }
    let ended = victims.remove(0).wait_with_output().await?;
    ensure!(String::from_utf8_lossy(&ended.stderr).contains("57014"), "{ended:?}");

    // Of the others all but one, which is unticked.
    let spared = listed(&page, "nightly load 3").await?;
    for (theme, language, width, height) in LOOKS {
        dress(&page, theme, language, width, height).await?;
        leave_details(&page).await?;
        page.click("cancel-many").await?;
        page.choose("many-user", "IAMR:bi-readonly").await?;
        page.settle().await?;
        look(&page, &format!("cancel-many-{theme}-{language}-{width}")).await?;
        let inside = "const box = document.querySelector('[data-testid=many-dialog]').getBoundingClientRect();
                      return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight";
        ensure!(page.script(inside, vec![]).await? == true, "the preview is wider than the window");
        page.keys("\u{e00c}").await?;
        page.gone("many-dialog").await?;
    }
    page.click("cancel-many").await?;
    page.click(&format!("many-tick-{spared}")).await?;
    page.click("many-start").await?;
    page.says("many-what", "2 of 2").await?;
    look(&page, "cancel-many-done").await?;
    page.click("many-close").await?;
    page.is(&format!("query-{spared}"), "data-status", "running").await?;
    for victim in victims.drain(..2) {
        let ended = victim.wait_with_output().await?;
        ensure!(String::from_utf8_lossy(&ended.stderr).contains("57014"), "{ended:?}");
    }
    ensure!(victims[0].try_wait()?.is_none(), "the one that was unticked is gone");
    page.close().await
}

/// The running query that holds this text.
async fn listed(page: &Page, text: &str) -> Result<String> {
    let script = "const rows = [...document.querySelectorAll('tr[data-query][data-status=running]')];
                  return rows.find((row) => row.innerText.includes(arguments[0]))?.dataset.query ?? null";
    page.until("the query to be listed", async |page: &Page| {
        let found = page.script(script, vec![json!(text)]).await?;
        if found.is_null() {
            page.script("document.querySelector('[data-testid=activity-refresh]:not([disabled])')?.click()", vec![])
                .await?;
        }
        Ok(found.as_str().map(str::to_owned))
    })
    .await
}

async fn dress(page: &Page, theme: &str, language: &str, width: u32, height: u32) -> Result<()> {
    looks::dress(page, theme, language, "nav-activity").await?;
    page.size(width, height).await
}

/// In a narrow window the details lie over the list.
async fn leave_details(page: &Page) -> Result<()> {
    let script =
        "document.querySelector('[data-testid=query-drawer] .drawer__head > .row > button:last-child')?.click()";
    page.script(script, vec![]).await?;
    page.gone("query-drawer").await
}
