//! The desktop around the app: windows as the X server sees them, its dialogs, and the clipboard.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use x11rb::{
    connection::Connection as _,
    protocol::{
        xproto::{
            AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus, KEY_PRESS_EVENT,
            KEY_RELEASE_EVENT, Keysym, MapState, Window, WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
};

/// How long the desktop may take to follow.
const PATIENCE: Duration = Duration::from_secs(20);

/// X11's names of keys that have no character (`X11/keysymdef.h`).
const RETURN: Keysym = 0xff0d;
const ESCAPE: Keysym = 0xff1b;
const SHIFT: Keysym = 0xffe1;
const CONTROL: Keysym = 0xffe3;

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

    /// Types a path into the file dialog that is open, and confirms it.
    pub(crate) async fn choose_file(&self, path: &Path) -> Result<()> {
        let dialog = self.dialog().await?;
        let path = path.to_str().context("a path that can be typed")?;
        // What is proposed gives way. A dialog that opens files makes a field for a path at its first stroke, and loses
        // what is typed meanwhile.
        self.press(&[CONTROL, Keysym::from(b'a')])?;
        for (place, letter) in path.bytes().enumerate() {
            self.press(&[Keysym::from(letter)])?;
            if place == 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        // The dialog looks for files while a path is typed, and confirms what it has understood by then.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.press(&[RETURN])?;
        self.gone(dialog).await
    }

    /// Leaves the dialog that is open without an answer.
    pub(crate) async fn leave_dialog(&self) -> Result<()> {
        let dialog = self.dialog().await?;
        self.press(&[ESCAPE])?;
        self.gone(dialog).await
    }

    /// The dialog that is open, once it has the keys.
    async fn dialog(&self) -> Result<Window> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(dialog) = self.other_window()? {
                // There is no window manager that would do it.
                self.x.set_input_focus(InputFocus::PARENT, dialog, x11rb::CURRENT_TIME)?.check()?;
                // GTK takes keys from the next turn of its loop on.
                tokio::time::sleep(Duration::from_millis(300)).await;
                return Ok(dialog);
            }
            ensure!(Instant::now() < until, "waited in vain for a dialog");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn gone(&self, dialog: Window) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.other_window()? == Some(dialog) {
            ensure!(Instant::now() < until, "the dialog stays open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let window = self.visible_window()?.context("no window to go back to")?;
        self.x.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?.check()?;
        Ok(())
    }

    /// Presses keys together, as one would by hand.
    fn press(&self, keys: &[Keysym]) -> Result<()> {
        let mut codes = Vec::new();
        for key in keys {
            let (code, shifted) = self.code(*key)?;
            if shifted {
                codes.push(self.code(SHIFT)?.0);
            }
            codes.push(code);
        }
        let strokes = codes.iter().map(|code| (KEY_PRESS_EVENT, code));
        for (kind, code) in strokes.chain(codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, code))) {
            self.x.xtest_fake_input(kind, *code, x11rb::CURRENT_TIME, self.root, 0, 0, 0)?.check()?;
        }
        Ok(())
    }

    /// Where a key is on this keyboard, and whether it takes Shift.
    fn code(&self, key: Keysym) -> Result<(u8, bool)> {
        let (first, last) = (self.x.setup().min_keycode, self.x.setup().max_keycode);
        let keyboard = self.x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let each = usize::from(keyboard.keysyms_per_keycode);
        let at = keyboard.keysyms.chunks(each).enumerate().find_map(|(code, symbols)| {
            let place = symbols.iter().take(2).position(|symbol| *symbol == key)?;
            Some((u8::try_from(code).ok()?.checked_add(first)?, place == 1))
        });
        at.with_context(|| format!("no key for {key:#x}"))
    }

    /// A window that can be seen and is not the app's main one.
    fn other_window(&self) -> Result<Option<Window>> {
        for window in self.x.query_tree(self.root)?.reply()?.children {
            let Ok(title) = self.title(window) else { continue };
            let Ok(attributes) = self.x.get_window_attributes(window)?.reply() else { continue };
            let seen = attributes.map_state == MapState::VIEWABLE && attributes.class == WindowClass::INPUT_OUTPUT;
            if seen && !title.is_empty() && title != b"Postern" {
                return Ok(Some(window));
            }
        }
        Ok(None)
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
