//! YAML documents in Teleport's shape: reading them, and saying where one is wrong.

use std::fmt;
use std::str::FromStr;

use crate::yaml::{self, Fields, Report};
use crate::{Database, Role, User, database, role, user};

/// One resource read from YAML.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a file has a handful of documents, each moved once to where it is kept")]
pub enum Document {
    /// `kind: role`, versions v3 to v8.
    Role(Role),
    /// `kind: db`, version v3.
    Database(Database),
    /// `kind: user`, version v2.
    User(User),
}

impl Document {
    /// What this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Role(_) => Kind::Role,
            Self::Database(_) => Kind::Database,
            Self::User(_) => Kind::User,
        }
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Role(role) => &role.name,
            Self::Database(database) => &database.name,
            Self::User(user) => &user.name,
        }
    }

    /// The document as its author wrote it, comments included, with no `---` line, ending in one newline.
    #[must_use]
    pub fn yaml(&self) -> &str {
        match self {
            Self::Role(role) => role.yaml(),
            Self::Database(database) => database.yaml(),
            Self::User(user) => user.yaml(),
        }
    }
}

/// The kinds of resource Postern knows, by Teleport's words for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `role`
    Role,
    /// `db`
    Database,
    /// `user`
    User,
}

impl Kind {
    /// The word in `kind:` and in every sentence about the resource.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Database => "db",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?}, expected one of: role, db, user")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    /// Accepts the singular, the plural and `database`, as `tctl get` does.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.to_ascii_lowercase().as_str() {
            "role" | "roles" => Ok(Self::Role),
            "db" | "dbs" | "database" | "databases" => Ok(Self::Database),
            "user" | "users" => Ok(Self::User),
            _ => Err(UnknownKind(word.to_owned())),
        }
    }
}

/// One mistake in a resource file, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {}{problem}", prefix(field))]
pub struct ResourceError {
    /// The file name as the caller gave it.
    pub file: String,
    /// Line from 1.
    pub line: u64,
    /// Column from 1, in characters.
    pub column: u64,
    /// Dotted path, `spec.allow.db_users[1]`; empty when the document as a whole is meant.
    pub field: String,
    /// What is wrong, without the place.
    pub problem: String,
}

fn prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

/// Reads every document of one file. All mistakes of the file are reported at once; a file with a mistake yields no documents.
///
/// # Errors
/// Broken YAML, an unknown kind, version or field, a wrong type, a value outside its range, a database that lacks what a connection needs.
pub fn parse_documents(file_name: &str, text: &str) -> Result<Vec<Document>, Vec<ResourceError>> {
    let report = Report::new(file_name);
    let mut documents = Vec::new();
    for part in split(text) {
        if let Some(node) = yaml::parse(&report, part.text, part.first_line) {
            documents.extend(Fields::root(&report, &node).and_then(|fields| read(&fields, &part.original())));
        }
    }
    let errors = report.into_errors();
    if errors.is_empty() { Ok(documents) } else { Err(errors) }
}

fn read(fields: &Fields<'_>, yaml: &str) -> Option<Document> {
    let Some(kind) = fields.text("kind") else {
        fields.problem("kind", "missing, expected one of: role, db, user");
        return None;
    };
    match kind.as_str() {
        "role" => role::read(fields, yaml).map(Document::Role),
        "db" => database::read(fields, yaml).map(Document::Database),
        "user" => user::read(fields, yaml).map(Document::User),
        _ => {
            let hint = yaml::nearest(&kind, ["role", "db", "user"].into_iter());
            let hint = hint.map(|kind| format!(", did you mean {kind}")).unwrap_or_default();
            fields.problem("kind", format!("unknown kind {kind:?}, expected one of: role, db, user{hint}"));
            None
        }
    }
}

/// The fields every kind has.
pub(crate) struct Header<'a> {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) metadata: Fields<'a>,
    pub(crate) spec: Fields<'a>,
}

