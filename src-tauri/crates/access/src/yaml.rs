//! A YAML document as a tree that remembers where each key and value stands, and a reader over it that collects every mistake.
//!
//! Serde's derived readers stop at the first mistake and lose the path to it. A resource file is edited by hand, so people want
//! all mistakes at once, each at its line: hence a small tree first and typed reading after.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::ResourceError;

/// Line and column in the file, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    line: u64,
    column: u64,
}

/// A value at its place.
#[derive(Debug)]
pub(crate) struct Node {
    place: Place,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    /// Any scalar, as it is spelled: `012345678901` stays an account number.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug)]
struct Key {
    place: Place,
    text: String,
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a str,
    errors: RefCell<Vec<ResourceError>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Self { file, errors: RefCell::default() }
    }

    pub(crate) fn error(&self, place: Place, field: &str, problem: impl Into<String>) {
        self.errors.borrow_mut().push(ResourceError {
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            field: field.to_owned(),
            problem: problem.into(),
        });
    }

    /// All mistakes, in the order of the file.
    pub(crate) fn into_errors(self) -> Vec<ResourceError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| (error.line, error.column));
        errors
    }
}

/// Parses one document that begins on `first_line` of its file.
pub(crate) fn parse(report: &Report<'_>, text: &str, first_line: u64) -> Option<Node> {
    let shift = first_line - 1;
    match serde_saphyr::from_str::<Raw>(text) {
        Ok(raw) => Some(raw.into_node(text, shift)),
        Err(error) => {
            let at = error.location().unwrap_or(Location::UNKNOWN);
            let place = Place { line: at.line().max(1) + shift, column: at.column().max(1) };
            report.error(place, "", broken_yaml(&error));
            None
        }
    }
}

/// The parser's sentence, without the place it repeats, the source excerpt, and its advice to programmers.
fn broken_yaml(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return format!("{key} is given twice");
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let sentence = match line.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => line.split(" at line ").next().unwrap_or(line),
    };
    format!("not valid YAML: {sentence}")
}

/// What serde hands over: the same tree with the parser's own locations, numbers and booleans not yet spelled.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Text(String),
    /// A number or boolean, by what it means; how it was spelled is in the source.
    Plain(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn into_node(self, source: &str, shift: u64) -> Node {
        let at = self.0.referenced;
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Text(text) => Value::Text(text),
            RawValue::Plain(meaning) => Value::Text(spelling(source, self.0.defined).unwrap_or(meaning)),
            RawValue::List(items) => Value::List(items.into_iter().map(|item| item.into_node(source, shift)).collect()),
            RawValue::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        (Key { place: place(key.referenced, shift), text: key.value }, value.into_node(source, shift))
                    })
                    .collect(),
            ),
        };
        Node { place: place(at, shift), value }
    }
}

fn place(at: Location, shift: u64) -> Place {
    Place { line: at.line().max(1) + shift, column: at.column().max(1) }
}

fn spelling(source: &str, at: Location) -> Option<String> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    let text = source.get(start..start.checked_add(length)?)?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key()? {
            map.push((key, entries.next_value()?));
        }
        Ok(RawValue::Map(map))
    }
}

