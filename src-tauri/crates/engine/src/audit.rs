//! The audit log: every statement that leaves the machine, every session, every denial and every cancel, as JSON lines
//! in Teleport's event names. Each record carries the hash of the one before it, so that a record that was changed or
//! taken out later is noticed.
//!
//! A line ends with `,"prev":"…","hash":"…"}`. `hash` is SHA-256, in lower-case hex, over the line's bytes up to the comma
//! before `"hash"`; `prev` is the hash of the line before, over all days. So a line is hashed as it stands, and
//! `audit verify` can be repeated with `sha256sum`.

use std::{
    fs::{File, Metadata},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{clock, error::Error, group_commit::GroupCommit};

/// What stands before a line's hash, and after it.
const HASH: (&str, &str) = (",\"hash\":\"", "\"}");

/// How often the file is looked for by its name.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Characters of a hash.
const HASH_LENGTH: usize = 64;

/// The log of one installation. Several processes may write to it at once: each append takes the file's lock and
/// continues the chain from the last record, whoever wrote it.
#[derive(Debug)]
pub struct Audit {
    folder: PathBuf,
    writing: Mutex<Option<Tail>>,
    group: GroupCommit,
}

/// The end of the log as we last left it: saves reading it again when nobody else has written since.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    file: File,
    length: u64,
    hash: String,
    /// When the file was last found under its name.
    looked: Instant,
    /// The last line was begun and never ended: a crash, or a disk that was full.
    unfinished: bool,
    /// Lines as they go into the file, kept for its room only.
    lines: Vec<u8>,
}

/// Things that happened, in order: whole records but for their place in the chain.
///
/// A statement waits until it is recorded, so this path is kept short: a record is serialised once, straight into the
/// bytes that are hashed and written, and all records of a batch cost one write.
#[derive(Debug)]
pub struct Batch {
    time: String,
    /// Records without their end, one after the other.
    text: Vec<u8>,
    /// Where each ends in `text`.
    ends: Vec<usize>,
}

impl Batch {
    /// An empty one. All its records bear the time of this moment.
    #[must_use]
    pub fn new() -> Self {
        Self { time: clock::rfc3339(clock::now()), text: Vec::with_capacity(2048), ends: Vec::new() }
    }

    /// Adds one thing that happened. Field names and event codes are Teleport's where Teleport has the event
    /// (`lib/events/codes.go`, `api/proto/teleport/legacy/types/events`); `fields` becomes a JSON object.
    ///
    /// # Errors
    /// [`Error::Internal`] when `fields` is no object.
    pub fn push(&mut self, event: &str, code: &str, fields: impl Serialize) -> Result<(), Error> {
        self.push_beside(event, code, &Fields::default(), fields)
    }

    /// The same, with fields that were made into text before.
    ///
    /// # Errors
    /// As [`Batch::push`].
    pub(crate) fn push_beside(
        &mut self,
        event: &str,
        code: &str,
        common: &Fields,
        fields: impl Serialize,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Head<'a> {
            event: &'a str,
            code: &'a str,
            time: &'a str,
            uid: uuid::Uuid,
        }
        let start = self.text.len();
        let head = Head { event, code, time: &self.time, uid: uuid::Uuid::new_v4() };
        let written = begin_object(&mut self.text, &head).and_then(|()| {
            self.text.extend_from_slice(&common.0);
            continue_object(&mut self.text, &fields)
        });
        if let Err(error) = written {
            self.text.truncate(start);
            return Err(error);
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Each record without its end.
    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }
}

/// Fields that many records share, made into text once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    /// Fields of records, from something that becomes a JSON object.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is no object.
    pub(crate) fn of(fields: impl Serialize) -> Result<Self, Error> {
        let mut text = Vec::new();
        continue_object(&mut text, &fields)?;
        Ok(Self(text))
    }
}

/// Writes an object without its end.
fn begin_object(text: &mut Vec<u8>, fields: &impl Serialize) -> Result<(), Error> {
    let start = text.len();
    serde_json::to_writer(&mut *text, fields).map_err(|error| unwritable(&error.to_string()))?;
    if text.get(start) != Some(&b'{') {
        return Err(unwritable("it is no object"));
    }
    text.pop();
    Ok(())
}

/// Adds the fields of an object to one that has some and has not been ended.
fn continue_object(text: &mut Vec<u8>, fields: &impl Serialize) -> Result<(), Error> {
    let start = text.len();
    begin_object(text, fields)?;
    match text.len() - start {
        // No fields.
        1 => text.truncate(start),
        _ => text[start] = b',',
    }
    Ok(())
}

