//! Every view in both themes and both languages, at the size it opens with and at its smallest. The pictures are for
//! people; what a program can judge of them is judged here.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{
    looks,
    page::Page,
    world::{DATABASE, World},
};

const VIEWS: [&str; 5] = ["databases", "connections", "console", "activity", "settings"];
/// What somebody would ask of this warehouse.
const QUERY: &str = "\
select o.order_id, o.ordered_at, c.name, c.city, p.name as product, l.quantity, l.unit_price, o.coupon
from mart.orders o
join mart.order_lines l using (order_id)
join public.products p using (product_id)
join public.customers c using (customer_id)
order by o.order_id desc limit 500";

const SIZES: [(&str, u32, u32); 2] = [("wide", 1200, 780), ("narrow", 900, 600)];

#[tokio::test(flavor = "multi_thread")]
async fn every_view_fits_its_window_in_both_themes_languages_and_sizes() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("start-proxy").await?;
    page.says("proxy-address", "127.0.0.1").await?;
    page.click("open-console").await?;
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    // Enter is a key of its own.
    page.keys(&QUERY.replace('\n', "\u{e007}")).await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    for theme in ["light", "dark"] {
        for language in ["en", "ko"] {
            looks::dress(&page, theme, language, "nav-settings").await?;
            for (size, width, height) in SIZES {
                page.size(width, height).await?;
                for view in VIEWS {
                    page.click(&format!("nav-{view}")).await?;
                    page.settle().await?;
                    page.picture(&format!("{view}-{theme}-{language}-{size}")).await?;
                    fits(&page, &format!("{view} {theme} {language} {size}")).await?;
                }
            }
        }
    }
    page.close().await
}

/// Nothing sticks out of the window, and the status bar ends where the window does.
async fn fits(page: &Page, what: &str) -> Result<()> {
    let script = "const bar = document.querySelector('[data-testid=status-bar]').getBoundingClientRect();
                  const page = document.documentElement;
                  return { width: page.scrollWidth - innerWidth, height: page.scrollHeight - innerHeight,
                           bar: Math.round(bar.bottom - innerHeight) }";
    let over: Value = page.script(script, vec![]).await?;
    ensure!(over == serde_json::json!({ "width": 0, "height": 0, "bar": 0 }), "{what} does not fit: {over}");
    Ok(())
}
