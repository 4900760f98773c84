//! The audit log: every statement that leaves the machine, every session, every denial and every cancel, as JSON lines
//! in Teleport's event names. Each record carries the hash of the one before it, so that a record that was changed or
//! taken out later is noticed.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{clock, error::Error};

/// The log of one installation. Several processes may write to it at once: each append takes the file's lock and
/// continues the chain from the last record, whoever wrote it.
#[derive(Debug)]
pub struct Audit {
    folder: PathBuf,
    writing: Mutex<Option<Tail>>,
}

/// The end of the log as we last left it: saves reading it again when nobody else has written since.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    file: File,
    length: u64,
    hash: String,
}

/// One thing that happened. Field names and event codes are Teleport's where Teleport has the event
/// (`lib/events/codes.go`, `api/proto/teleport/legacy/types/events`).
#[derive(Clone, Debug)]
pub struct Record {
    /// `db.session.start`, `db.session.query`, …
    pub event: &'static str,
    /// `TDB00I`, …
    pub code: &'static str,
    /// Everything else.
    pub fields: Map<String, Value>,
}

impl Record {
    /// A record with these fields; `fields` must be a JSON object.
    #[must_use]
    pub fn new(event: &'static str, code: &'static str, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            other => Map::from_iter([("message".to_owned(), other)]),
        };
        Self { event, code, fields }
    }
}

impl Audit {
    /// The log in this folder, which must exist.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, writing: Mutex::new(None) }
    }

    /// Appends one record.
    ///
    /// # Errors
    /// [`Error::Storage`] when it could not be written: callers refuse what they were about to do.
    pub fn append(&self, record: Record) -> Result<(), Error> {
        let now = clock::rfc3339(clock::now());
        let path = self.folder.join(format!("{}.jsonl", now.get(..10).unwrap_or("unknown")));
        let failed = |source| Error::Storage { path: path.clone(), source };
        // A panic while appending leaves at worst a half line, which the next append and `verify` both see.
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that was moved or removed under us is looked for by its name, not written to by an old handle.
        let length = std::fs::metadata(&path).map_or(0, |found| found.len());
        let mut tail = match writing.take().filter(|tail| tail.path == path && tail.length == length) {
            Some(tail) => tail,
            None => {
                let file = open_private(&path).map_err(failed)?;
                Tail { path: path.clone(), file, length: u64::MAX, hash: String::new() }
            }
        };
        tail.file.lock().map_err(failed)?;
        if tail.file.metadata().map_err(failed)?.len() != tail.length {
            tail.hash = match last_hash(&mut tail.file).map_err(failed)? {
                Some(hash) => hash,
                // The first record of a day continues the day before, so that no day can be taken out either.
                None => self.last_hash_before(&path)?,
            };
        }
        let mut fields = record.fields;
        fields.insert("event".into(), record.event.into());
        fields.insert("code".into(), record.code.into());
        fields.insert("time".into(), now.into());
        fields.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
        fields.insert("prev".into(), tail.hash.into());
        tail.hash = hash_of(&fields);
        fields.insert("hash".into(), tail.hash.clone().into());
        let mut line = Value::Object(fields).to_string();
        line.push('\n');
        tail.file.write_all(line.as_bytes()).map_err(failed)?;
        tail.length = tail.file.metadata().map_err(failed)?.len();
        tail.file.unlock().map_err(failed)?;
        *writing = Some(tail);
        Ok(())
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
        Ok(last_hash(&mut File::open(before).map_err(failed)?).map_err(failed)?.unwrap_or_default())
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

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The hash of the last record of a file; nothing for an empty file, an empty one when the record cannot be read. A
/// record is found from the end, however long it is.
fn last_hash(file: &mut File) -> std::io::Result<Option<String>> {
    const STEP: u64 = 64 * 1024;
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(None);
    }
    let mut wanted = STEP;
    loop {
        let start = length.saturating_sub(wanted);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        std::io::Read::read_to_end(file, &mut tail)?;
        let text = String::from_utf8_lossy(&tail);
        let trimmed = text.trim_end_matches('\n');
        let line = match trimmed.rfind('\n') {
            Some(at) => &trimmed[at + 1..],
            None if start == 0 => trimmed,
            None => {
                wanted = wanted.saturating_mul(8);
                continue;
            }
        };
        let hash =
            serde_json::from_str::<Value>(line).ok().and_then(|value| Some(value.get("hash")?.as_str()?.to_owned()));
        return Ok(Some(hash.unwrap_or_default()));
    }
}

/// The hash of a record that is what it was when it was written, or nothing.
fn check_line(line: &str, previous: &str) -> Option<String> {
    let Value::Object(mut fields) = serde_json::from_str(line).ok()? else { return None };
    let Value::String(hash) = fields.remove("hash")? else { return None };
    (fields.get("prev")?.as_str()? == previous && hash_of(&fields) == hash).then_some(hash)
}

/// SHA-256 over the record without its `hash`, keys sorted, as lower-case hex.
fn hash_of(fields: &Map<String, Value>) -> String {
    let sorted: std::collections::BTreeMap<_, _> = fields.iter().collect();
    let text = serde_json::to_string(&sorted).unwrap_or_default();
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn log_with(count: usize) -> (tempfile::TempDir, Audit) {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::in_folder(folder.path().to_owned());
        for index in 0..count {
            audit
                .append(Record::new("db.session.query", "TDB02I", json!({ "db_query": format!("select {index}") })))
                .unwrap();
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
        let (_folder, audit) = log_with(3);
        let today = audit.files().unwrap().remove(0);
        let [first, second] = ["2020-01-01.jsonl", "2020-01-02.jsonl"].map(|name| audit.folder.join(name));
        std::fs::rename(&today, &first).unwrap();
        audit.append(Record::new("db.session.start", "TDB00I", json!({}))).unwrap();
        std::fs::rename(&today, &second).unwrap();
        audit.append(Record::new("db.session.end", "TDB01I", json!({}))).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(5));
        std::fs::remove_file(second).unwrap();
        assert_eq!(audit.verify().unwrap(), Err(Broken { file: today, line: 1 }));
    }

    #[test]
    fn two_writers_keep_one_chain() {
        let (folder, audit) = log_with(3);
        let other = Audit::in_folder(folder.path().to_owned());
        std::thread::scope(|scope| {
            for log in [&audit, &other] {
                scope.spawn(move || {
                    for _ in 0..50 {
                        log.append(Record::new("db.session.start", "TDB00I", json!({}))).unwrap();
                    }
                });
            }
        });
        assert_eq!(audit.verify().unwrap(), Ok(103));
    }

    #[test]
    fn a_record_longer_than_one_step_is_found_from_the_end() {
        let (_folder, audit) = log_with(1);
        audit.append(Record::new("db.session.query", "TDB02I", json!({ "db_query": "x".repeat(300_000) }))).unwrap();
        audit.append(Record::new("db.session.end", "TDB01I", json!({}))).unwrap();
        assert_eq!(audit.verify().unwrap(), Ok(3));
    }
}
