//! The predicate language of `db_labels_expression` and of templates: parsing and evaluation.
//!
//! `labels["env"] == "prod" && contains(user.spec.traits["teams"], labels["team"])`. The grammar is Go's expression syntax as far
//! as Teleport uses it: names with dots, calls, `["index"]`, string literals, `!`, `==`, `!=`, `&&`, `||`.

use std::collections::BTreeMap;

use regex::Regex;

use crate::matcher::{self, Pattern};

/// Deepest nesting accepted, so that no document can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    Text(String),
    Bool(bool),
    /// `user.spec.traits`, `labels`, `external.email`…
    Name(String),
    /// `labels["env"]`
    Index(String, Box<Self>),
    /// `contains(a, b)`
    Call(String, Vec<Self>),
    Not(Box<Self>),
    Equal(Box<Self>, Box<Self>, bool),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// What an expression yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Text(String),
    List(Vec<String>),
}

/// What names mean during evaluation.
pub(crate) struct Scope<'a> {
    /// The user's name.
    pub(crate) user: &'a str,
    /// The user's traits.
    pub(crate) traits: &'a BTreeMap<String, Vec<String>>,
    /// The resource's labels; `None` inside templates, which have none.
    pub(crate) labels: Option<&'a BTreeMap<String, String>>,
}

impl Expression {
    /// Parses, and checks that every name and function exists.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let tokens = tokens(source)?;
        let mut parser = Parser { tokens: &tokens, depth: 0 };
        let expression = parser.or()?;
        match parser.tokens.first() {
            None => Ok(expression),
            Some(token) => Err(format!("unexpected {}", token.describe())),
        }
    }

    /// The answer of a condition.
    pub(crate) fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        match self.evaluate(scope)? {
            Value::Bool(answer) => Ok(answer),
            _ => Err("the expression yields a value, not true or false".to_owned()),
        }
    }

    pub(crate) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, String> {
        match self {
            Self::Text(text) => Ok(Value::Text(text.clone())),
            Self::Bool(value) => Ok(Value::Bool(*value)),
            Self::Name(name) => variable(name, scope),
            Self::Index(name, key) => index(name, &key.evaluate(scope)?, scope),
            Self::Call(name, arguments) => {
                let values =
                    arguments.iter().map(|argument| argument.evaluate(scope)).collect::<Result<Vec<_>, _>>()?;
                call(name, &values, scope)
            }
            Self::Not(inner) => Ok(Value::Bool(!inner.holds(scope)?)),
            Self::Equal(left, right, wanted) => {
                Ok(Value::Bool((left.evaluate(scope)? == right.evaluate(scope)?) == *wanted))
            }
            Self::And(left, right) => Ok(Value::Bool(left.holds(scope)? && right.holds(scope)?)),
            Self::Or(left, right) => Ok(Value::Bool(left.holds(scope)? || right.holds(scope)?)),
        }
    }

    /// Every plain name and function in it, for checks that differ between templates and conditions.
    pub(crate) fn visit(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        match self {
            Self::Text(_) | Self::Bool(_) | Self::Name(_) => {}
            Self::Index(_, inner) | Self::Not(inner) => inner.visit(see),
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.visit(see)),
            Self::Equal(left, right, _) | Self::And(left, right) | Self::Or(left, right) => {
                left.visit(see);
                right.visit(see);
            }
        }
    }
}

fn variable(name: &str, scope: &Scope<'_>) -> Result<Value, String> {
    if name == "user.metadata.name" {
        return Ok(Value::Text(scope.user.to_owned()));
    }
    // Templates say internal.logins and external.email; both read the same traits.
    let of = ["internal.", "external.", "user.spec.traits."].iter().find_map(|prefix| name.strip_prefix(prefix));
    if let Some(of) = of {
        return Ok(Value::List(scope.traits.get(of).cloned().unwrap_or_default()));
    }
    match (name.strip_prefix("labels."), scope.labels) {
        (Some(key), Some(labels)) => Ok(Value::Text(labels.get(key).cloned().unwrap_or_default())),
        _ => Err(format!("unknown name {name}")),
    }
}

fn index(name: &str, key: &Value, scope: &Scope<'_>) -> Result<Value, String> {
    let Value::Text(key) = key else {
        return Err(format!("the index of {name} is not a text"));
    };
    match (name, scope.labels) {
        ("labels", Some(labels)) => Ok(Value::Text(labels.get(key).cloned().unwrap_or_default())),
        ("user.spec.traits" | "internal" | "external", _) => {
            Ok(Value::List(scope.traits.get(key).cloned().unwrap_or_default()))
        }
        _ => Err(format!("unknown name {name}")),
    }
}