fn unwritable(why: &str) -> Error {
    Error::Internal { detail: format!("a record of the audit log: {why}") }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Audit {
    /// The log in this folder, which must exist.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, writing: Mutex::new(None), group: GroupCommit::default() }
    }

    /// Appends one record.
    ///
    /// # Errors
    /// As [`Audit::append_all`] and [`Batch::push`].
    pub fn append(&self, event: &str, code: &str, fields: impl Serialize) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.push(event, code, fields)?;
        self.append_all(&[batch])
    }

    /// Appends all records of some batches, or none.
    ///
    /// # Errors
    /// [`Error::Storage`] when they could not be written: callers refuse what they were about to do.
    pub fn append_all(&self, batches: &[Batch]) -> Result<(), Error> {
        let Some(first) = batches.first() else { return Ok(()) };
        let path = self.folder.join(format!("{}.jsonl", first.time.get(..10).unwrap_or("unknown")));
        let failed = |source| Error::Storage { path: path.clone(), source };
        // A panic while appending leaves at worst a half line, which the next append and `verify` both see.
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tail = match writing.take().filter(|tail| tail.path == path) {
            Some(tail) => tail,
            None => Tail::open(&path).map_err(failed)?,
        };
        tail.file.lock().map_err(failed)?;
        let length = loop {
            match tail.length_now().map_err(failed)? {
                Some(length) => break length,
                // The file was moved or removed under us: it is looked for by its name, not written to by an old handle.
                None => {
                    tail = Tail::open(&path).map_err(failed)?;
                    tail.file.lock().map_err(failed)?;
                }
            }
        };
        if length != tail.length {
            let end = End::of(&mut tail.file).map_err(failed)?;
            tail.unfinished = matches!(end, End::Unfinished);
            tail.hash = match end {
                // The first record of a day continues the day before, so that no day can be taken out either.
                End::Empty => self.last_hash_before(&path)?,
                other => other.hash(),
            };
            tail.length = length;
        }
        tail.write(batches).map_err(failed)?;
        tail.file.unlock().map_err(failed)?;
        *writing = Some(tail);
        Ok(())
    }

    /// Appends a batch, sharing a write with others who append at this moment.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(crate) async fn append_with_others(&self, batch: Batch) -> Result<(), String> {
        self.group.append(self, batch).await
    }

    /// All records of all days, oldest first, as they stand in the files.
    ///
    /// # Errors
    /// [`Error::Storage`] when a file cannot be read.
    pub fn read(&self) -> Result<Vec<Value>, Error> {
        let mut records = Vec::new();
        for path in self.files()? {
            let failed = |source| Error::Storage { path: path.clone(), source };
            for line in BufReader::new(File::open(&path).map_err(failed)?).lines() {
                let line = line.map_err(failed)?;
                records.push(
                    serde_json::from_str(&line).unwrap_or_else(|_| json!({ "event": "unreadable", "line": line })),
                );
            }
        }
        Ok(records)
    }

    /// Whether the chain is whole over all days: the number of records, or the first place where it is broken.
    ///
    /// # Errors
    /// [`Error::Storage`] when a file cannot be read.
    pub fn verify(&self) -> Result<Result<u64, Broken>, Error> {
        let (mut count, mut previous) = (0, String::new());
        for path in self.files()? {
            let failed = |source| Error::Storage { path: path.clone(), source };
            for (index, line) in BufReader::new(File::open(&path).map_err(failed)?).lines().enumerate() {
                let line = line.map_err(failed)?;
                let Some(hash) = check_line(&line, &previous) else {
                    return Ok(Err(Broken { file: path, line: index + 1 }));
                };
                previous = hash;
                count += 1;
            }
        }
        Ok(Ok(count))
    }

    fn last_hash_before(&self, path: &Path) -> Result<String, Error> {
        let files = self.files()?;
        let Some(before) = files.iter().rfind(|other| other.as_path() < path) else { return Ok(String::new()) };
        let failed = |source| Error::Storage { path: before.clone(), source };
        Ok(End::of(&mut File::open(before).map_err(failed)?).map_err(failed)?.hash())
    }

    fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let failed = |source| Error::Storage { path: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Where the chain is broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Broken {
    /// In which file.
    pub file: PathBuf,
    /// Line number, from 1.
    pub line: usize,
}

impl Tail {
    fn open(path: &Path) -> io::Result<Self> {
        let file = open_private(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length: u64::MAX,
            hash: String::new(),
            looked: Instant::now(),
            unfinished: false,
            lines: Vec::new(),
        })
    }

    /// Length of the file as it is now; nothing when the name is another file's by now, or nobody's.
    ///
    /// That a file was removed is seen at once, that it was moved away within [`LOOK_EVERY`]: until then records still go
    /// where it went. To look by name each time would cost as much as to write.
    fn length_now(&mut self) -> io::Result<Option<u64>> {
        let found = self.file.metadata()?;
        if is_removed(&found) {
            return Ok(None);
        }
        if self.looked.elapsed() >= LOOK_EVERY {
            match std::fs::metadata(&self.path) {
                Ok(named) if identity(&named) == identity(&found) => self.looked = Instant::now(),
                Ok(_) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(found.len()))
    }

    /// Continues the chain. What could be written of a batch that did not fit is taken back.
    fn write(&mut self, batches: &[Batch]) -> io::Result<()> {
        self.lines.clear();
        if std::mem::take(&mut self.unfinished) {
            self.lines.push(b'\n');
        }
        let mut hash = self.hash.clone();
        for record in batches.iter().flat_map(Batch::records) {
            let start = self.lines.len();
            self.lines.extend_from_slice(record);
            write!(self.lines, ",\"prev\":\"{hash}\"")?;
            hash = hash_of(&self.lines[start..]);
            writeln!(self.lines, "{}{hash}{}", HASH.0, HASH.1)?;
        }
        if let Err(error) = self.file.write_all(&self.lines) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += self.lines.len() as u64;
        self.hash = hash;
        Ok(())
    }
}

/// Device and inode: tells a file from another of the same name.
#[cfg(unix)]
fn identity(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(unix)]
fn is_removed(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) == 0
}