/// Reads `metadata` and `spec`, and refuses what would make the resource mean something else than it says.
pub(crate) fn header<'a>(fields: &Fields<'a>) -> Option<Header<'a>> {
    fields.known(&["kind", "sub_kind", "version", "metadata", "spec", "status", "scope"]);
    let (metadata, spec) = (section(fields, "metadata"), section(fields, "spec"));
    let (metadata, spec) = (metadata?, spec?);
    metadata.known(&["name", "namespace", "description", "labels", "expires", "id", "revision"]);
    // Teleport deletes an expired resource. Postern has no such clock-work, and a role that outlives its term is worse than none.
    if metadata.filled("expires").is_some_and(|time| !time.starts_with("0001-01-01")) {
        metadata.problem(
            "expires",
            "Postern does not expire resources: remove the field, and the resource when its time has come",
        );
    }
    let Some(name) = metadata.filled("name") else {
        metadata.problem("name", "missing");
        return None;
    };
    Some(Header { name, description: metadata.text("description").unwrap_or_default(), metadata, spec })
}

fn section<'a>(fields: &Fields<'a>, key: &str) -> Option<Fields<'a>> {
    let section = fields.map(key);
    if fields.is_empty(key) {
        fields.problem(key, "empty: what belongs to it must be indented beneath it");
    } else if section.is_none() && !fields.has(key) {
        fields.problem(key, "missing");
    }
    section
}

/// One document's lines within its file.
struct Part<'t> {
    text: &'t str,
    first_line: u64,
}

impl Part<'_> {
    /// The document as written, without its `---` line, ending in one newline.
    fn original(&self) -> String {
        let body = match self.text.split_once('\n') {
            Some((first, rest)) if is_marker(first, "---") && first.trim_end() == "---" => rest,
            _ => self.text,
        };
        format!("{}\n", body.trim_end())
    }
}