/// Functions and how many arguments they take.
const FUNCTIONS: [(&str, usize); 9] = [
    ("contains", 2),
    ("contains_any", 2),
    ("contains_all", 2),
    ("regexp.match", 2),
    ("regexp.replace", 3),
    ("email.local", 1),
    ("strings.upper", 1),
    ("strings.lower", 1),
    ("labels_matching", 1),
];

fn call(name: &str, arguments: &[Value], scope: &Scope<'_>) -> Result<Value, String> {
    match (name, arguments) {
        ("set", items) => Ok(Value::List(items.iter().flat_map(list).collect())),
        ("contains", [all, one]) => Ok(Value::Bool(list(all).contains(&text(one)?))),
        ("contains_any", [all, some]) => Ok(Value::Bool(list(some).iter().any(|item| list(all).contains(item)))),
        ("contains_all", [all, some]) => {
            let some = list(some);
            Ok(Value::Bool(!some.is_empty() && some.iter().all(|item| list(all).contains(item))))
        }
        ("regexp.match", [values, pattern]) => {
            let pattern = Pattern::parse(&text(pattern)?)?;
            Ok(Value::Bool(list(values).iter().any(|value| pattern.matches(value))))
        }
        ("regexp.replace", [values, pattern, with]) => {
            let (pattern, with) = (regex(&text(pattern)?)?, text(with)?);
            let replaced = list(values).into_iter().filter(|value| pattern.is_match(value));
            Ok(Value::List(replaced.map(|value| pattern.replace_all(&value, with.as_str()).into_owned()).collect()))
        }
        ("email.local", [values]) => {
            list(values).iter().map(|email| email_local(email)).collect::<Result<_, _>>().map(Value::List)
        }
        ("strings.upper", [values]) => Ok(Value::List(list(values).iter().map(|value| value.to_uppercase()).collect())),
        ("strings.lower", [values]) => Ok(Value::List(list(values).iter().map(|value| value.to_lowercase()).collect())),
        ("labels_matching", [pattern]) => {
            let pattern = Pattern::parse(&text(pattern)?)?;
            let labels = scope.labels.into_iter().flatten();
            Ok(Value::List(labels.filter(|(key, _)| pattern.matches(key)).map(|(_, value)| value.clone()).collect()))
        }
        _ => Err(format!("no function {name} with {} arguments", arguments.len())),
    }
}

fn list(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.clone(),
        Value::Text(text) => vec![text.clone()],
        Value::Bool(value) => vec![value.to_string()],
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::List(items) if items.len() == 1 => Ok(items[0].clone()),
        _ => Err("expected one text".to_owned()),
    }
}

/// A Go regular expression, unanchored as `regexp.replace` uses it.
fn regex(pattern: &str) -> Result<Regex, String> {
    matcher::regex(pattern)
}

/// What stands before the `@`.
fn email_local(email: &str) -> Result<String, String> {
    match email.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(local.to_owned()),
        _ => Err(format!("{email:?} is not an email address")),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Symbol(&'static str),
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Text(text) => format!("{text:?}"),
            Self::Symbol(symbol) => format!("'{symbol}'"),
        }
    }
}

const SYMBOLS: [&str; 10] = ["==", "!=", "&&", "||", "!", "(", ")", "[", "]", ","];

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first == '"' || first == '`' {
            let (text, length) = literal(rest, first)?;
            (Token::Text(text), length)
        } else if let Some(symbol) = SYMBOLS.iter().copied().find(|symbol| rest.starts_with(*symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("unexpected character {first:?}"));
            }
            (Token::Name(rest[..end].to_owned()), end)
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A Go string literal, interpreted or raw, and its length with the quotes.
fn literal(source: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = source.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((text, at + c.len_utf8())),
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '\''))) => text.push(escaped),
                Some((_, other)) => return Err(format!("unknown escape \\{other}")),
                None => break,
            },
            _ => text.push(c),
        }
    }
    Err("a text is not closed".to_owned())
}

