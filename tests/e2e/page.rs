//! The page in the window. WebKitWebDriver starts the app itself and is the only thing between us and the page.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, WheelAction, WheelActions},
    elements::Element,
    wd::Capabilities,
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{desktop::Desktop, world::World};

/// How long anything in the page may take. Two busy cores, software rendering.
const PATIENCE: Duration = Duration::from_secs(30);

/// A window under control.
pub(crate) struct Page {
    client: Client,
    driver: Child,
}

impl Page {
    /// Starts the app in a world and waits for its page.
    pub(crate) async fn open(world: &World, arguments: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let driver = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .envs(world.env())
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("WebKitWebDriver (Debian: webkit2gtk-driver) cannot be started")?;
        let client = connect(port, arguments).await?;
        Ok(Self { client, driver })
    }

    /// Ends the session and the app, and waits until both are gone.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.client.clone().close().await.context("closing the session")?;
        let group = self.group();
        self.end();
        self.driver.wait().await.context("stopping the driver")?;
        let until = Instant::now() + PATIENCE;
        while group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            ensure!(Instant::now() < until, "the app has not ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Kills the app where it stands, and waits until it is gone.
    pub(crate) async fn crash(mut self) -> Result<()> {
        let group = self.group();
        if let Some(group) = group {
            kill_process_group(group, Signal::KILL).context("killing the app")?;
        }
        self.driver.wait().await.context("stopping the driver")?;
        let until = Instant::now() + PATIENCE;
        while group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            ensure!(Instant::now() < until, "the app has not ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The driver and what it started are one process group: ending a session may leave the app behind.
    fn end(&self) {
        if let Some(group) = self.group() {
            // Fails only when all of it is gone already.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }

    fn group(&self) -> Option<Pid> {
        self.driver.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// The element with this `data-testid`, as soon as it is there and visible.
    pub(crate) async fn find(&self, id: &str) -> Result<Element> {
        self.css(&format!(r#"[data-testid="{id}"]"#)).await
    }

    /// The first element of a CSS selector that is visible.
    pub(crate) async fn css(&self, selector: &str) -> Result<Element> {
        let until = Instant::now() + PATIENCE;
        loop {
            for element in self.client.find_all(Locator::Css(selector)).await? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Ok(element);
                }
            }
            if Instant::now() > until {
                return Err(self.lost(&format!("nothing visible is {selector}")).await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn click(&self, id: &str) -> Result<()> {
        self.click_css(&format!(r#"[data-testid="{id}"]"#)).await
    }

    /// Clicks a row of a table, in its first cell: WebKit's driver finds nothing to click in a row itself.
    pub(crate) async fn click_row(&self, id: &str) -> Result<()> {
        self.click_css(&format!(r#"[data-testid="{id}"] > td"#)).await
    }

    /// Clicks once the element can be clicked: lists redraw, and a click may come between.
    pub(crate) async fn click_css(&self, selector: &str) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let error = match self.css(selector).await?.click().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if Instant::now() > until {
                return Err(self.lost(&format!("{selector} cannot be clicked: {error:?}")).await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Replaces what a field holds, as a person types it.
    pub(crate) async fn fill(&self, id: &str, text: &str) -> Result<()> {
        let field = self.find(id).await?;
        field.click().await?;
        field.clear().await?;
        // The driver drops line feeds; the Enter key makes them.
        field.send_keys(&text.replace('\n', "\u{e006}")).await.with_context(|| format!("typing into {id}"))
    }

    /// Keys to whatever has the focus.
    pub(crate) async fn keys(&self, keys: &str) -> Result<()> {
        self.client.active_element().await?.send_keys(keys).await.context("typing")
    }

    /// Waits until an element says something.
    pub(crate) async fn says(&self, id: &str, words: &str) -> Result<String> {
        self.until(&format!("{id} to say '{words}'"), async |page: &Self| {
            let text = page.text(id).await?;
            Ok(text.contains(words).then_some(text))
        })
        .await
    }

    /// What an element says now; nothing when it is not there.
    pub(crate) async fn text(&self, id: &str) -> Result<String> {
        let script = "const all = [...document.querySelectorAll(`[data-testid=\"${arguments[0]}\"]`)];
                      return all.map((it) => it.innerText ?? it.textContent).join('\\n')";
        let text = self.client.execute(script, vec![json!(id)]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an attribute of an element has a value.
    pub(crate) async fn is(&self, id: &str, attribute: &str, value: &str) -> Result<()> {
        let script = "return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.getAttribute(arguments[1])";
        self.until(&format!("{attribute} of {id} to be '{value}'"), async |page: &Self| {
            let found = page.script(script, vec![json!(id), json!(attribute)]).await?;
            Ok((found == value).then_some(()))
        })
        .await
    }

    /// Chooses an option of a list by its value.
    pub(crate) async fn choose(&self, id: &str, value: &str) -> Result<()> {
        self.find(id).await?;
        // WebKit opens a native menu for a list, which no driver reaches: the page is told what that menu would tell it.
        let script = "const list = document.querySelector(`[data-testid=\"${arguments[0]}\"]`);
                      list.value = arguments[1];
                      list.dispatchEvent(new Event('change', { bubbles: true }));
                      return list.value";
        let chosen = self.client.execute(script, vec![json!(id), json!(value)]).await?;
        ensure!(chosen == value, "{id} has no choice {value}");
        Ok(())
    }

    /// Waits until two frames were drawn, so that what was asked for is on the screen.
    pub(crate) async fn settle(&self) -> Result<()> {
        let script = "const done = arguments[0];
                      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150)))";
        self.client.execute_async(script, vec![]).await.context("waiting for a frame")?;
        Ok(())
    }

    /// Waits until an element is gone.
    pub(crate) async fn gone(&self, id: &str) -> Result<()> {
        let selector = format!(r#"[data-testid="{id}"]"#);
        self.until(&format!("{id} to go"), async |page: &Self| {
            let there = page.client.find_all(Locator::Css(&selector)).await?;
            Ok(there.is_empty().then_some(()))
        })
        .await
    }

    /// Asks again and again until there is an answer.
    pub(crate) async fn until<T>(&self, what: &str, ask: impl AsyncFn(&Self) -> Result<Option<T>>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < until {
            match ask(self).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(error) => last = format!(" (last: {error:#})"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(self.lost(&format!("waited in vain for {what}{last}")).await)
    }

    /// Turns the wheel over the middle of an element, by pixels.
    pub(crate) async fn wheel(&self, selector: &str, pixels: i64) -> Result<()> {
        let (x, y, width, height) = self.css(selector).await?.rectangle().await?;
        let at = WheelAction::Scroll {
            duration: None,
            x: whole(x + width / 2.0),
            y: whole(y + height / 2.0),
            delta_x: 0,
            delta_y: pixels,
        };
        self.client.perform_actions(WheelActions::new("wheel".into()).then(at)).await.context("turning the wheel")?;
        // WebKit's driver reports the difference to the last turn of the same wheel, until it is let go.
        self.client.release_actions().await.context("letting the wheel go")
    }

    /// Presses the pointer at one place, moves it to another, and lets go.
    pub(crate) async fn drag(&self, from: (f64, f64), to: (f64, f64)) -> Result<()> {
        let step = |(x, y): (f64, f64)| PointerAction::MoveTo { duration: None, x, y };
        let half = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let moves = MouseActions::new("mouse".into())
            .then(step(from))
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(step(half))
            .then(step(to))
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(moves).await.context("dragging")
    }

    /// Runs a script in the page.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client.execute(script, arguments).await?)
    }

    /// Runs a script that says itself when it is done.
    pub(crate) async fn script_async(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client.execute_async(script, arguments).await?)
    }

    /// Sets the size of the window.
    pub(crate) async fn size(&self, width: u32, height: u32) -> Result<()> {
        self.client.set_window_size(width, height).await.context("resizing")
    }

    /// Leaves a picture for people to look at: of the real window, since the driver's own pictures never come while
    /// WebKit draws without DMA-BUF.
    pub(crate) async fn picture(&self, name: &str) -> Result<()> {
        tokio::fs::create_dir_all(pictures()).await?;
        Desktop::open()?.picture(&pictures().join(format!("{name}.png"))).await
    }

    /// An error with a picture and the words of the page at the time.
    async fn lost(&self, what: &str) -> anyhow::Error {
        let name = format!("lost-{}", std::thread::current().name().unwrap_or("test").replace("::", "-"));
        let picture = self.picture(&name).await;
        let words = self.client.execute("return document.body.innerText", vec![]).await;
        let words = words.ok().and_then(|words| words.as_str().map(str::to_owned)).unwrap_or_default();
        anyhow::anyhow!("{what}\npicture: {name}.png ({picture:?})\nthe page says:\n{words}")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.end();
    }
}

async fn connect(port: u16, arguments: &[&str]) -> Result<Client> {
    let mut capabilities = Capabilities::new();
    let app = crate::world::app();
    capabilities.insert("webkitgtk:browserOptions".into(), json!({ "binary": app, "args": arguments }));
    let address = format!("http://127.0.0.1:{port}");
    // The driver needs a moment to listen. It is waited for by itself: what it says once it does is final.
    let until = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        ensure!(Instant::now() < until, "the driver does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let client = builder.capabilities(capabilities).connect(&address).await;
    client.map_err(|error| anyhow::anyhow!("no session with {}: {error}", app.display()))
}

#[allow(clippy::cast_possible_truncation, reason = "a place in a window")]
fn whole(pixels: f64) -> i64 {
    pixels.round() as i64
}

/// The driver takes no port 0; it takes this one at once.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn pictures() -> PathBuf {
    std::env::var_os("POSTERN_E2E_PICTURES").map_or_else(std::env::temp_dir, PathBuf::from)
}
