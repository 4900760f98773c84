//! The SQL editor and the schema tree in the real window: completion through an alias, the tree and what it does with a
//! table, laying SQL out, searching, and a syllable that is being composed.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::{
    looks,
    page::Page,
    world::{DATABASE, World},
};

const CONTROL: &str = "\u{e009}";
const NULL: &str = "\u{e000}";
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const HOME: &str = "\u{e011}";
const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";
const DOWN: &str = "\u{e015}";

#[tokio::test(flavor = "multi_thread")]
async fn a_column_is_completed_a_table_previewed_and_sql_laid_out() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await?;
    page.is("objects-state", "data-phase", "absent").await?;
    page.settle().await?;
    page.picture("editor-absent").await?;

    // Whoever writes has the catalogue read.
    write(&page, "select  from mart.orders o").await?;
    page.says("objects-age", ":").await?;
    page.keys(&[HOME, &RIGHT.repeat(7), "o.sta"].concat()).await?;
    offered(&page, "status").await?;
    page.picture("editor-completion").await?;
    page.keys(TAB).await?;
    text_is(&page, "select o.status from mart.orders o").await?;
    // An Enter ends a line, whatever is offered.
    page.keys(&[", o.chan", ENTER].concat()).await?;
    text_is(&page, "select o.status, o.chan\n    from mart.orders o").await?;
    write(&page, "with 주문 as (select order_id as no from mart.orders) select x. from 주문 x").await?;
    page.keys(&LEFT.repeat(" from 주문 x".chars().count())).await?;
    page.keys("n").await?;
    offered(&page, "no").await?;
    page.keys(TAB).await?;
    text_is(&page, "with 주문 as (select order_id as no from mart.orders) select x.no from 주문 x").await?;

    // The tree, by keys.
    page.click("object-mart").await?;
    page.keys(RIGHT).await?;
    page.click("object-mart.orders").await?;
    page.keys(RIGHT).await?;
    page.says("object-mart.orders.order_id", "int8").await?;
    page.click("object-more").await?;
    page.settle().await?;
    page.picture("editor-menu").await?;
    page.click("object-menu-preview").await?;
    page.is("run-status", "data-state", "done").await?;
    page.is("result-rows", "data-rows", "100").await?;
    let text = text(&page).await?;
    ensure!(text.ends_with(";\n\nSELECT * FROM mart.orders LIMIT 100;"), "{text}");
    page.picture("editor-preview").await?;
    page.click("object-mart.order_lines").await?;
    page.click("object-more").await?;
    page.click("object-menu-definition").await?;
    page.says("definition-sql", "CREATE TABLE mart.order_lines").await?;
    page.picture("editor-definition").await?;
    page.keys(ESCAPE).await?;
    page.gone("definition").await?;

    page.fill("object-search", "order_id").await?;
    page.says("object-hits", "hits").await?;
    page.picture("editor-search").await?;
    page.keys(&[DOWN, ENTER].concat()).await?;
    let inserted = self::text(&page).await?;
    ensure!(inserted.contains("order_id"), "{inserted}");

    write(&page, "select o.status,count(*) n from mart.orders o where o.status<>:status group by 1 order by 2 desc")
        .await?;
    page.click("format").await?;
    page.until("the SQL to be laid out", async |page: &Page| {
        Ok(self::text(page).await?.starts_with("SELECT\n    o.status,\n    count(*) n\nFROM\n").then_some(()))
    })
    .await?;
    ensure!(self::text(&page).await?.contains(":status"), "the parameter is another");
    page.keys(&[CONTROL, "f", NULL].concat()).await?;
    page.css(".cm-panel.cm-search").await?;
    page.keys("status").await?;
    page.settle().await?;
    page.picture("editor-find").await?;
    page.keys(ESCAPE).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syllable_that_is_composed_is_neither_lost_nor_doubled_nor_run() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await?;
    write(&page, "select 1 as a").await?;
    // As an input method does it: the page changes while the syllable is composed, and the key that ends it comes with it.
    let script = "const done = arguments[arguments.length - 1];
        const content = document.querySelector('.cm-content');
        const frame = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then, 60)));
        const say = (name, data) => content.dispatchEvent(new CompositionEvent(name, { data, bubbles: true }));
        const key = (key, ctrlKey) => content.dispatchEvent(new KeyboardEvent('keydown',
            { key, code: key, keyCode: 229, isComposing: true, ctrlKey, bubbles: true, cancelable: true }));
        (async () => {
          const line = content.querySelector('.cm-line:last-child');
          const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
          let node; while (walker.nextNode()) node = walker.currentNode;
          getSelection().collapse(node, node.length);
          say('compositionstart', '');
          for (const part of ['ㅎ', '하', '한']) {
            if (part === 'ㅎ') node.appendData(part); else node.replaceData(node.length - 1, 1, part);
            getSelection().collapse(node, node.length);
            say('compositionupdate', part);
            await frame();
          }
          key('Enter', true);
          key('Enter', false);
          key('Tab', false);
          await frame();
          say('compositionend', '한');
          await frame();
          await frame();
          done(true);
        })()";
    page.script_async(script, vec![]).await?;
    text_is(&page, "select 1 as a한").await?;
    let state = page.script("return document.querySelector('[data-testid=run-status]')?.dataset.state", vec![]).await?;
    ensure!(state == "ready", "something ran: {state}");
    page.keys(" from").await?;
    text_is(&page, "select 1 as a한 from").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_and_the_editors_settings_are_drawn_in_every_theme_language_and_size() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await?;
    write(&page, "select o.order_id, o.status from mart.orders o limit 50").await?;
    page.click("run").await?;
    page.is("run-status", "data-state", "done").await?;
    page.says("objects-age", ":").await?;
    page.click("object-mart").await?;
    page.keys(RIGHT).await?;
    page.click("object-mart.orders").await?;
    page.keys(RIGHT).await?;
    for (theme, language) in [("light", "en"), ("dark", "ko"), ("dark", "en"), ("light", "ko")] {
        looks::dress(&page, theme, language, "nav-settings").await?;
        page.settle().await?;
        page.picture(&format!("editor-settings-{theme}-{language}")).await?;
        page.click("nav-console").await?;
        for (size, width, height) in [("wide", 1200, 780), ("narrow", 900, 600)] {
            page.size(width, height).await?;
            page.settle().await?;
            page.picture(&format!("editor-{theme}-{language}-{size}")).await?;
        }
    }
    // The keys of vim are loaded when they are wanted.
    page.click("nav-settings").await?;
    page.click("vim").await?;
    page.is("vim", "aria-checked", "true").await?;
    page.click("nav-console").await?;
    page.css(".cm-vim-panel").await?;
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("ggdd").await?;
    text_is(&page, "").await?;
    page.close().await
}

/// Replaces the text of the editor, as a person writes it.
async fn write(page: &Page, sql: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}a").await?;
    page.keys(sql).await
}

async fn text(page: &Page) -> Result<String> {
    let script = "return [...document.querySelectorAll('[data-testid=console-editor-box] .cm-line')]
                      .map((line) => line.querySelector('.cm-placeholder') ? '' : line.textContent).join('\\n')";
    Ok(page.script(script, vec![]).await?.as_str().context("a text")?.to_owned())
}

async fn text_is(page: &Page, wanted: &str) -> Result<()> {
    page.until(&format!("the editor to hold '{wanted}'"), async |page: &Page| {
        let found = text(page).await?;
        ensure!(found == wanted, "it holds '{found}'");
        Ok(Some(()))
    })
    .await
}

/// Waits until a name is offered first.
async fn offered(page: &Page, name: &str) -> Result<()> {
    let script = "return document.querySelector('.cm-offers li .cm-completionLabel')?.textContent";
    page.until(&format!("'{name}' to be offered"), async |page: &Page| {
        Ok((page.script(script, vec![]).await? == json!(name)).then_some(()))
    })
    .await
}
