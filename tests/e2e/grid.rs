//! The result grid over ten million rows: the first, the middle and the last one by every way there is, without an
//! element that a browser would clamp, and without more elements on the way.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    page::Page,
    world::{DATABASE, World},
};

const ROWS: u64 = 10_000_000;
const QUERY: &str = "select i as id, i % 97 as bucket from generate_series(1, 10000000) i";
/// Ten million rows through TLS and the proxy of a debug build, on two busy cores.
const ARRIVAL: Duration = Duration::from_secs(180);
/// No element of the grid is taller: at three pixels a point some browsers clamp at eleven million.
const TALLEST: f64 = 8_000_000.0;

const CONTROL: &str = "\u{e009}";
const SHIFT: &str = "\u{e008}";
const NULL: &str = "\u{e000}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const PAGE_UP: &str = "\u{e00e}";
const PAGE_DOWN: &str = "\u{e00f}";
const END: &str = "\u{e010}";
const HOME: &str = "\u{e011}";
const UP: &str = "\u{e013}";
const DOWN: &str = "\u{e015}";

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_ten_million_is_reached_by_wheel_scrollbar_keys_and_number() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    run(&page, QUERY).await?;
    arrived(&page, ROWS).await?;
    shows(&page, 1).await?;
    let elements = elements(&page).await?;

    // The wheel moves by its own pixels, not by those of a bar that stands for thousands of rows.
    page.wheel(".dgrid__scroll", 240).await?;
    first_is(&page, 11).await?;
    page.wheel(".dgrid__scroll", -10_000).await?;
    shows(&page, 1).await?;

    // The bar, to its very end and back.
    drag_bar(&page, 0.0, 1.0).await?;
    shows(&page, ROWS).await?;
    page.picture("grid-last").await?;
    // The wheel goes on from where the bar was let go.
    let last = first_row(&page).await?;
    page.wheel(".dgrid__scroll", -240).await?;
    first_is(&page, last - 10).await?;
    drag_bar(&page, 1.0, 0.5).await?;
    let middle = first_row(&page).await?;
    ensure!((4_000_000..6_000_000).contains(&middle), "the middle of the bar is row {middle}");
    drag_bar(&page, 0.5, 0.0).await?;
    shows(&page, 1).await?;

    // Keys.
    click_cell(&page, 0, 0).await?;
    page.keys(&[CONTROL, END, NULL].concat()).await?;
    shows(&page, ROWS).await?;
    page.keys(&[UP, PAGE_UP, PAGE_DOWN, DOWN].concat()).await?;
    at(&page, ROWS).await?;
    page.keys(&[CONTROL, HOME, NULL].concat()).await?;
    at(&page, 1).await?;

    // By number.
    for row in [5_000_000, 5_000_001, ROWS, 1, 1_234_567] {
        page.keys(&[CONTROL, "g", NULL].concat()).await?;
        page.find("goto-field").await?;
        page.keys(&[&row.to_string(), ENTER].concat()).await?;
        at(&page, row).await?;
    }
    page.keys(&[DOWN; 10].concat()).await?;
    at(&page, 1_234_577).await?;

    let now = self::elements(&page).await?;
    ensure!(now == elements, "{elements} elements at first, {now} after the walk");
    let tallest = page.script(
        "return Math.max(...[...document.querySelectorAll('.dgrid, .dgrid *')].map((it) => it.scrollHeight))",
        vec![],
    );
    let tallest = tallest.await?.as_f64().context("a height")?;
    ensure!(tallest <= TALLEST, "an element is {tallest} pixels tall");
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sorted_filtered_found_and_measured_and_a_pinned_result_stays() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    run(&page, "select i as id, (i * 7919) % 1000 as n, case when i % 3 = 0 then null else 'name ' || i end as name from generate_series(1, 50000) i").await?;
    arrived(&page, 50_000).await?;

    menu(&page, 1, "down").await?;
    cell_says(&page, 0, 1, "999").await?;
    page.find("view-strip").await?;
    menu(&page, 2, "filter").await?;
    page.fill("filter-value", "name 4999").await?;
    page.keys(ENTER).await?;
    page.says("view-rows", "of 50,000 rows").await?;
    page.is("result-rows", "data-rows", "8").await?;
    page.picture("grid-filtered").await?;
    page.click("view-clear").await?;
    page.is("result-rows", "data-rows", "50000").await?;

    click_cell(&page, 0, 0).await?;
    page.keys(&[CONTROL, "f", NULL].concat()).await?;
    page.fill("find-text", "name 49999").await?;
    page.keys(ENTER).await?;
    at(&page, 49_999).await?;
    page.says("find-said", "in 1 row").await?;
    page.picture("grid-find").await?;
    page.keys(ESCAPE).await?;
    page.gone("find-bar").await?;

    menu(&page, 2, "statistics").await?;
    page.says("stats", "16,666").await?;
    menu(&page, 1, "statistics").await?;
    page.says("stats", "1,000").await?;
    page.says("stats", "999").await?;
    page.picture("grid-statistics").await?;
    page.click("stats-close").await?;

    click_cell(&page, 49998, 1).await?;
    page.keys(&[SHIFT, UP, UP, NULL].concat()).await?;
    page.says("sum", "486").await?;

    page.click("pin-result").await?;
    page.is("pin-result", "aria-pressed", "true").await?;
    run(&page, "select 1 as one").await?;
    arrived(&page, 1).await?;
    page.click("pinned-tab-1").await?;
    page.is("result-rows", "data-rows", "50000").await?;
    page.click("close-result").await?;
    page.gone("pinned-tab-1").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_move_freeze_and_hide_and_cells_are_copied_and_opened() -> Result<()> {
    let world = World::signed_in().await?;
    let page = Page::open(&world, &[]).await?;
    console(&page).await?;
    run(
        &page,
        r#"select 9007199254740993 as id, 'O''Hara \ "x"' as who, '{"a": [1, 2.50, {"deep": "서울"}], "a": null}'::json as doc, null::int as nothing"#,
    )
    .await?;
    arrived(&page, 1).await?;

    click_cell(&page, 0, 0).await?;
    page.keys(&[SHIFT, "\u{e014}", NULL].concat()).await?;
    page.click("copy-as").await?;
    page.click("cell-menu-insert").await?;
    page.fill("insert-table", "mart.people").await?;
    page.keys(ENTER).await?;
    let wanted = "INSERT INTO mart.people (\"id\", \"who\") VALUES\n  (9007199254740993, ('O''Hara ' || chr(92) || ' \"x\"'));\n";
    page.until("the copied rows", async |_: &Page| Ok((crate::desktop::clipboard()? == wanted).then_some(()))).await?;

    click_cell(&page, 0, 2).await?;
    page.keys(ENTER).await?;
    page.says("json-tree", "2.50").await?;
    page.says("json-tree", "서울").await?;
    page.picture("grid-cell").await?;
    page.keys(ESCAPE).await?;
    page.gone("cell-viewer").await?;

    // From the first cell up to its head: there the arrows move, and with both keys held they move the column.
    page.keys(&[CONTROL, HOME, NULL, UP].concat()).await?;
    page.keys(&[CONTROL, SHIFT, "\u{e014}", NULL].concat()).await?;
    order_is(&page, &["who", "id", "doc", "nothing"]).await?;
    menu(&page, 3, "hide").await?;
    order_is(&page, &["who", "id", "doc"]).await?;
    menu(&page, 0, "freeze").await?;
    page.until("two frozen columns", async |page: &Page| {
        let frozen =
            page.script("return document.querySelectorAll('.dgrid__headcell.is-frozen').length", vec![]).await?;
        Ok((frozen == 2).then_some(()))
    })
    .await?;
    page.click("show-all-columns").await?;
    order_is(&page, &["who", "id", "doc", "nothing"]).await?;
    page.close().await
}

