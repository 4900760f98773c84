//! `audit ls`, `audit verify`.

use postern_engine::Engine;
use serde_json::json;

use crate::{
    args::{AuditLs, Format},
    failure::Failure,
    print,
};

pub(crate) fn list(engine: &Engine, list: &AuditLs) -> Result<(), Failure> {
    for record in engine.audit().read()? {
        let event = record.get("event").and_then(|event| event.as_str()).unwrap_or_default();
        if list.event.as_deref().is_none_or(|wanted| event.starts_with(wanted)) {
            print::line(&record.to_string());
        }
    }
    Ok(())
}

pub(crate) fn verify(engine: &Engine, format: Format) -> Result<(), Failure> {
    match engine.audit().verify()? {
        Ok(records) => print::data(format, &json!({ "whole": true, "records": records }), || {
            format!("The chain of {records} records is whole.\n")
        }),
        Err(broken) => {
            let (file, line) = (broken.file.display().to_string(), broken.line);
            print::data(format, &json!({ "whole": false, "file": file, "line": line }), || {
                format!("The chain is broken at {file}, line {line}.\n")
            })?;
            Err(Failure::Exit(1))
        }
    }
}
