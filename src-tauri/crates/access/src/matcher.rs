//! Matching labels, names and users: globs, regular expressions, templates.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::expression::Scope;
use crate::template::Template;

/// Compiled size a pattern may have, so that a hostile document cannot fill memory.
const REGEX_SIZE: usize = 1 << 20;

/// A label value's pattern.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// `*`
    Any,
    /// No special characters.
    Literal(String),
    /// A glob or `^…$`.
    Regex(Regex),
}

impl Pattern {
    /// `^…$` is a regular expression, taken as it is: `^a|b$` matches "ax", as in Teleport. Everything else is a glob with `*`.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        if source == "*" {
            Ok(Self::Any)
        } else if source.starts_with('^') && source.ends_with('$') {
            regex(source).map(Self::Regex)
        } else if source.contains('*') {
            let quoted = source.split('*').map(regex::escape).collect::<Vec<_>>();
            regex(&format!("^{}$", quoted.join("(.*)"))).map(Self::Regex)
        } else {
            Ok(Self::Literal(source.to_owned()))
        }
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == value,
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// Compiles a regular expression of bounded size. Rust's engine, like Go's, takes time linear in the text.
pub(crate) fn regex(source: &str) -> Result<Regex, String> {
    RegexBuilder::new(source).size_limit(REGEX_SIZE).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("regular expression {source:?} is too large"),
        _ => format!("{source:?} is not a valid regular expression"),
    })
}

/// A text that is either itself or a template.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Literal(String),
    Template(Template),
}

impl Entry {
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        Ok(Template::parse(source)?.map_or_else(|| Self::Literal(source.to_owned()), Self::Template))
    }

    /// What it stands for: one text, or as many as the trait has values.
    pub(crate) fn expand(&self, scope: &Scope<'_>) -> Vec<String> {
        match self {
            Self::Literal(text) => vec![text.clone()],
            Self::Template(template) => template.expand(scope),
        }
    }
}

/// All entries expanded, each once, in order.
pub(crate) fn expand(entries: &[Entry], scope: &Scope<'_>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::with_capacity(entries.len());
    for text in entries.iter().flat_map(|entry| entry.expand(scope)) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// Whether a list of names allows one of the spellings: an exact one, or `*`.
pub(crate) fn allows(entries: &[Entry], scope: &Scope<'_>, spellings: &[String]) -> bool {
    entries.iter().any(|entry| match entry {
        Entry::Literal(text) => text == "*" || spellings.contains(text),
        Entry::Template(template) => template.expand(scope).iter().any(|text| text == "*" || spellings.contains(text)),
    })
}

/// A label selector, ready to match.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    /// `'*': '*'`: everything, even a resource with no labels.
    everything: bool,
    keys: Vec<(Entry, Vec<Value>)>,
}

#[derive(Debug, Clone)]
enum Value {
    Pattern(Pattern),
    Template(Template),
}

impl Value {
    fn matches(&self, value: &str, scope: &Scope<'_>) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches(value),
            // A trait's values are patterns too. One that is not valid matches nothing; a missing trait has none.
            Self::Template(template) => template
                .expand(scope)
                .iter()
                .any(|text| Pattern::parse(text).is_ok_and(|pattern| pattern.matches(value))),
        }
    }
}

impl Selector {
    /// Adds a key with its values.
    pub(crate) fn add(&mut self, key: &str, values: &[String]) -> Result<(), String> {
        if key == "*" {
            if values.len() == 1 && values[0] == "*" {
                self.everything = true;
                return Ok(());
            }
            return Err(format!("selector *:{} is not supported, only '*': '*'", values.join(",")));
        }
        let mut compiled = Vec::with_capacity(values.len());
        for value in values {
            compiled.push(match Entry::parse(value)? {
                Entry::Literal(text) => Value::Pattern(Pattern::parse(&text)?),
                Entry::Template(template) => Value::Template(template),
            });
        }
        self.keys.push((Entry::parse(key)?, compiled));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.everything && self.keys.is_empty()
    }

