//! Apache Parquet. A row group is held in memory, compressed, until it is full.

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::arrow::Batches;
use super::kind::ColumnPlan;
use super::{Cell, Format, Layout, LayoutError, WriteError};
use crate::types::Column;

/// A row group is full at this many rows,
const GROUP_ROWS: usize = 1 << 17;

/// or at about this many bytes. It is what an export holds in memory.
const GROUP_BYTES: usize = 32 << 20;

pub(super) struct Parquet {
    plan: Option<Vec<ColumnPlan>>,
    writer: Option<(Batches, ArrowWriter<Vec<u8>>)>,
    begun: bool,
}

impl Parquet {
    pub(super) fn new(plan: Option<Vec<ColumnPlan>>) -> Self {
        Self { plan, writer: None, begun: false }
    }
}

impl Layout for Parquet {
    fn begin(&mut self, columns: &[&Column], _out: &mut Vec<u8>) -> Result<(), WriteError> {
        if std::mem::replace(&mut self.begun, true) {
            return Err(WriteError::SecondResult(Format::Parquet));
        }
        let batches = Batches::new(columns, self.plan.as_deref(), Format::Parquet)?;
        let properties = WriterProperties::builder()
            .set_created_by(concat!("postern ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), batches.schema(), Some(properties)).map_err(failed)?;
        self.writer = Some((batches, writer));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        let Some((batches, writer)) = &mut self.writer else { return Ok(()) };
        if let Some(batch) = batches.push(cells).map_err(|error| error.of(Format::Parquet))? {
            writer.write(&batch).map_err(failed)?;
            // The writer counts what it has written by itself; where that went is nothing to it.
            out.append(writer.inner_mut());
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        let Some((mut batches, mut writer)) = self.writer.take() else { return Ok(()) };
        let last = batches.take().map_err(|error| failed(error.into()))?;
        if let Some(batch) = last {
            writer.write(&batch).map_err(failed)?;
        }
        out.append(&mut writer.into_inner().map_err(failed)?);
        Ok(())
    }
}

fn failed(error: ParquetError) -> WriteError {
    WriteError::Library { format: Format::Parquet, reason: error.to_string() }
}