/// Splits at document markers. YAML forbids `---` at the start of a line anywhere else, so lines are enough.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut first_line, mut offset) = (0, 1, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let end = offset + line.len();
        let (closes, opens) = (is_marker(line, "..."), is_marker(line, "---"));
        if closes || opens {
            parts.push(Part { text: &text[start..offset], first_line });
            (start, first_line) = if closes { (end, number + 1) } else { (offset, number) };
        }
        offset = end;
    }
    parts.push(Part { text: &text[start..], first_line });
    parts.retain(|part| part.text.lines().any(is_content));
    parts
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// False for lines that make no document: blank ones, comments, directives and a marker alone.
fn is_content(line: &str) -> bool {
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let text = if is_marker(line, "---") { &line[3..] } else { line };
    let text = text.trim_start();
    !text.is_empty() && !text.starts_with('#') && !line.starts_with('%')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The guide's role, with the indentation its print has lost.
    const GUIDE: &str = "\
version: v5
kind: role
metadata:
  name: redshift-serverless-access
spec:
  allow:
    db_labels:
      '*': '*'
    db_names:
      - dev
    db_users:
      - 'teleport-redshift-serverless-access'
";

    fn errors(text: &str) -> Vec<String> {
        parse_documents("redshift-role.yaml", text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_guides_own_role_is_read() {
        let documents = parse_documents("redshift-role.yaml", GUIDE).unwrap();
        let [Document::Role(role)] = documents.as_slice() else { panic!("{documents:?}") };
        assert_eq!(role.name, "redshift-serverless-access");
        assert_eq!(role.allow.db_names, ["dev"]);
        assert_eq!(role.allow.db_users, ["teleport-redshift-serverless-access"]);
        assert_eq!(role.allow.db_labels, [("*".to_owned(), vec!["*".to_owned()])]);
        assert_eq!((documents[0].kind(), documents[0].name()), (Kind::Role, "redshift-serverless-access"));
        assert_eq!(documents[0].yaml(), GUIDE);
    }

    #[test]
    fn a_typo_is_named_with_file_line_column_path_and_suggestion() {
        assert_eq!(
            errors(&GUIDE.replace("db_users:", "db_user:")),
            ["redshift-role.yaml:11:5: spec.allow.db_user: unknown field, did you mean db_users"]
        );
        assert_eq!(
            errors(&GUIDE.replace("metadata:", "metdata:")),
            [
                "redshift-role.yaml:1:1: metadata: missing",
                "redshift-role.yaml:3:1: metdata: unknown field, did you mean metadata"
            ]
        );
    }

    #[test]
    fn a_file_that_lost_its_indentation_is_told_so() {
        let flat = GUIDE.lines().map(|line| format!("{}\n", line.trim_start())).collect::<String>();
        let found = errors(&flat);
        assert_eq!(found[0], "redshift-role.yaml:3:1: metadata: empty: what belongs to it must be indented beneath it");
        assert!(found.contains(&"redshift-role.yaml:6:1: allow: unknown field".to_owned()), "{found:#?}");
    }

    #[test]
    fn an_unknown_role_version_is_named_in_teleports_words() {
        assert_eq!(
            errors(&GUIDE.replace("v5", "v99")),
            [
                "redshift-role.yaml:1:10: version: unrecognized role version \"v99\", expected one of: v3, v4, v5, v6, v7, v8"
            ]
        );
    }

    #[test]
    fn an_unknown_or_missing_kind_is_an_error() {
        assert_eq!(
            errors(&GUIDE.replace("kind: role", "kind: roles")),
            [
                "redshift-role.yaml:2:7: kind: unknown kind \"roles\", expected one of: role, db, user, did you mean role"
            ]
        );
        assert_eq!(
            errors(&GUIDE.replace("kind: role\n", "")),
            ["redshift-role.yaml:1:1: kind: missing, expected one of: role, db, user"]
        );
        assert_eq!(errors("- a\n- b\n"), ["redshift-role.yaml:1:1: expected a mapping, found a list"]);
    }

    #[test]
    fn every_mistake_of_a_file_is_reported_with_its_own_line() {
        let second = GUIDE.replace("dev", "[a, b]").replace("db_labels", "db_label");
        let found =
            errors(&format!("# first\n{}---\n{second}...\n---\nkind: [\n", GUIDE.replace("db_names:", "names:")));
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].starts_with("redshift-role.yaml:10:5: spec.allow.names: unknown field"), "{found:#?}");
        assert_eq!(found[1], "redshift-role.yaml:21:5: spec.allow.db_label: unknown field, did you mean db_labels");
        assert_eq!(found[2], "redshift-role.yaml:24:9: spec.allow.db_names[0]: expected text, found a list");
        assert!(found[3].starts_with("redshift-role.yaml:2"), "{found:#?}");
        assert!(found[3].contains("not valid YAML"), "{found:#?}");
    }

    #[test]
    fn several_documents_keep_their_own_text_and_comments() {
        let user = "# who\nkind: user\nversion: v2\nmetadata:\n  name: alice # the analyst\nspec:\n  roles: [redshift-serverless-access]\n";
        let documents =
            parse_documents("all.yaml", &format!("---\n{GUIDE}\n---\n{user}---\n# nothing more\n")).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].yaml(), GUIDE);
        assert_eq!(documents[1].yaml(), user);
        assert_eq!(documents[1].name(), "alice");
    }

    #[test]
    fn a_file_of_comments_has_no_documents() {
        assert!(parse_documents("f", "").unwrap().is_empty());
        assert!(parse_documents("f", "# nothing\n---\n\n---\n# here\n").unwrap().is_empty());
    }

    #[test]
    fn a_resource_with_a_term_is_refused_rather_than_kept_for_ever() {
        let expiring = GUIDE.replace("  name: redshift", "  expires: 2030-01-01T00:00:00Z\n  name: redshift");
        let found = errors(&expiring);
        assert!(
            found[0].starts_with("redshift-role.yaml:4:12: metadata.expires: Postern does not expire"),
            "{found:?}"
        );
        assert!(parse_documents("f", &expiring.replace("2030", "0001")).is_ok());
    }

    #[test]
    fn kinds_are_read_in_singular_and_plural() {
        assert_eq!("roles".parse(), Ok(Kind::Role));
        assert_eq!("db".parse(), Ok(Kind::Database));
        assert_eq!("Users".parse(), Ok(Kind::User));
        assert_eq!(
            "node".parse::<Kind>().unwrap_err().to_string(),
            "unknown kind \"node\", expected one of: role, db, user"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s).{0,200}") {
            let _ = parse_documents("f", &text);
        }

        #[test]
        fn no_damaged_role_panics(at in 0..GUIDE.len(), junk in "[-:'\\[\\]{}&*#|>%@!\"\n\t a-z0-9]{0,6}") {
            let _ = parse_documents("f", &format!("{}{junk}{}", &GUIDE[..at], &GUIDE[at..]));
        }
    }
}
