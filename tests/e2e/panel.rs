//! A desktop's panel: hosts tray items and clicks their menus, shows notifications and answers them, and has a file manager. The
//! D-Bus half is `panel.py`, because Debian's Python speaks GVariant and a crate for it would be one more dependency.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// How long the tray may take to follow.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running panel; it goes with this value.
pub(crate) struct Panel {
    _process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Panel {
    pub(crate) async fn start() -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/panel.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("python3 (Debian: python3-gi) cannot be started")?;
        let questions = process.stdin.take().context("the panel takes no questions")?;
        let answers = BufReader::new(process.stdout.take().context("the panel gives no answers")?).lines();
        let mut panel = Self { _process: process, questions, answers };
        ensure!(panel.answer().await? == "ready", "the panel did not get its name on the bus");
        Ok(panel)
    }

    /// Waits for exactly this number of tray items.
    pub(crate) async fn items(&mut self, number: usize) -> Result<()> {
        self.until(&format!("{number} items in the tray"), "items", |items| {
            (items.as_array().map(Vec::len) == Some(number)).then_some(())
        })
        .await
    }

    /// The item's properties.
    pub(crate) async fn properties(&mut self) -> Result<Value> {
        self.ask("properties").await
    }

    /// Waits for a line whose label has these words; lines of submenus count.
    pub(crate) async fn line(&mut self, words: &str) -> Result<Value> {
        self.until(&format!("a line with '{words}'"), "menu", |menu| find(menu, words)).await
    }

    /// Waits until no line has these words.
    pub(crate) async fn no_line(&mut self, words: &str) -> Result<()> {
        self.until(&format!("no line with '{words}'"), "menu", |menu| {
            (menu.is_array() && find(menu, words).is_none()).then_some(())
        })
        .await
    }

    /// Clicks the line with these words.
    pub(crate) async fn click(&mut self, words: &str) -> Result<()> {
        let line = self.line(words).await?;
        ensure!(line["enabled"] == true, "'{words}' cannot be clicked");
        let answer = self.ask(&format!("click {}", line["id"])).await?;
        ensure!(answer == true, "clicking '{words}': {answer}");
        Ok(())
    }

    /// Waits for a notification with this title.
    pub(crate) async fn notice(&mut self, title: &str) -> Result<Value> {
        self.until(&format!("a notification '{title}'"), "notices", |notices| {
            notices.as_array()?.iter().find(|notice| notice["title"] == title).cloned()
        })
        .await
    }

    /// Waits for a notification whose title has these words.
    pub(crate) async fn notice_with(&mut self, words: &str) -> Result<Value> {
        self.until(&format!("a notification with '{words}'"), "notices", |notices| {
            let has_them = |notice: &&Value| notice["title"].as_str().is_some_and(|title| title.contains(words));
            notices.as_array()?.iter().find(has_them).cloned()
        })
        .await
    }

    /// Waits until no notification is open, and says how many there have been.
    pub(crate) async fn notices_closed(&mut self) -> Result<usize> {
        self.until("closed notifications", "notices", |notices| {
            let notices = notices.as_array()?;
            notices.iter().all(|notice| notice["open"] == false).then_some(notices.len())
        })
        .await
    }

    /// Chooses an action of a notification.
    pub(crate) async fn answer_notice(&mut self, notice: &Value, action: &str) -> Result<()> {
        let answer = self.ask(&format!("act {} {action}", notice["id"])).await?;
        ensure!(answer == true, "choosing {action}: {answer}");
        Ok(())
    }

    /// Waits for the file manager to be asked to point at a file.
    pub(crate) async fn revealed(&mut self, file: &Path) -> Result<()> {
        let uri = format!("file://{}", file.display());
        self.until(&format!("{uri} to be pointed at"), "revealed", |revealed| {
            revealed.as_array()?.iter().any(|shown| *shown == uri.as_str()).then_some(())
        })
        .await
    }

    async fn until<T>(&mut self, what: &str, question: &str, judge: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(question).await?;
            if let Some(found) = judge(&answer) {
                return Ok(found);
            }
            if Instant::now() > until {
                bail!("waited in vain for {what}; last: {answer}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn ask(&mut self, question: &str) -> Result<Value> {
        self.questions.write_all(format!("{question}\n").as_bytes()).await.context("asking the panel")?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await.context("the panel is silent")??;
        Ok(serde_json::from_str(&line.context("the panel ended")?)?)
    }
}

fn find(lines: &Value, words: &str) -> Option<Value> {
    lines.as_array()?.iter().find_map(|line| {
        let here = line["label"].as_str().is_some_and(|label| label.contains(words));
        if here && line["children"].as_array().is_none_or(Vec::is_empty) {
            Some(line.clone())
        } else {
            find(&line["children"], words).or_else(|| here.then(|| line.clone()))
        }
    })
}
