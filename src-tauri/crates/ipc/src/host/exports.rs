//! The commands about exports.

use std::path::PathBuf;

use postern_engine::{
    Error, Export as EngineExport, ExportRequest, ExportSource as EngineSource, ExportState as EngineState,
    results::format::{CsvStyle, Format, Quote, Style},
    whole_millis,
};

use super::Host;
use crate::{error::Failure, exports::*};

impl Host {
    /// Begins an export into the file that a person chose. The dialog is the shell's: no path comes from the window.
    pub async fn export_start(&self, request: StartExport, path: PathBuf, overwrite: bool) -> Result<Export, Failure> {
        let request = ExportRequest { style: style(&request)?, source: source(request.source), path, overwrite };
        Ok(self.engine()?.export_start(&request)?.into())
    }

    /// Stops an export.
    pub async fn export_stop(&self, id: String) -> Result<(), Failure> {
        Ok(self.engine()?.export_stop(&id)?)
    }

    /// Forgets an export that has ended.
    pub async fn export_forget(&self, id: String) -> Result<(), Failure> {
        Ok(self.engine()?.export_forget(&id)?)
    }

    /// Lists the exports.
    pub async fn exports_list(&self, (): ()) -> Result<Vec<Export>, Failure> {
        Ok(self.engine()?.exports().into_iter().map(Into::into).collect())
    }

    /// What `export_reveal` is to show. The file manager is the shell's to ask.
    pub async fn export_reveal(&self, id: String) -> Result<PathBuf, Failure> {
        Ok(self.engine()?.export_path(&id)?)
    }
}

fn source(source: ExportSource) -> EngineSource {
    match source {
        ExportSource::Result { result } => EngineSource::Result(result),
        ExportSource::Statement { tab, sql } => EngineSource::Statement { tab, sql },
    }
}

fn style(request: &StartExport) -> Result<Style, Failure> {
    let invalid =
        |field: &str, problem: String| Failure::from(Error::InvalidValue { field: field.to_owned(), problem });
    let mut style = Style::from(Format::from(request.format));
    let [delimiter] = request.csv.delimiter.as_bytes() else {
        return Err(invalid("csv", "the delimiter is one ASCII character".to_owned()));
    };
    style.csv = CsvStyle {
        delimiter: *delimiter,
        quote: if request.csv.quote_all { Quote::Always } else { Quote::Needed },
        header: request.csv.header,
        bom: request.csv.bom,
        null: request.csv.null.clone(),
    };
    if request.format == ExportFormat::Sql {
        style.table = request.table.parse().map_err(|error| invalid("table", format!("{error}")))?;
    }
    style.columns = Some(request.columns.iter().map(|index| usize::try_from(*index).unwrap_or(usize::MAX)).collect());
    Ok(style)
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Json => Self::Json,
            ExportFormat::Ndjson => Self::Ndjson,
            ExportFormat::Parquet => Self::Parquet,
            ExportFormat::Arrow => Self::Arrow,
            ExportFormat::Xlsx => Self::Xlsx,
            ExportFormat::Sql => Self::Sql,
        }
    }
}

impl ExportFormat {
    /// The usual ending of its files.
    #[must_use]
    pub fn ending(self) -> &'static str {
        Format::from(self).name()
    }

    fn of(format: Format) -> Self {
        match format {
            // A table is for terminals; no export asks for one.
            Format::Table | Format::Csv => Self::Csv,
            Format::Json => Self::Json,
            Format::Ndjson => Self::Ndjson,
            Format::Parquet => Self::Parquet,
            Format::Arrow => Self::Arrow,
            Format::Xlsx => Self::Xlsx,
            Format::Sql => Self::Sql,
        }
    }
}

impl From<EngineExport> for Export {
    fn from(export: EngineExport) -> Self {
        let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        Self {
            id: export.id.to_string(),
            file: name(export.path.file_name()),
            folder: name(export.path.parent().map(std::path::Path::as_os_str)),
            format: ExportFormat::of(export.format),
            target: export.login.into(),
            from_server: export.from_server,
            state: match export.state {
                EngineState::Starting => ExportState::Starting,
                EngineState::Looking => ExportState::Looking,
                EngineState::Writing => ExportState::Writing,
                EngineState::Stopping => ExportState::Stopping,
                EngineState::Done => ExportState::Done,
                EngineState::Failed => ExportState::Failed,
                EngineState::Stopped => ExportState::Stopped,
            },
            rows: export.rows,
            total: export.total,
            bytes: export.bytes,
            elapsed_ms: whole_millis(export.elapsed),
            as_text: export
                .as_text
                .iter()
                .map(|misfit| TextColumn {
                    column: misfit.column.clone(),
                    row: misfit.row,
                    value: misfit.value.clone(),
                })
                .collect(),
            failure: export.failure.map(|error| Failure::from(&*error)),
        }
    }
}
