//! Icons: the app's from `icons/postern.svg`, the tray's from the same door drawn for a bar. Needs the network only when
//! npm has not fetched Tauri's command line before.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use crate::{process::run, workspace::root};

/// What the bundles need; the generator makes many more.
const APP: [&str; 6] = ["32x32.png", "128x128.png", "128x128@2x.png", "icon.png", "icon.icns", "icon.ico"];

/// Pixels of a tray icon: hosts scale down well, and bars are at most half as high.
const TRAY: &str = "44";

/// The glyph on a light and on a dark bar, and the bar itself, which rings the dot.
const BARS: [(&str, &str, &str, &str); 2] =
    [("light", "#1a1d23", "#e9ebef", "#9a6700"), ("dark", "#f0f1f3", "#23262b", "#e3b341")];

pub(crate) fn renew() -> Result<()> {
    let icons = root().join("icons");
    let scratch = tempfile::tempdir().context("a folder to draw in")?;
    generate(&icons.join("postern.svg"), scratch.path(), &[])?;
    for name in APP {
        fs::copy(scratch.path().join(name), icons.join(name)).with_context(|| format!("taking {name}"))?;
    }
    for (bar, glyph, ground, dot) in BARS {
        for face in ["idle", "active", "attention"] {
            let source = scratch.path().join(format!("{face}-{bar}.svg"));
            fs::write(&source, draw(face, glyph, ground, dot)).context("drawing")?;
            generate(&source, scratch.path(), &["--png", TRAY])?;
            let made = scratch.path().join(format!("{TRAY}x{TRAY}.png"));
            fs::copy(made, icons.join(format!("tray/{face}-{bar}.png"))).context("taking a tray icon")?;
        }
    }
    Ok(())
}

fn generate(source: &Path, folder: &Path, more: &[&str]) -> Result<()> {
    let (source, output) = (source.display().to_string(), folder.display().to_string());
    let arguments = [&["--yes", "@tauri-apps/cli@2", "icon", &source, "--output", &output], more].concat();
    run("npx", &arguments, folder)
}

/// Idle: the door is an outline. Active: it is filled. Attention: a dot beside it.
fn draw(face: &str, glyph: &str, ground: &str, dot: &str) -> String {
    let door = if face == "idle" { "none" } else { glyph };
    let dot = match face {
        "attention" => format!(r#"<circle cx="13" cy="3" r="3.2" fill="{dot}" stroke="{ground}" stroke-width="1.2"/>"#),
        _ => String::new(),
    };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="{glyph}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"><path d="M3 14V7a5 5 0 0 1 10 0v7"/><path d="M6 14V8.2a2 2 0 0 1 4 0V14z" fill="{door}"/><path d="M1.5 14h13"/>{dot}</svg>"#
    )
}
