//! The desktop around the app: windows as the X server sees them, and the clipboard.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState, Window},
    rust_connection::RustConnection,
};

/// How long the desktop may take to follow.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the display the app is on.
pub(crate) struct Desktop {
    x: RustConnection,
    root: Window,
}

impl Desktop {
    pub(crate) fn open() -> Result<Self> {
        let (x, screen) = x11rb::connect(None).context("these tests need a display: run `cargo xtask e2e`")?;
        let root = x.setup().roots[screen].root;
        Ok(Self { x, root })
    }

    /// Waits until a window titled Postern can be seen, or none can.
    pub(crate) async fn window_is(&self, visible: bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.visible_window()?.is_some() != visible {
            if Instant::now() > until {
                bail!("waited in vain for the window to be {}", if visible { "visible" } else { "hidden" });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What the close button of a window manager does.
    pub(crate) fn close_window(&self) -> Result<()> {
        let window = self.visible_window()?.context("no window to close")?;
        let [protocols, delete] = [self.atom("WM_PROTOCOLS")?, self.atom("WM_DELETE_WINDOW")?];
        let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.x.send_event(false, window, EventMask::NO_EVENT, message)?.check()?;
        Ok(())
    }

    /// Writes what the window shows to a file.
    pub(crate) async fn picture(&self, file: &Path) -> Result<()> {
        let window = self.visible_window()?.context("no window to take a picture of")?;
        let mut import = tokio::process::Command::new("import");
        let status = import.args(["-window", &window.to_string()]).arg(file).status().await;
        ensure!(status.context("import (Debian: imagemagick)")?.success(), "no picture at {}", file.display());
        Ok(())
    }

    fn visible_window(&self) -> Result<Option<Window>> {
        for window in self.x.query_tree(self.root)?.reply()?.children {
            // A window may go while we look.
            let Ok(title) = self.title(window) else { continue };
            let Ok(attributes) = self.x.get_window_attributes(window)?.reply() else { continue };
            if title == b"Postern" && attributes.map_state == MapState::VIEWABLE {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    fn title(&self, window: Window) -> Result<Vec<u8>> {
        let property = self.x.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 1024)?.reply()?;
        Ok(property.value)
    }

    fn atom(&self, name: &str) -> Result<u32> {
        Ok(self.x.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }
}

/// What a person would paste now.
pub(crate) fn clipboard() -> Result<String> {
    arboard::Clipboard::new().and_then(|mut clipboard| clipboard.get_text()).context("reading the clipboard")
}