/// A mapping being read: gives typed values by key and reports whatever is not of that type.
pub(crate) struct Fields<'a> {
    report: &'a Report<'a>,
    path: String,
    place: Place,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    /// The root of a document. Reports and yields nothing if it is not a mapping.
    pub(crate) fn root(report: &'a Report<'a>, node: &'a Node) -> Option<Self> {
        Self::read(report, String::new(), node.place, node)
    }

    fn read(report: &'a Report<'a>, path: String, place: Place, node: &'a Node) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { report, path, place, entries }),
            other => {
                report.error(node.place, &path, format!("expected a mapping, found {}", other.name()));
                None
            }
        }
    }

    /// Reports keys that are not in `known`, with the likely intention.
    pub(crate) fn known(&self, known: &[&str]) {
        for (key, _) in self.entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let unused = known.iter().copied().filter(|name| self.node(name).is_none());
            let hint = nearest(&key.text, unused).map(|name| format!(", did you mean {name}")).unwrap_or_default();
            self.report.error(key.place, &self.path_to(&key.text), format!("unknown field{hint}"));
        }
    }

    /// Keys in order, for mappings whose keys are data.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entries.iter().map(|(key, _)| key.text.as_str())
    }

    /// Reports a problem with the value of `key`; at the key if it has no value, at the mapping itself if there is no such key.
    pub(crate) fn problem(&self, key: &str, problem: impl Into<String>) {
        match self.node(key) {
            Some(node) => self.report.error(node.place, &self.path_to(key), problem),
            None => self.key_problem(key, problem),
        }
    }

    /// Reports a problem with the key `key` itself.
    pub(crate) fn key_problem(&self, key: &str, problem: impl Into<String>) {
        let place =
            self.entries.iter().find(|(entry, _)| entry.text == key).map_or(self.place, |(entry, _)| entry.place);
        self.report.error(place, &self.path_to(key), problem);
    }

    /// Reports a problem with one item of the list under `key`.
    pub(crate) fn item_problem(&self, key: &str, index: usize, problem: impl Into<String>) {
        match self.node(key).map(|node| &node.value) {
            Some(Value::List(items)) if index < items.len() => {
                self.report.error(items[index].place, &format!("{}[{index}]", self.path_to(key)), problem);
            }
            _ => self.problem(key, problem),
        }
    }

    /// Whether `key` is there with a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// Whether `key` is written, though with nothing after it.
    pub(crate) fn is_empty(&self, key: &str) -> bool {
        self.entries.iter().any(|(entry, node)| entry.text == key && matches!(node.value, Value::Null))
    }

    /// A scalar.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            other => {
                self.problem(key, format!("expected text, found {}", other.name()));
                None
            }
        }
    }

    /// A scalar that is there and not empty, or `None`.
    pub(crate) fn filled(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// A list of scalars. One scalar counts as a list of one, as in Teleport.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<String>> {
        match &self.node(key)?.value {
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(items) => Some(self.scalars(key, items)),
            other => {
                self.problem(key, format!("expected a list of texts, found {}", other.name()));
                None
            }
        }
    }

    fn scalars(&self, key: &str, items: &[Node]) -> Vec<String> {
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match &item.value {
                Value::Text(text) => texts.push(text.clone()),
                other => self.item_problem(key, index, format!("expected text, found {}", other.name())),
            }
        }
        texts
    }

    /// A boolean in any of YAML's spellings.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let text = self.text(key)?;
        let flag = boolean(&text);
        if flag.is_none() {
            self.problem(key, format!("expected true or false, found {text:?}"));
        }
        flag
    }

    /// A duration as Go writes it, `1h30m`; `None` for zero and for `never`.
    pub(crate) fn duration(&self, key: &str) -> Option<Duration> {
        let text = self.text(key)?;
        match duration(&text) {
            Some(duration) => (!duration.is_zero()).then_some(duration),
            None => {
                self.problem(key, format!("expected a duration such as 8h or 1h30m, found {text:?}"));
                None
            }
        }
    }

    /// A mapping under `key`.
    pub(crate) fn map(&self, key: &str) -> Option<Self> {
        let (entry, node) = self.entries.iter().find(|(entry, _)| entry.text == key)?;
        if matches!(node.value, Value::Null) {
            return None;
        }
        Self::read(self.report, self.path_to(key), entry.place, node)
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        let (_, node) = self.entries.iter().find(|(entry, _)| entry.text == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    fn path_to(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl Value {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// YAML 1.1's booleans, which is what Teleport's own reader takes.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn duration(text: &str) -> Option<Duration> {
    if matches!(text, "never" | "0" | "") {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

/// The name in `candidates` a person most likely meant by `written`, if any is near.
pub(crate) fn nearest<'n>(written: &str, candidates: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain =
        |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let wanted = plain(written);
    let allowed = (wanted.len() / 4).clamp(1, 3);
    candidates
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap neighbours) from one word to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let width = to.len() + 1;
    let mut rows = vec![vec![0_usize; width]; from.len() + 1];
    for (column, cell) in rows[0].iter_mut().enumerate() {
        *cell = column;
    }
    for i in 1..=from.len() {
        rows[i][0] = i;
        for j in 1..width {
            let replace = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_spelling() {
        let report = Report::new("f");
        let node = parse(&report, "account_id: 012345678901\nflag: Yes\nport: 0x10\n", 1).unwrap();
        let fields = Fields::root(&report, &node).unwrap();
        assert_eq!(fields.text("account_id").as_deref(), Some("012345678901"));
        assert_eq!(fields.text("flag").as_deref(), Some("Yes"));
        assert_eq!(fields.flag("flag"), Some(true));
        assert_eq!(fields.text("port").as_deref(), Some("0x10"));
        assert_eq!(report.into_errors(), []);
    }

    #[test]
    fn broken_yaml_is_reported_at_its_line_in_one_sentence() {
        let report = Report::new("f.yaml");
        assert!(parse(&report, "a: [1, 2\nb: 3\n", 11).is_none());
        let errors = report.into_errors();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].line >= 11, "{errors:?}");
        assert!(errors[0].problem.starts_with("not valid YAML: "), "{errors:?}");
        assert!(!errors[0].problem.contains("line "), "{errors:?}");
        assert!(!errors[0].problem.contains('\n'), "{errors:?}");
    }

    #[test]
    fn a_repeated_key_is_an_error() {
        let report = Report::new("f.yaml");
        assert!(parse(&report, "a: 1\na: 2\n", 1).is_none());
        let errors = report.into_errors();
        assert_eq!(errors[0].to_string(), "f.yaml:2:1: a is given twice");
    }

    #[test]
    fn durations_read_as_go_writes_them() {
        assert_eq!(duration("8h"), Some(Duration::from_secs(8 * 3600)));
        assert_eq!(duration("1h30m0s"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(duration("never"), Some(Duration::ZERO));
        for bad in ["8", "h", "8x", "-3h", "8h3"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_name_survives_case_dashes_and_one_slip() {
        let known = || ["db_labels", "db_names", "db_users", "logins"].into_iter();
        assert_eq!(nearest("db_user", known()), Some("db_users"));
        assert_eq!(nearest("dbUsers", known()), Some("db_users"));
        assert_eq!(nearest("db-lables", known()), Some("db_labels"));
        assert_eq!(nearest("kubernetes", known()), None);
    }
}