struct Parser<'t> {
    tokens: &'t [Token],
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, String> {
        let mut left = self.and()?;
        while self.take("||") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.equal()?;
        while self.take("&&") {
            left = Expression::And(Box::new(left), Box::new(self.equal()?));
        }
        Ok(left)
    }

    fn equal(&mut self) -> Result<Expression, String> {
        let left = self.not()?;
        let wanted = if self.take("==") {
            true
        } else if self.take("!=") {
            false
        } else {
            return Ok(left);
        };
        Ok(Expression::Equal(Box::new(left), Box::new(self.not()?), wanted))
    }

    fn not(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        let expression = if self.take("!") { Expression::Not(Box::new(self.not()?)) } else { self.primary()? };
        self.depth -= 1;
        Ok(expression)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        let Some((token, rest)) = self.tokens.split_first() else {
            return Err("it ends too early".to_owned());
        };
        self.tokens = rest;
        match token {
            Token::Text(text) => Ok(Expression::Text(text.clone())),
            Token::Symbol("(") => {
                let inner = self.or()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol(symbol) => Err(format!("unexpected '{symbol}'")),
            Token::Name(name) if name == "true" || name == "false" => Ok(Expression::Bool(name == "true")),
            Token::Name(name) if self.take("(") => self.call(name),
            Token::Name(name) if self.take("[") => {
                let key = self.or()?;
                self.expect("]")?;
                Ok(Expression::Index(name.clone(), Box::new(key)))
            }
            Token::Name(name) => Ok(Expression::Name(name.clone())),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let mut arguments = Vec::new();
        while !self.take(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.or()?);
        }
        let arity = FUNCTIONS.iter().find(|(function, _)| *function == name).map(|(_, arity)| *arity);
        match arity {
            None if name != "set" => Err(format!("unknown function {name}")),
            Some(arity) if arity != arguments.len() => {
                Err(format!("{name} takes {arity} arguments, found {}", arguments.len()))
            }
            _ => Ok(Expression::Call(name.to_owned(), arguments)),
        }
    }

    fn take(&mut self, symbol: &'static str) -> bool {
        match self.tokens.split_first() {
            Some((Token::Symbol(found), rest)) if *found == symbol => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), String> {
        if self.take(symbol) {
            return Ok(());
        }
        let found = self.tokens.first().map_or_else(|| "the end".to_owned(), Token::describe);
        Err(format!("expected '{symbol}', found {found}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn holds(source: &str) -> Result<bool, String> {
        let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("team-a".to_owned(), "blue".to_owned())]);
        let traits = BTreeMap::from([
            ("teams".to_owned(), vec!["blue".to_owned(), "red".to_owned()]),
            ("email".to_owned(), vec!["alice@example.com".to_owned()]),
        ]);
        Expression::parse(source)?.holds(&Scope { user: "alice", traits: &traits, labels: Some(&labels) })
    }

    #[test]
    fn conditions_hold_as_in_teleport() {
        for yes in [
            r#"labels["env"] == "prod""#,
            r#"labels.env != "dev""#,
            r#"labels["missing"] == """#,
            r#"contains(user.spec.traits["teams"], "red")"#,
            r#"contains_any(user.spec.traits["teams"], labels_matching("team-*"))"#,
            r#"contains_all(user.spec.traits["teams"], set("red", "blue"))"#,
            r#"regexp.match(labels["env"], "pr*") && !(labels["env"] == "dev")"#,
            r#"regexp.match(labels["env"], "^pro.$")"#,
            r#"contains(email.local(user.spec.traits["email"]), "alice")"#,
            r#"contains(strings.upper(labels["env"]), "PROD") || false"#,
            r#"user.metadata.name == "alice""#,
            r#"contains(regexp.replace(user.spec.traits["email"], "^(.*)@.*$", "$1"), "alice")"#,
        ] {
            assert_eq!(holds(yes), Ok(true), "{yes}");
        }
        for no in [
            r#"labels["env"] == "dev""#,
            r#"contains_all(user.spec.traits["none"], set())"#,
            r#"contains(user.spec.traits["none"], "x")"#,
            "false || false",
        ] {
            assert_eq!(holds(no), Ok(false), "{no}");
        }
    }

    #[test]
    fn a_bad_expression_says_what_is_wrong() {
        for (bad, why) in [
            ("labels[", "it ends too early"),
            ("labels[\"env\"", "expected ']', found the end"),
            ("nope(1)", "unknown function nope"),
            ("contains(labels.env)", "contains takes 2 arguments, found 1"),
            ("labels.env == \"x", "a text is not closed"),
            ("labels.env @ 3", "unexpected character '@'"),
            ("labels.env", "the expression yields a value, not true or false"),
            ("nobody.knows == \"x\"", "unknown name nobody.knows"),
            ("true true", "unexpected true"),
        ] {
            assert_eq!(holds(bad).unwrap_err(), why, "{bad}");
        }
        assert_eq!(holds(&"!".repeat(1000)).unwrap_err(), "nested too deeply");
        assert_eq!(holds(&"(".repeat(1000)).unwrap_err(), "nested too deeply");
    }
}
