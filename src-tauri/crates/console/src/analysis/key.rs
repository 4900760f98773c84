//! Values as bytes that compare as the values do, so that one comparison of bytes serves every type, sorts by several
//! columns, and is exact: `NUMERIC(38)` never becomes a float.
//!
//! A key is one part per column. No part is the beginning of another, so parts can stand one behind the other. The first
//! byte of a part tells NULL, which is last in either direction, and text that is not as its type has it, which stands
//! in front of NULL, from all others. The others are inverted to sort downward.

use std::borrow::Cow;

use super::moment;
use crate::types::Column;

/// Bytes of a text that count. What differs only behind them is taken for equal, and stays as it came.
pub(super) const TEXT_LIMIT: usize = crate::store::CELL_REACH;

/// NULL.
const NULL: u8 = 0xff;
/// Not as its type has it.
const AS_TEXT: u8 = 0xfe;

/// First bytes of parts, in order. An integer's tells its sign and how many bytes follow.
const MINUS_INFINITY: u8 = 0x20;
const NEGATIVE: u8 = 0x40;
const ZERO: u8 = 0x80;
const POSITIVE: u8 = 0xa8;
const PLUS_INFINITY: u8 = 0xb0;
const NAN: u8 = 0xc0;

/// How values of a column compare.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Whole numbers.
    Integer,
    /// Numbers of any size and precision.
    Decimal,
    /// `float4` and `float8`.
    Float,
    Date,
    Time,
    /// By the moment, then by the zone, as PostgreSQL does.
    TimeTz,
    Timestamp,
    /// With months of thirty days, as PostgreSQL does.
    Interval,
    /// Text whose trailing blanks mean nothing.
    Padded,
    /// By its bytes: Redshift's own order.
    Text,
}

impl Kind {
    pub(super) fn of(column: &Column) -> Self {
        match column.type_oid {
            20 | 21 | 23 | 26 | 28 | 29 | 17329 => Self::Integer,
            1700 => Self::Decimal,
            700 | 701 => Self::Float,
            1082 => Self::Date,
            1083 => Self::Time,
            1266 => Self::TimeTz,
            1114 | 1184 | 17336 => Self::Timestamp,
            1186 | 1188 | 1190 => Self::Interval,
            1042 => Self::Padded,
            _ => Self::Text,
        }
    }
}

/// A part of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Null,
    Value,
    /// The value is not as its type has it.
    AsText,
}

