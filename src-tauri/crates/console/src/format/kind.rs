//! What each column is in a file that has types: decided before the first value, because a file cannot be taken back.
//!
//! From a kept result the decision is made after a look at all values ([`Scan`]): a column with a value that its type
//! cannot hold (`infinity` among dates, NaN among decimals) becomes text as a whole. Straight from the server nobody
//! can look ahead: there such a value ends the export, and the error names its row and column.

use std::sync::Arc;

use super::value::{self, Reason};
use super::{Cell, Misfit};
use crate::types::{self, Column};

/// The type of a column in Arrow and Parquet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `bool`
    Bool,
    /// `int2`
    Int16,
    /// `int4`
    Int32,
    /// `int8`
    Int64,
    /// `float4`
    Float32,
    /// `float8`
    Float64,
    /// `numeric(p, s)`
    Decimal {
        /// At most 76.
        precision: u8,
        /// Not more than `precision`.
        scale: u8,
    },
    /// `date`
    Date,
    /// `time`
    Time,
    /// `timestamp`
    Timestamp,
    /// `timestamptz`
    TimestampUtc,
    /// Everything else, as the server writes it: `numeric` without a precision, `interval`, `timetz`, `super`, arrays, …
    Text,
    /// Text in which there is a value that is not UTF-8.
    Bytes,
}

impl Kind {
    /// What a column is unless one of its values says otherwise.
    pub fn of(column: &Column) -> Self {
        match column.type_oid {
            types::BOOL => Self::Bool,
            types::INT2 => Self::Int16,
            types::INT4 => Self::Int32,
            types::INT8 => Self::Int64,
            types::FLOAT4 => Self::Float32,
            types::FLOAT8 => Self::Float64,
            types::NUMERIC => decimal(column.type_modifier).unwrap_or(Self::Text),
            types::DATE => Self::Date,
            types::TIME => Self::Time,
            types::TIMESTAMP => Self::Timestamp,
            types::TIMESTAMPTZ => Self::TimestampUtc,
            _ => Self::Text,
        }
    }

    /// Whether a value can be held to the last digit.
    fn check(self, cell: &[u8]) -> Result<(), Reason> {
        match self {
            Self::Bool => value::boolean(cell).map(drop),
            Self::Int16 => value::integer::<i16>(cell).map(drop),
            Self::Int32 => value::integer::<i32>(cell).map(drop),
            Self::Int64 => value::integer::<i64>(cell).map(drop),
            Self::Float32 => value::float::<f32>(cell).map(drop),
            Self::Float64 => value::float::<f64>(cell).map(drop),
            Self::Decimal { precision, scale } if precision <= 38 => {
                value::decimal128(cell, precision, scale).map(drop)
            }
            Self::Decimal { precision, scale } => value::decimal256(cell, precision, scale).map(drop),
            Self::Date => value::date(cell).map(drop),
            Self::Time => value::time(cell).map(drop),
            Self::Timestamp => value::timestamp(cell).map(drop),
            Self::TimestampUtc => value::timestamp_utc(cell).map(drop),
            Self::Text => value::text(cell).map(drop),
            Self::Bytes => Ok(()),
        }
    }
}

/// `numeric(p, s)` of a type modifier, unless it has none or one that no file holds.
pub(super) fn decimal(type_modifier: i32) -> Option<Kind> {
    let (precision, scale) = numeric_of(type_modifier)?;
    let (precision, scale) = (u8::try_from(precision).ok()?, u8::try_from(scale).ok()?);
    ((1..=76).contains(&precision) && scale <= precision).then_some(Kind::Decimal { precision, scale })
}

/// Precision and scale. PostgreSQL since 15 has scales below zero: eleven bits with a sign.
pub(super) fn numeric_of(type_modifier: i32) -> Option<(i32, i32)> {
    let packed = type_modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    Some(((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024))
}

/// What a column became, and why it is not what its type says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnPlan {
    /// What it is in the file.
    pub kind: Kind,
    /// The value that its own type could not hold.
    pub because: Option<Arc<Misfit>>,
}

/// Looks at all values of a result to decide what each column is.
#[derive(Clone, Debug)]
pub struct Scan {
    names: Vec<String>,
    plans: Vec<ColumnPlan>,
    row: u64,
}

impl Scan {
    /// Over these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Self {
        let (names, plans) = columns
            .into_iter()
            .map(|column| (column.name.clone(), ColumnPlan { kind: Kind::of(column), because: None }))
            .unzip();
        Self { names, plans, row: 0 }
    }

    /// Looks at one row.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        self.row += 1;
        for (index, (plan, cell)) in self.plans.iter_mut().zip(cells).enumerate() {
            let Some(cell) = cell else { continue };
            // From its own type to text, and from text to bytes: at most two steps.
            while let Err(reason) = plan.kind.check(cell) {
                plan.kind = if plan.kind == Kind::Text { Kind::Bytes } else { Kind::Text };
                plan.because = Some(Arc::new(Misfit::new(self.row, &self.names[index], cell, reason)));
            }
        }
    }

    /// The decision.
    pub fn finish(self) -> Vec<ColumnPlan> {
        self.plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(type_oid: u32, type_modifier: i32) -> Column {
        Column { name: "c".into(), type_oid, type_size: -1, type_modifier }
    }

    fn numeric(precision: i32, scale: i32) -> i32 {
        ((precision << 16) | (scale & 0x7ff)) + 4
    }

    #[test]
    fn numerics_are_decimals_where_their_precision_is_known_and_fits() {
        let of = |modifier| Kind::of(&column(types::NUMERIC, modifier));
        assert_eq!(of(numeric(38, 10)), Kind::Decimal { precision: 38, scale: 10 });
        assert_eq!(of(numeric(76, 0)), Kind::Decimal { precision: 76, scale: 0 });
        assert_eq!([of(-1), of(numeric(77, 0)), of(numeric(5, -2)), of(numeric(2, 5))], [Kind::Text; 4]);
    }

    #[test]
    fn one_value_makes_its_whole_column_text_and_is_remembered() {
        let columns = [column(types::DATE, -1), column(types::INT4, -1), column(types::TEXT, -1)];
        let mut scan = Scan::new(&columns);
        scan.row(&[Some(b"2024-01-01"), Some(b"1"), Some(b"a")]);
        scan.row(&[Some(b"infinity"), None, Some(b"\xff")]);
        scan.row(&[Some(b"-infinity"), Some(b"2"), None]);
        let plans = scan.finish();
        assert_eq!(plans.iter().map(|plan| plan.kind).collect::<Vec<_>>(), [Kind::Text, Kind::Int32, Kind::Bytes]);
        let because = plans[0].because.as_ref().map(|misfit| misfit.to_string());
        assert_eq!(because.as_deref(), Some("row 2, column \"c\": infinity is no moment this format can hold"));
    }
}