    /// Every key must be there with a value that one of its patterns matches. A selector of nothing matches nothing.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>, scope: &Scope<'_>) -> bool {
        self.everything || (!self.keys.is_empty() && self.first_miss(labels, scope).is_none())
    }

    /// The first key that does not match, for the explanation.
    pub(crate) fn first_miss(&self, labels: &BTreeMap<String, String>, scope: &Scope<'_>) -> Option<String> {
        self.keys.iter().find_map(|(key, values)| {
            // Only the first value of a trait can be a key, as in Teleport.
            let Some(key) = key.expand(scope).into_iter().next() else {
                return Some("a template without value".to_owned());
            };
            let hit = labels.get(&key).is_some_and(|label| values.iter().any(|value| value.matches(label, scope)));
            (!hit).then_some(key)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn matches(selector: &[(&str, &[&str])], on: &[(&str, &str)]) -> bool {
        let mut compiled = Selector::default();
        for (key, values) in selector {
            compiled.add(key, &values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()).unwrap();
        }
        let traits = BTreeMap::from([("envs".to_owned(), vec!["dev".to_owned(), "st*".to_owned()])]);
        compiled.matches(&labels(on), &Scope { user: "alice", traits: &traits, labels: None })
    }

    #[test]
    fn star_star_matches_even_no_labels_and_nothing_matches_nothing() {
        assert!(matches(&[("*", &["*"])], &[]));
        assert!(matches(&[("*", &["*"]), ("env", &["dev"])], &[("env", "prod")]));
        assert!(!matches(&[], &[]));
        assert!(!matches(&[], &[("env", "dev")]));
        assert!(!matches(&[("env", &[])], &[("env", "dev")]));
    }

    #[test]
    fn every_key_must_match_one_of_its_values() {
        assert!(matches(&[("env", &["dev", "stage"])], &[("env", "stage"), ("x", "y")]));
        assert!(!matches(&[("env", &["dev"]), ("team", &["a"])], &[("env", "dev")]));
        assert!(matches(&[("env", &["prod", "*"])], &[("env", "anything")]));
        assert!(!matches(&[("env", &["*"])], &[("team", "a")]));
        assert!(!matches(&[("env", &["dev"])], &[("env", "Dev")]));
    }

    #[test]
    fn globs_are_anchored_and_regular_expressions_are_taken_as_they_are() {
        assert!(matches(&[("env", &["st*ge"])], &[("env", "stage")]));
        assert!(!matches(&[("env", &["st*"])], &[("env", "last")]));
        assert!(!matches(&[("env", &["a.c*"])], &[("env", "abc")]));
        assert!(matches(&[("env", &["^(dev|stage)$"])], &[("env", "stage")]));
        assert!(matches(&[("env", &["^a|b$"])], &[("env", "ax")]));
        assert!(!matches(&[("env", &["(dev|stage)"])], &[("env", "dev")]));
    }

    #[test]
    fn a_template_takes_the_values_of_the_trait_and_none_matches_nothing() {
        assert!(matches(&[("env", &["{{external.envs}}"])], &[("env", "stage")]));
        assert!(!matches(&[("env", &["{{external.envs}}"])], &[("env", "prod")]));
        assert!(!matches(&[("env", &["{{external.missing}}"])], &[("env", "")]));
    }

    #[test]
    fn a_star_key_with_another_value_is_refused() {
        let error = Selector::default().add("*", &["prod".to_owned()]).unwrap_err();
        assert_eq!(error, "selector *:prod is not supported, only '*': '*'");
        assert!(Selector::default().add("*", &["*".to_owned(), "*".to_owned()]).is_err());
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_value_panics(pattern in ".*", value in ".*") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&value);
            }
        }

        #[test]
        fn no_regular_expression_panics(body in r"[\^$.|()\[\]{}*+?a-c\\0-9,:-]{0,24}", value in "[a-c0-9]{0,12}") {
            if let Ok(pattern) = Pattern::parse(&format!("^{body}$")) {
                pattern.matches(&value);
            }
        }

        #[test]
        fn a_text_without_star_matches_exactly_itself(text in "[a-z0-9._/+()\\[\\]-]{1,16}", other in "[a-z0-9._/+()\\[\\]-]{1,16}") {
            let pattern = Pattern::parse(&text).unwrap();
            prop_assert!(pattern.matches(&text));
            prop_assert_eq!(pattern.matches(&other), text == other);
        }

        #[test]
        fn a_glob_matches_whatever_replaces_its_stars(parts in proptest::collection::vec("[a-z.+(]{0,6}", 2..5), filling in ".{0,8}") {
            let pattern = Pattern::parse(&parts.join("*")).unwrap();
            prop_assert!(pattern.matches(&parts.join(filling.as_str())));
        }
    }
}