/// Appends the part of one cell.
pub(super) fn push(kind: Kind, cell: Option<&[u8]>, descending: bool, key: &mut Vec<u8>) -> Part {
    let Some(cell) = cell else {
        key.push(NULL);
        return Part::Null;
    };
    let start = key.len();
    let understood = push_value(kind, cell, key).is_some();
    if !understood {
        key.truncate(start);
        push_text(AS_TEXT, cell, key);
    }
    if descending {
        // What tells the groups apart stays.
        let from = if understood { start } else { start + 1 };
        key[from..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    if understood { Part::Value } else { Part::AsText }
}

fn push_value(kind: Kind, cell: &[u8], key: &mut Vec<u8>) -> Option<()> {
    match kind {
        Kind::Integer => push_integer(integer(cell)?.into(), key),
        Kind::Decimal => push_decimal(cell, key)?,
        Kind::Float => push_float(float(cell)?, key),
        Kind::Date => push_bounded(moment::date(cell)?, key),
        Kind::Timestamp => push_bounded(moment::timestamp(cell)?, key),
        Kind::Time => push_integer(moment::time(cell)?.into(), key),
        Kind::TimeTz => {
            let (utc, east) = moment::time_tz(cell)?;
            push_integer(utc.into(), key);
            // The zone further west is the greater.
            push_integer((-east).into(), key);
        }
        Kind::Interval => push_integer(moment::interval(cell)?, key),
        Kind::Padded => push_text(ZERO, without_padding(cell), key),
        Kind::Text => push_text(ZERO, cell, key),
    }
    Some(())
}

/// The value as a number, for ranges of equal width: microseconds and days for times, `None` where there is no width.
pub(super) fn measure(kind: Kind, cell: &[u8]) -> Option<f64> {
    let finite = |bounded| match bounded {
        moment::Bounded::Finite(value) => Some(value as f64),
        _ => None,
    };
    let number = match kind {
        Kind::Integer => integer(cell)? as f64,
        Kind::Decimal | Kind::Float => float(cell)?,
        Kind::Date => finite(moment::date(cell)?)?,
        Kind::Timestamp => finite(moment::timestamp(cell)?)?,
        Kind::Time => moment::time(cell)? as f64,
        Kind::TimeTz => moment::time_tz(cell)?.0 as f64,
        Kind::Interval => moment::interval(cell)? as f64,
        Kind::Padded | Kind::Text => return None,
    };
    number.is_finite().then_some(number)
}

/// A CHAR without the blanks that fill it up.
pub(super) fn without_padding(cell: &[u8]) -> &[u8] {
    let end = cell.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    &cell[..end]
}

fn integer(cell: &[u8]) -> Option<i64> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        // Downward, where there is room for one more.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// What Rust reads as a number and PostgreSQL never writes is no number.
fn float(cell: &[u8]) -> Option<f64> {
    match cell {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ if cell.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) => {
            str::from_utf8(cell).ok()?.parse().ok()
        }
        _ => None,
    }
}

fn push_integer(value: i128, key: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs().to_be_bytes();
    let zeros = magnitude.iter().take_while(|&&byte| byte == 0).count();
    let bytes = &magnitude[zeros..];
    // At most sixteen.
    let count = u8::try_from(bytes.len()).unwrap_or(16);
    if value < 0 {
        key.push(ZERO - count);
        key.extend(bytes.iter().map(|byte| !byte));
    } else {
        key.push(ZERO + count);
        key.extend_from_slice(bytes);
    }
}

fn push_bounded(value: moment::Bounded, key: &mut Vec<u8>) {
    match value {
        moment::Bounded::MinusInfinity => key.push(MINUS_INFINITY),
        moment::Bounded::Finite(value) => push_integer(value.into(), key),
        moment::Bounded::Infinity => key.push(PLUS_INFINITY),
    }
}

/// Zeros of either sign are one value, and so are all NaN, which PostgreSQL puts above infinity.
fn push_float(value: f64, key: &mut Vec<u8>) {
    let value = if value == 0.0 { 0.0 } else { value };
    let value = if value.is_nan() { f64::NAN.abs() } else { value };
    let bits = value.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    key.push(ZERO);
    key.extend(ordered.to_be_bytes());
}

/// Sign, how many digits stand in front of the point, and the digits in pairs.
fn push_decimal(cell: &[u8], key: &mut Vec<u8>) -> Option<()> {
    let bare = match cell {
        b"NaN" => Some(NAN),
        b"Infinity" => Some(PLUS_INFINITY),
        b"-Infinity" => Some(MINUS_INFINITY),
        _ => None,
    };
    if let Some(bare) = bare {
        key.push(bare);
        return Some(());
    }
    let (negative, number) = match cell {
        [b'-', number @ ..] => (true, number),
        number => (false, number),
    };
    let point = number.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&number[..point], &number[point + 1..]),
        None => (number, &[][..]),
    };
    let digits = || whole.iter().chain(fraction);
    if digits().next().is_none() || !digits().all(u8::is_ascii_digit) {
        return None;
    }
    let leading = digits().take_while(|&&digit| digit == b'0').count();
    let trailing = digits().rev().take_while(|&&digit| digit == b'0').count();
    let count = whole.len() + fraction.len();
    if leading == count {
        key.push(ZERO);
        return Some(());
    }
    let start = key.len() + 1;
    key.push(if negative { NEGATIVE } else { POSITIVE });
    push_exponent(whole.len() as i64 - leading as i64, key);
    let mut significant = digits().take(count - trailing).skip(leading).map(|digit| digit - b'0');
    while let Some(tens) = significant.next() {
        key.push(tens * 10 + significant.next().unwrap_or(0) + 1);
    }
    key.push(0);
    if negative {
        key[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Some(())
}

/// One byte for all that anybody meets, five for the rest.
fn push_exponent(exponent: i64, key: &mut Vec<u8>) {
    match exponent {
        -100..=100 => key.push((0x80 + exponent) as u8),
        _ => {
            // Less than 2^31 digits, as a message is.
            key.push(if exponent > 0 { 0xf8 } else { 0x08 });
            key.extend((exponent.wrapping_add(1 << 31) as u32).to_be_bytes());
        }
    }
}

/// Ends in a zero; zeros within it, which only a broken server sends, are told apart from the end.
fn push_text(first: u8, text: &[u8], key: &mut Vec<u8>) {
    let text = &text[..text.len().min(TEXT_LIMIT)];
    key.push(first);
    let text: Cow<'_, [u8]> = match text.contains(&0) {
        false => Cow::Borrowed(text),
        true => text.iter().flat_map(|&byte| [byte, 0xff].into_iter().take(1 + usize::from(byte == 0))).collect(),
    };
    key.extend_from_slice(&text);
    key.push(0);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(kind: Kind, text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        assert_eq!(push(kind, Some(text.as_bytes()), false, &mut key), Part::Value, "{text}");
        key
    }

    /// Each is less than the next, and more than the next when sorted downward.
    fn assert_ascending(kind: Kind, values: &[&str]) {
        for pair in values.windows(2) {
            assert!(key(kind, pair[0]) < key(kind, pair[1]), "{} < {}", pair[0], pair[1]);
            let down = |text: &str| {
                let mut key = Vec::new();
                push(kind, Some(text.as_bytes()), true, &mut key);
                key
            };
            assert!(down(pair[0]) > down(pair[1]), "{} > {} downward", pair[0], pair[1]);
        }
    }

    #[test]
    fn whole_numbers_compare_by_value() {
        let values =
            ["-9223372036854775808", "-256", "-255", "-2", "-1", "0", "1", "9", "10", "255", "9223372036854775807"];
        assert_ascending(Kind::Integer, &values);
    }

    #[test]
    fn decimals_of_any_size_compare_exactly() {
        let huge = format!("1{}", "0".repeat(131_000));
        let tiny = format!("0.{}1", "0".repeat(16_000));
        let minus_huge = format!("-{huge}");
        let values = [
            "-Infinity",
            &minus_huge,
            "-99999999999999999999999999999999999999",
            "-99999999999999999999999999999999999998",
            "-12.5",
            "-12.49",
            "-0.001",
            "0.000",
            &tiny,
            "0.1",
            "0.11",
            "0.2",
            "1",
            "9.99",
            "10",
            "99999999999999999999999999999999999998",
            "99999999999999999999999999999999999998.5",
            "99999999999999999999999999999999999999",
            &huge,
            "Infinity",
            "NaN",
        ];
        assert_ascending(Kind::Decimal, &values);
        assert_eq!(key(Kind::Decimal, "1.50"), key(Kind::Decimal, "1.5"));
        assert_eq!(key(Kind::Decimal, "-0.0"), key(Kind::Decimal, "0"));
    }

    #[test]
    fn floats_have_infinities_at_both_ends_and_nan_above() {
        assert_ascending(
            Kind::Float,
            &["-Infinity", "-1e+308", "-1", "-1e-300", "0", "1e-300", "0.5", "1e+308", "Infinity", "NaN"],
        );
        assert_eq!(key(Kind::Float, "-0"), key(Kind::Float, "0"));
    }

    #[test]
    fn times_compare_by_the_moment_also_before_christ_and_without_end() {
        assert_ascending(
            Kind::Date,
            &["-infinity", "4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "2024-02-29", "infinity"],
        );
        assert_ascending(
            Kind::Timestamp,
            &[
                "-infinity",
                "0044-03-15 12:00:00 BC",
                "1969-12-31 23:59:59.999999",
                "1970-01-01 00:00:00",
                "2024-01-01 00:00:00+09",
                "2024-01-01 00:00:00+05:30",
                "2024-01-01 00:00:00",
                "2024-01-01 00:00:00.5",
                "294276-12-31 23:59:59",
                "infinity",
            ],
        );
        assert_ascending(Kind::Time, &["00:00:00", "09:59:59.9", "10:00:00", "24:00:00"]);
        assert_ascending(Kind::TimeTz, &["10:00:00+09", "04:00:00+00", "03:00:00-01", "05:00:00+00"]);
        let intervals = [
            "-1 years",
            "-00:00:01",
            "00:00:00",
            "23:59:59",
            "1 day",
            "29 days 23:00:00",
            "1 mon 00:00:01",
            "1 year 2 mons",
        ];
        assert_ascending(Kind::Interval, &intervals);
        assert_eq!(key(Kind::Interval, "1 mon"), key(Kind::Interval, "30 days"));
    }

    #[test]
    fn text_compares_by_its_bytes_and_char_without_its_padding() {
        assert_ascending(Kind::Text, &["", " ", "A", "a", "a ", "ab", "é", "한"]);
        assert_eq!(key(Kind::Padded, "a  "), key(Kind::Padded, "a"));
        let mut zeros = Vec::new();
        push(Kind::Text, Some(b"a\0"), false, &mut zeros);
        assert!(zeros > key(Kind::Text, "a") && zeros < key(Kind::Text, "ab"));
    }

    #[test]
    fn what_is_not_as_its_type_has_it_comes_behind_and_null_last_in_both_directions() {
        for descending in [false, true] {
            let part = |cell: Option<&[u8]>| {
                let mut key = Vec::new();
                (push(Kind::Integer, cell, descending, &mut key), key)
            };
            let (value, odd, null) = (part(Some(b"5")), part(Some(b"five")), part(None));
            assert_eq!((value.0, odd.0, null.0), (Part::Value, Part::AsText, Part::Null));
            assert!(value.1 < odd.1 && odd.1 < null.1);
        }
    }

    proptest! {
        #[test]
        fn decimals_compare_as_their_digits_do(a in any::<i64>(), b in any::<i64>(), scale in 0_usize..20) {
            let text = |value: i64| {
                let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                format!("{}{whole}{}{fraction}", if value < 0 { "-" } else { "" }, if scale > 0 { "." } else { "" })
            };
            prop_assert_eq!(key(Kind::Decimal, &text(a)).cmp(&key(Kind::Decimal, &text(b))), a.cmp(&b));
            prop_assert_eq!(key(Kind::Integer, &a.to_string()).cmp(&key(Kind::Integer, &b.to_string())), a.cmp(&b));
        }

        #[test]
        fn no_part_is_the_beginning_of_another(a in "[0-9.eE:+a-z -]{0,12}", b in "[0-9.eE:+a-z -]{0,12}", down in any::<bool>()) {
            for kind in [Kind::Integer, Kind::Decimal, Kind::Float, Kind::Date, Kind::Timestamp, Kind::Time, Kind::TimeTz,
                Kind::Interval, Kind::Padded, Kind::Text] {
                let part = |text: &str| { let mut key = Vec::new(); push(kind, Some(text.as_bytes()), down, &mut key); key };
                let (a, b) = (part(&a), part(&b));
                prop_assert!(a == b || !b.starts_with(&a));
            }
        }
    }
}
