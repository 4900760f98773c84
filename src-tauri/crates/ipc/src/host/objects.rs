//! The commands of the schema tree and of completion.

use std::time::Duration;

use postern_engine::{
    self as engine,
    results::{
        complete::{self, OfferKind, Words},
        objects::{self, Open, Row, RowKind, Rows, SchemaKind, TableKind},
        split::byte_to_utf16,
    },
};

use super::Host;
use crate::{databases::Target, error::Failure, objects::*};

/// Rows that one answer holds at most.
const WINDOW: u32 = 500;

impl Host {
    /// Has a catalogue read.
    pub async fn objects_read(&self, request: ReadObjects) -> Result<ObjectsState, Failure> {
        Ok(self.engine()?.objects_read(&request.target.into(), request.again).into())
    }

    /// Stops reading a catalogue.
    pub async fn objects_stop(&self, target: Target) -> Result<(), Failure> {
        self.engine()?.objects_stop(&target.into());
        Ok(())
    }

    /// Rows of the tree, or of a search.
    pub async fn objects_rows(&self, request: ObjectRowsRequest) -> Result<ObjectRows, Failure> {
        let Some(objects) = self.engine()?.objects(&request.target.into()) else {
            return Ok(ObjectRows { total: 0, rows: Vec::new() });
        };
        let count = request.count.min(WINDOW);
        let open = Open::from(request.open);
        // A search of a million names takes longer than others should wait.
        let find = move || match &request.search {
            Some(search) => rows(&objects.search(search, request.first as usize, count as usize)),
            None => rows(&objects.rows(&open, request.first.into(), count.into())),
        };
        tokio::task::spawn_blocking(find).await.map_err(|panicked| Failure::internal(&panicked.to_string()))
    }

    /// A table in SQL.
    pub async fn object_sql(&self, request: ObjectRequest) -> Result<ObjectSql, Failure> {
        let ObjectRequest { target, schema, name } = request;
        let missing = || engine::Error::NotFound { kind: "table", name: format!("{schema}.{name}") };
        let objects = self.engine()?.objects(&target.into()).ok_or_else(missing)?;
        let table = objects.table(&schema, &name).ok_or_else(missing)?;
        let name = objects.full_name(table);
        let preview = format!("SELECT * FROM {name} LIMIT 100");
        Ok(ObjectSql { select: objects.select_of(table), preview, name })
    }

    /// The statement that makes a table or view.
    pub async fn object_definition(&self, request: ObjectRequest) -> Result<String, Failure> {
        Ok(self.engine()?.object_definition(&request.target.into(), &request.schema, &request.name).await?)
    }

    /// What fits at the cursor.
    pub async fn console_complete(&self, request: CompleteRequest) -> Result<Completion, Failure> {
        let (engine, login) = (self.engine()?.clone(), request.target.into());
        let find = move || {
            let found = engine.complete(&login, &request.text, request.at);
            completion(&request.text, found)
        };
        tokio::task::spawn_blocking(find).await.map_err(|panicked| Failure::internal(&panicked.to_string()))
    }
}

impl From<engine::ObjectsState> for ObjectsState {
    fn from(state: engine::ObjectsState) -> Self {
        Self {
            target: state.login.into(),
            phase: match state.phase {
                engine::ObjectsPhase::Absent => ObjectsPhase::Absent,
                engine::ObjectsPhase::Reading => ObjectsPhase::Reading,
                engine::ObjectsPhase::Ready => ObjectsPhase::Ready,
                engine::ObjectsPhase::Failed => ObjectsPhase::Failed,
                engine::ObjectsPhase::Stopped => ObjectsPhase::Stopped,
            },
            tables: whole(state.tables),
            columns: whole(state.columns),
            as_of: state.as_of.map(engine::millis),
            took_ms: took(state.took),
            changed: state.changed,
            missing: state.missing.into_iter().map(Into::into).collect(),
            failure: state.failure.map(|error| Failure::from(&*error)),
        }
    }
}

impl From<engine::MissingPart> for MissingPart {
    fn from(missing: engine::MissingPart) -> Self {
        Self {
            part: match missing.part {
                engine::ObjectsPart::Databases => ObjectsPart::Databases,
                engine::ObjectsPart::LateBindingViews => ObjectsPart::LateBindingViews,
                engine::ObjectsPart::ExternalColumns => ObjectsPart::ExternalColumns,
                engine::ObjectsPart::Functions => ObjectsPart::Functions,
                engine::ObjectsPart::Keys => ObjectsPart::Keys,
                engine::ObjectsPart::RowCounts => ObjectsPart::RowCounts,
            },
            reason: missing.reason,
        }
    }
}

