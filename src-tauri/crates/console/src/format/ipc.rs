//! Arrow IPC files, which is what Feather is since its version 2. Not compressed: not every reader can.

use arrow_ipc::writer::FileWriter;
use arrow_schema::ArrowError;

use super::arrow::Batches;
use super::kind::ColumnPlan;
use super::{Cell, Format, Layout, LayoutError, WriteError};
use crate::types::Column;

pub(super) struct Ipc {
    plan: Option<Vec<ColumnPlan>>,
    writer: Option<(Batches, FileWriter<Vec<u8>>)>,
    begun: bool,
}

impl Ipc {
    pub(super) fn new(plan: Option<Vec<ColumnPlan>>) -> Self {
        Self { plan, writer: None, begun: false }
    }
}

impl Layout for Ipc {
    fn begin(&mut self, columns: &[&Column], _out: &mut Vec<u8>) -> Result<(), WriteError> {
        if std::mem::replace(&mut self.begun, true) {
            return Err(WriteError::SecondResult(Format::Arrow));
        }
        let batches = Batches::new(columns, self.plan.as_deref(), Format::Arrow)?;
        let writer = FileWriter::try_new(Vec::new(), &batches.schema()).map_err(failed)?;
        self.writer = Some((batches, writer));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), LayoutError> {
        let Some((batches, writer)) = &mut self.writer else { return Ok(()) };
        if let Some(batch) = batches.push(cells).map_err(|error| error.of(Format::Arrow))? {
            writer.write(&batch).map_err(failed)?;
            // The writer counts what it has written by itself; where that went is nothing to it.
            out.append(writer.get_mut());
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), LayoutError> {
        let Some((mut batches, mut writer)) = self.writer.take() else { return Ok(()) };
        if let Some(batch) = batches.take().map_err(failed)? {
            writer.write(&batch).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        out.append(writer.get_mut());
        Ok(())
    }
}

fn failed(error: ArrowError) -> WriteError {
    WriteError::Library { format: Format::Arrow, reason: error.to_string() }
}