/// Elsewhere a file that is open can be neither moved nor removed.
#[cfg(not(unix))]
fn identity(_file: &Metadata) {}

#[cfg(not(unix))]
fn is_removed(_file: &Metadata) -> bool {
    false
}

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// How a file ends.
enum End {
    Empty,
    /// With a line that has this hash; with an empty one when it is no record.
    Record(String),
    /// In the middle of a line.
    Unfinished,
}

impl End {
    fn of(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        if length == 0 {
            return Ok(Self::Empty);
        }
        let wanted = (HASH.0.len() + HASH_LENGTH + HASH.1.len() + 1) as u64;
        file.seek(SeekFrom::Start(length.saturating_sub(wanted)))?;
        let mut end = Vec::new();
        io::Read::read_to_end(file, &mut end)?;
        Ok(match end.strip_suffix(b"\n") {
            Some(line) => Self::Record(split_hash(line).map(|(_, hash)| hash.to_owned()).unwrap_or_default()),
            None => Self::Unfinished,
        })
    }

    /// What the next record names as the one before it.
    fn hash(self) -> String {
        match self {
            Self::Record(hash) => hash,
            Self::Empty | Self::Unfinished => String::new(),
        }
    }
}

/// A line in two: what was hashed, and the hash.
fn split_hash(line: &[u8]) -> Option<(&[u8], &str)> {
    let rest = line.strip_suffix(HASH.1.as_bytes())?;
    let (rest, hash) = rest.split_at_checked(rest.len().checked_sub(HASH_LENGTH)?)?;
    let hashed = rest.strip_suffix(HASH.0.as_bytes())?;
    Some((hashed, std::str::from_utf8(hash).ok()?))
}

/// The hash of a record that is what it was when it was written, or nothing.
fn check_line(line: &str, previous: &str) -> Option<String> {
    let (hashed, hash) = split_hash(line.as_bytes())?;
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    (fields.get("prev")?.as_str()? == previous && hash_of(hashed) == hash).then(|| hash.to_owned())
}