impl From<OpenObjects> for Open {
    fn from(open: OpenObjects) -> Self {
        Self {
            database_closed: open.database_closed,
            schemas: open.schemas,
            functions: open.functions,
            tables: open.tables.into_iter().map(|table| (table.schema, table.name)).collect(),
        }
    }
}

fn rows(found: &Rows<'_>) -> ObjectRows {
    ObjectRows { total: u32::try_from(found.total).unwrap_or(u32::MAX), rows: found.rows.iter().map(row).collect() }
}

fn row(row: &Row<'_>) -> ObjectRow {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let detail = match (row.column, row.function) {
        (Some(column), _) => column.type_name.to_owned(),
        (None, Some(function)) if function.result.is_empty() => format!("({})", function.arguments),
        (None, Some(function)) => format!("({}) → {}", function.arguments, function.result),
        (None, None) => String::new(),
    };
    let owner = row.schema.filter(|_| matches!(row.kind, RowKind::Table(_) | RowKind::Function));
    let sql = [owner, Some(row.name)].into_iter().flatten().map(objects::quoted).collect::<Vec<_>>().join(".");
    ObjectRow {
        sql,
        kind: match row.kind {
            RowKind::Database => ObjectKind::Database,
            RowKind::OtherDatabase => ObjectKind::OtherDatabase,
            RowKind::Schema(kind) => schema(kind),
            RowKind::Table(kind) => table(kind),
            RowKind::Column => ObjectKind::Column,
            RowKind::Functions => ObjectKind::Functions,
            RowKind::Function if row.function.is_some_and(|function| function.procedure) => ObjectKind::Procedure,
            RowKind::Function => ObjectKind::Function,
        },
        depth: row.depth,
        name: row.name.to_owned(),
        schema: text(row.schema),
        table: text(row.table),
        detail,
        remarks: text(row.remarks),
        count: row.count,
        open: row.open,
        column: row.column.map(facts),
        parent: row.parent.and_then(|parent| u32::try_from(parent).ok()),
        place: row.place,
        of: row.of,
    }
}

fn facts(column: objects::Column<'_>) -> ColumnFacts {
    ColumnFacts {
        not_null: column.not_null,
        primary: column.primary,
        distribution: column.distribution,
        partition: column.partition,
        sort: column.sort.into(),
        encoding: column.encoding.map(str::to_owned),
    }
}

fn schema(kind: SchemaKind) -> ObjectKind {
    match kind {
        SchemaKind::Local => ObjectKind::Schema,
        SchemaKind::External => ObjectKind::ExternalSchema,
        SchemaKind::Shared => ObjectKind::SharedSchema,
    }
}

fn table(kind: TableKind) -> ObjectKind {
    match kind {
        TableKind::Table => ObjectKind::Table,
        TableKind::View => ObjectKind::View,
        TableKind::MaterializedView => ObjectKind::MaterializedView,
        TableKind::LateBindingView => ObjectKind::LateBindingView,
        TableKind::External => ObjectKind::ExternalTable,
        TableKind::Shared => ObjectKind::SharedTable,
    }
}

fn completion(text: &str, found: complete::Completion) -> Completion {
    let offer = |offer: complete::Offer| Offer {
        kind: match offer.kind {
            OfferKind::Column => ObjectKind::Column,
            OfferKind::Alias => ObjectKind::Alias,
            OfferKind::Cte => ObjectKind::Cte,
            OfferKind::Table(kind) => table(kind),
            OfferKind::Schema(kind) => schema(kind),
            OfferKind::Function => ObjectKind::Function,
            OfferKind::Procedure => ObjectKind::Procedure,
        },
        name: offer.name,
        insert: offer.insert,
        detail: offer.detail,
        close: offer.close,
    };
    Completion {
        from: byte_to_utf16(text, found.from),
        offers: found.offers.into_iter().map(offer).collect(),
        words: match found.words {
            Words::None => CompletionWords::None,
            Words::Types => CompletionWords::Types,
            Words::All => CompletionWords::All,
        },
    }
}

fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn took(took: Duration) -> u64 {
    engine::whole_millis(took)
}
