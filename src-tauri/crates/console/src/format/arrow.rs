//! Rows as Arrow record batches: what Parquet and Arrow IPC files are made of.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::kind::ColumnPlan;
use super::value::{self, Reason};
use super::{Cell, Format, Kind, LayoutError, WriteError, names};
use crate::types::Column;

/// A batch is full at this many rows,
const BATCH_ROWS: usize = 8_192;

/// or at this many bytes of cells.
const BATCH_BYTES: usize = 4 << 20;

/// Fills batches.
pub(super) struct Batches {
    schema: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

impl Batches {
    /// For these columns, which become what `plan` says, or what their own types say.
    pub(super) fn new(columns: &[&Column], plan: Option<&[ColumnPlan]>, format: Format) -> Result<Self, WriteError> {
        if columns.is_empty() {
            return Err(WriteError::NoColumns(format));
        }
        let mut builders = Vec::with_capacity(columns.len());
        let mut fields = Vec::with_capacity(columns.len());
        for (index, (column, name)) in columns.iter().zip(names::unique(columns)).enumerate() {
            let planned = plan.and_then(|plan| plan.get(index));
            let kind = planned.map_or_else(|| Kind::of(column), |plan| plan.kind);
            let because = planned.and_then(|plan| plan.because.as_ref());
            let mut notes = HashMap::from([("sql_type".to_owned(), sql_type(column))]);
            if let Some(misfit) = because {
                notes.insert("kept_as_text".to_owned(), misfit.to_string());
            }
            fields.push(Field::new(name, data_type(kind), true).with_metadata(notes));
            builders.push(Builder::new(kind));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), columns: builders, rows: 0, bytes: 0 })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds a row; gives a batch when one is full.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) -> Result<Option<RecordBatch>, PushError> {
        for (index, (column, cell)) in self.columns.iter_mut().zip(cells).enumerate() {
            column.push(*cell).map_err(|reason| PushError::Misfit(index, reason))?;
            self.bytes += cell.map_or(0, <[u8]>::len);
        }
        self.rows += 1;
        let full = self.rows == BATCH_ROWS || self.bytes >= BATCH_BYTES;
        if full { Ok(self.take()?) } else { Ok(None) }
    }

    /// What is in hand, if anything.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(None);
        }
        self.bytes = 0;
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).map(Some)
    }
}

/// Why a row is in no batch.
pub(super) enum PushError {
    Misfit(usize, Reason),
    Arrow(ArrowError),
}

impl From<ArrowError> for PushError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

impl PushError {
    pub(super) fn of(self, format: Format) -> LayoutError {
        match self {
            Self::Misfit(column, reason) => LayoutError::Misfit(column, reason),
            Self::Arrow(error) => WriteError::Library { format, reason: error.to_string() }.into(),
        }
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int16 => DataType::Int16,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float32 => DataType::Float32,
        Kind::Float64 => DataType::Float64,
        Kind::Decimal { precision, scale } if precision <= 38 => DataType::Decimal128(precision, as_scale(scale)),
        Kind::Decimal { precision, scale } => DataType::Decimal256(precision, as_scale(scale)),
        Kind::Date => DataType::Date32,
        Kind::Time => DataType::Time64(TimeUnit::Microsecond),
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Kind::TimestampUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Text => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
    }
}

/// `numeric(12,2)`, `super`: what the column was to the server.
fn sql_type(column: &Column) -> String {
    match super::kind::numeric_of(column.type_modifier) {
        Some((precision, scale)) if column.type_oid == crate::types::NUMERIC => format!("numeric({precision},{scale})"),
        _ => column.type_name().into_owned(),
    }
}

/// A scale is at most 76.
fn as_scale(scale: u8) -> i8 {
    i8::try_from(scale).unwrap_or(i8::MAX)
}

/// Gathers the values of one column.
enum Builder {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, u8, u8),
    Decimal256(Decimal256Builder, u8, u8),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampUtc(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        let data_type = data_type(kind);
        match kind {
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::Int16 => Self::Int16(Int16Builder::new()),
            Kind::Int32 => Self::Int32(Int32Builder::new()),
            Kind::Int64 => Self::Int64(Int64Builder::new()),
            Kind::Float32 => Self::Float32(Float32Builder::new()),
            Kind::Float64 => Self::Float64(Float64Builder::new()),
            Kind::Decimal { precision, scale } if precision <= 38 => {
                Self::Decimal128(Decimal128Builder::new().with_data_type(data_type), precision, scale)
            }
            Kind::Decimal { precision, scale } => {
                Self::Decimal256(Decimal256Builder::new().with_data_type(data_type), precision, scale)
            }
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(Time64MicrosecondBuilder::new()),
            Kind::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            Kind::TimestampUtc => Self::TimestampUtc(TimestampMicrosecondBuilder::new().with_data_type(data_type)),
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
        }
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<(), Reason> {
        match self {
            Self::Bool(builder) => builder.append_option(cell.map(value::boolean).transpose()?),
            Self::Int16(builder) => builder.append_option(cell.map(value::integer).transpose()?),
            Self::Int32(builder) => builder.append_option(cell.map(value::integer).transpose()?),
            Self::Int64(builder) => builder.append_option(cell.map(value::integer).transpose()?),
            Self::Float32(builder) => builder.append_option(cell.map(value::float).transpose()?),
            Self::Float64(builder) => builder.append_option(cell.map(value::float).transpose()?),
            Self::Decimal128(builder, precision, scale) => {
                let value = cell.map(|cell| value::decimal128(cell, *precision, *scale)).transpose()?;
                builder.append_option(value);
            }
            Self::Decimal256(builder, precision, scale) => {
                let value = cell.map(|cell| value::decimal256(cell, *precision, *scale)).transpose()?;
                builder.append_option(value);
            }
            Self::Date(builder) => builder.append_option(cell.map(value::date).transpose()?),
            Self::Time(builder) => builder.append_option(cell.map(value::time).transpose()?),
            Self::Timestamp(builder) => builder.append_option(cell.map(value::timestamp).transpose()?),
            Self::TimestampUtc(builder) => builder.append_option(cell.map(value::timestamp_utc).transpose()?),
            Self::Text(builder) => builder.append_option(cell.map(value::text).transpose()?),
            Self::Bytes(builder) => builder.append_option(cell),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Decimal128(builder, ..) => Arc::new(builder.finish()),
            Self::Decimal256(builder, ..) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) | Self::TimestampUtc(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
        }
    }
}