/// SHA-256 as lower-case hex.
fn hash_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn log_with(count: usize) -> (tempfile::TempDir, Audit) {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path().to_owned());
        for index in 0..count {
            audit.append("db.session.query", "TDB02I", json!({ "db_query": format!("select {index}") })).unwrap();
        }
        (folder, audit)
    }

    #[test]
    fn the_chain_is_whole_after_appends() {
        let (_folder, audit) = log_with(20);
        assert_eq!(audit.verify().unwrap(), Ok(20));
        assert_eq!(audit.read().unwrap()[3]["db_query"], "select 3");
    }

    #[test]
    fn a_batch_is_recorded_in_order_or_not_at_all() {
        let (_folder, audit) = log_with(2);
        let mut batch = Batch::new();
        batch.push("db.session.start", "TDB00I", json!({ "sid": "7" })).unwrap();
        assert!(matches!(batch.push("db.session.end", "TDB01I", "no object"), Err(Error::Internal { .. })));
        batch.push("db.session.end", "TDB01I", json!({ "sid": "7" })).unwrap();
        audit.append_all(&[batch]).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(4));
        let records = audit.read().unwrap();
        let events: Vec<_> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
        assert_eq!(events[2..], ["db.session.start", "db.session.end"]);
    }

    #[test]
    fn fields_that_records_share_stand_beside_their_own_and_may_be_none() {
        let (_folder, audit) = log_with(1);
        let common = Fields::of(json!({ "sid": "7", "db_name": "a \"b\"" })).unwrap();
        let mut batch = Batch::new();
        batch.push_beside("db.session.query", "TDB02I", &common, json!({ "db_query": "select 1" })).unwrap();
        batch.push_beside("db.session.end", "TDB01I", &common, json!({})).unwrap();
        assert!(matches!(batch.push_beside("x", "y", &common, [1]), Err(Error::Internal { .. })));
        audit.append_all(&[batch]).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(3));
        let records = audit.read().unwrap();
        assert_eq!((&records[1]["db_name"], &records[1]["db_query"]), (&json!("a \"b\""), &json!("select 1")));
        assert_eq!((&records[2]["sid"], records[2].get("db_query")), (&json!("7"), None));
    }

    #[test]
    fn a_line_cut_short_by_a_crash_is_seen_and_spoils_no_other() {
        let (_folder, audit) = log_with(2);
        let path = audit.files().unwrap().remove(0);
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 30]).unwrap();
        audit.append("db.session.end", "TDB01I", json!({})).unwrap();
        assert_eq!(audit.verify().unwrap(), Err(Broken { file: path, line: 2 }));
        assert_eq!(audit.read().unwrap()[2]["event"], "db.session.end");
    }

    #[test]
    fn a_changed_record_breaks_the_chain_at_its_line() {
        let (_folder, audit) = log_with(5);
        let path = audit.files().unwrap().remove(0);
        let text = std::fs::read_to_string(&path).unwrap().replace("select 2", "select 9");
        std::fs::write(&path, text).unwrap();
        assert_eq!(audit.verify().unwrap(), Err(Broken { file: path, line: 3 }));
    }

    #[test]
    fn a_removed_record_breaks_the_chain() {
        let (_folder, audit) = log_with(5);
        let path = audit.files().unwrap().remove(0);
        let text = std::fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> = text.lines().enumerate().filter(|(index, _)| *index != 1).map(|(_, line)| line).collect();
        std::fs::write(&path, kept.join("\n") + "\n").unwrap();
        assert_eq!(audit.verify().unwrap(), Err(Broken { file: path, line: 2 }));
    }

    #[test]
    fn a_new_day_continues_the_chain_and_a_missing_day_breaks_it() {
        let (folder, audit) = log_with(3);
        let today = audit.files().unwrap().remove(0);
        let [first, second] = ["2020-01-01.jsonl", "2020-01-02.jsonl"].map(|name| audit.folder.join(name));
        std::fs::rename(&today, &first).unwrap();
        let audit = Audit::in_folder(folder.path().to_owned());
        audit.append("db.session.start", "TDB00I", json!({})).unwrap();
        std::fs::rename(&today, &second).unwrap();
        let audit = Audit::in_folder(folder.path().to_owned());
        audit.append("db.session.end", "TDB01I", json!({})).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(5));
        std::fs::remove_file(second).unwrap();
        assert_eq!(audit.verify().unwrap(), Err(Broken { file: today, line: 1 }));
    }

    #[test]
    fn a_file_that_was_moved_or_removed_is_begun_anew() {
        let (folder, audit) = log_with(1);
        let today = audit.files().unwrap().remove(0);
        std::fs::rename(&today, folder.path().join("2020-01-01.jsonl")).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while !today.exists() {
            assert!(Instant::now() < until, "it goes on writing to the file that was moved");
            audit.append("db.session.start", "TDB00I", json!({})).unwrap();
        }
        audit.verify().unwrap().unwrap();
        std::fs::remove_file(&today).unwrap();
        audit.append("db.session.end", "TDB01I", json!({})).unwrap();
        assert!(today.exists());
    }

    #[test]
    fn two_writers_keep_one_chain() {
        let (folder, audit) = log_with(3);
        let other = Audit::in_folder(folder.path().to_owned());
        std::thread::scope(|scope| {
            for log in [&audit, &other] {
                scope.spawn(move || {
                    for _ in 0..50 {
                        log.append("db.session.start", "TDB00I", json!({})).unwrap();
                    }
                });
            }
        });
        assert_eq!(audit.verify().unwrap(), Ok(103));
    }

    #[test]
    fn a_long_record_is_continued() {
        let (_folder, audit) = log_with(1);
        audit.append("db.session.query", "TDB02I", json!({ "db_query": "x".repeat(300_000) })).unwrap();
        audit.append("db.session.end", "TDB01I", json!({})).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(3));
    }
}
