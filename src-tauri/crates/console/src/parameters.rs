//! Values for the `:name`s of a statement: typed by the person, sent apart from the text.

use crate::session::Bound;

/// A value for a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parameter {
    /// Without the colon.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// As typed; nothing for [`Kind::Null`].
    pub value: String,
}

/// What a value is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Kind {
    /// Whatever the server takes it for where it stands.
    #[default]
    Any,
    /// Text, as it is.
    Text,
    /// A number: a whole one as `int8`, any other as `numeric`.
    Number,
    /// A day.
    Date,
    /// A day and a time.
    Timestamp,
    /// True or false.
    Boolean,
    /// NULL.
    Null,
}

/// A value is none of its kind.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("'{value}' is no {kind}")]
pub struct NotOfKind {
    value: String,
    kind: &'static str,
}

mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const INT8: u32 = 20;
    pub(super) const VARCHAR: u32 = 1043;
    pub(super) const DATE: u32 = 1082;
    pub(super) const TIMESTAMP: u32 = 1114;
    pub(super) const NUMERIC: u32 = 1700;
}

impl Parameter {
    /// What the server is sent. Numbers are looked at, to know which type they have; what is a day is the server's to say.
    ///
    /// # Errors
    /// When it is no number or no truth value.
    pub fn bound(&self) -> Result<Bound, NotOfKind> {
        let typed = |type_oid, value: &str| Ok(Bound { type_oid, value: Some(value.to_owned()) });
        let trimmed = self.value.trim();
        let not = |kind| Err(NotOfKind { value: self.value.clone(), kind });
        match self.kind {
            Kind::Null => Ok(Bound { type_oid: 0, value: None }),
            Kind::Any => typed(0, &self.value),
            Kind::Text => typed(oid::VARCHAR, &self.value),
            Kind::Date => typed(oid::DATE, trimmed),
            Kind::Timestamp => typed(oid::TIMESTAMP, trimmed),
            Kind::Number if trimmed.parse::<i64>().is_ok() => typed(oid::INT8, trimmed),
            Kind::Number if is_decimal(trimmed) => typed(oid::NUMERIC, trimmed),
            Kind::Number => not("number"),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => typed(oid::BOOL, "true"),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => typed(oid::BOOL, "false"),
            Kind::Boolean => not("boolean; write true or false"),
        }
    }
}

/// A number with a point or an exponent, or one too large for 64 bits.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let some = !whole.is_empty() || !fraction.is_empty();
    some && digits(whole) && digits(fraction) && !exponent.is_empty() && digits(exponent)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn bound(kind: Kind, value: &str) -> Option<(u32, Option<String>)> {
        let parameter = Parameter { name: "a".into(), kind, value: value.into() };
        parameter.bound().ok().map(|bound| (bound.type_oid, bound.value))
    }

    #[test]
    fn a_number_has_the_type_that_holds_it() {
        assert_eq!(bound(Kind::Number, " -42 "), Some((20, Some("-42".into()))));
        for decimal in ["1.5", ".5", "2.", "1e-3", "99999999999999999999", "-1.0E+2"] {
            assert_eq!(bound(Kind::Number, decimal), Some((1700, Some(decimal.into()))), "{decimal}");
        }
        for none in ["", "a", ".", "1e", "1,5", "0x10", "1 or 1=1", "infinity"] {
            assert_eq!(bound(Kind::Number, none), None, "{none}");
        }
    }

    #[test]
    fn other_values_are_sent_as_they_are_typed() {
        assert_eq!(bound(Kind::Text, " '; drop table t; -- "), Some((1043, Some(" '; drop table t; -- ".into()))));
        assert_eq!(bound(Kind::Any, ""), Some((0, Some(String::new()))));
        assert_eq!(bound(Kind::Null, "x"), Some((0, None)));
        assert_eq!(bound(Kind::Date, " 2026-11-24"), Some((1082, Some("2026-11-24".into()))));
        assert_eq!(bound(Kind::Boolean, "TRUE"), Some((16, Some("true".into()))));
        assert_eq!(bound(Kind::Boolean, "yes"), None);
    }
}