async fn console(page: &Page) -> Result<()> {
    page.click_row(&format!("database-{DATABASE}")).await?;
    page.click("open-console").await
}

/// Replaces the text of the editor and runs it.
async fn run(page: &Page, sql: &str) -> Result<()> {
    page.click_css(r#"[data-testid="console-editor-box"] .cm-content"#).await?;
    page.keys("\u{e009}a").await?;
    page.keys(sql).await?;
    page.click("run").await
}

/// Waits until the run is done and the grid has so many rows.
async fn arrived(page: &Page, rows: u64) -> Result<()> {
    let until = Instant::now() + ARRIVAL;
    loop {
        let script = "return [document.querySelector('[data-testid=run-status]')?.dataset.state,
                              document.querySelector('[data-testid=result-rows]')?.dataset.rows]";
        let now = page.script(script, vec![]).await?;
        if now == json!(["done", rows.to_string()]) {
            return page.settle().await;
        }
        ensure!(Instant::now() < until, "waited in vain for {rows} rows: {now}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the row with this id is whole on the screen, with its value.
async fn shows(page: &Page, id: u64) -> Result<()> {
    let text = shows_cell(page, id - 1, 0).await?;
    ensure!(text == id.to_string(), "row {id} shows '{text}'");
    Ok(())
}

/// Waits until a cell is whole on the screen and has a text, and gives that.
async fn shows_cell(page: &Page, row: u64, column: usize) -> Result<String> {
    let script = "const box = document.querySelector('.dgrid__scroll').getBoundingClientRect();
                  const cell = document.querySelector(`[data-testid=\"cell-${arguments[0]}-${arguments[1]}\"]`);
                  const own = cell?.getBoundingClientRect();
                  const seen = own && !cell.parentElement.hidden && own.top >= box.top - 1 && own.bottom <= box.bottom + 1;
                  return seen && cell.textContent !== '' ? cell.textContent : null";
    page.until(&format!("cell {row}, {column} to be seen"), async |page: &Page| {
        let text = page.script(script, vec![json!(row), json!(column)]).await?;
        Ok(text.as_str().map(str::to_owned))
    })
    .await
}

/// Waits until the keys are on the row with this id.
async fn at(page: &Page, id: u64) -> Result<()> {
    shows(page, id).await?;
    page.until(&format!("the keys to be on row {id}"), async |page: &Page| {
        let script = "return document.querySelector('.dgrid__row:not([hidden]) .is-at')?.dataset.testid ?? ''";
        let cell = page.script(script, vec![]).await?;
        Ok(cell.as_str().is_some_and(|cell| cell.starts_with(&format!("cell-{}-", id - 1))).then_some(()))
    })
    .await
}

async fn first_is(page: &Page, row: u64) -> Result<()> {
    page.until(&format!("row {row} to be the first"), async |page: &Page| {
        Ok((first_row(page).await? == row).then_some(()))
    })
    .await
}

/// The first row that is seen, from 1.
async fn first_row(page: &Page) -> Result<u64> {
    page.settle().await?;
    let script = "return Math.min(...[...document.querySelectorAll('.dgrid__row:not([hidden])')]
                                       .map((row) => Number(row.getAttribute('aria-rowindex')) - 1))";
    page.script(script, vec![]).await?.as_u64().context("a row")
}

/// Elements of the grid, as soon as their number rests.
async fn elements(page: &Page) -> Result<Value> {
    page.settle().await?;
    page.script("return document.querySelectorAll('.dgrid *').length", vec![]).await
}

/// Drags the thumb of the scrollbar between two places of its way, 0 being its top.
async fn drag_bar(page: &Page, from: f64, to: f64) -> Result<()> {
    let script = "const it = document.querySelector('.dgrid__scroll');
                  const box = it.getBoundingClientRect();
                  return { right: box.right, left: box.left, top: box.top, height: it.clientHeight, bar: it.offsetWidth - it.clientWidth }";
    let bar = page.script(script, vec![]).await?;
    let number = |name: &str| bar[name].as_f64().with_context(|| format!("{name} of the bar"));
    ensure!(number("bar")? > 0.0, "there is no scrollbar: {bar}");
    let x = number("right")? - number("bar")? / 2.0;
    // The thumb is short: its middle goes from just below the top to just above the bottom.
    let y = |share: f64| Ok::<_, anyhow::Error>(number("top")? + 6.0 + share * (number("height")? - 12.0));
    page.drag((x, y(from)?), (x, y(to)?)).await
}

/// Opens the menu of a column's head, of the result's column with this place, and picks an entry.
async fn menu(page: &Page, column: usize, entry: &str) -> Result<()> {
    // Its button is seen while the pointer is on the head.
    page.click(&format!("head-{column}")).await?;
    page.click_css(&format!(r#"[data-testid="head-{column}"] .dgrid__menu"#)).await?;
    page.click(&format!("column-menu-{entry}")).await
}

/// Clicks a cell with the pointer, as the driver would if it took what is in a sticky layer for visible.
async fn click_cell(page: &Page, row: u64, column: usize) -> Result<()> {
    shows_cell(page, row, column).await?;
    let script = "const box = document.querySelector(`[data-testid=\"cell-${arguments[0]}-${arguments[1]}\"]`)
                                      .getBoundingClientRect();
                  return [box.left + box.width / 2, box.top + box.height / 2]";
    let place: (f64, f64) = serde_json::from_value(page.script(script, vec![json!(row), json!(column)]).await?)?;
    page.drag(place, place).await
}

async fn cell_says(page: &Page, row: usize, column: usize, words: &str) -> Result<()> {
    page.says(&format!("cell-{row}-{column}"), words).await.map(drop)
}

async fn order_is(page: &Page, names: &[&str]) -> Result<()> {
    page.until(&format!("the columns to be {names:?}"), async |page: &Page| {
        let script = "return [...document.querySelectorAll('.dgrid__headcell:not([hidden])')]
                        .sort((one, other) => one.dataset.at - other.dataset.at)
                        .map((head) => head.querySelector('.dgrid__name').textContent)";
        Ok((page.script(script, vec![]).await? == json!(names)).then_some(()))
    })
    .await
}
