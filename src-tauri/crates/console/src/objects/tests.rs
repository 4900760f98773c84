//! A small warehouse and a large one, shown, searched and looked up in.

use super::*;

/// A small warehouse, told in no order.
pub(crate) fn warehouse() -> Objects {
    let mut builder = ObjectsBuilder::default();
    for name in ["dev", "sales", "analytics"] {
        builder.database(name);
    }
    for schema in ["pg_catalog", "public"] {
        builder.on_path(schema);
    }
    builder.schema("lake", SchemaKind::External);
    builder.schema("staging", SchemaKind::Local);
    for (schema, table, columns) in [
        ("public", "orders", "order_id:bigint customer_id:bigint status:varchar amount:numeric paid_at:timestamp"),
        ("public", "customers", "id:bigint name:varchar region:varchar"),
        ("public", "order_lines", "order_id:bigint line:integer sku:varchar qty:integer"),
        ("staging", "orders", "raw:super"),
        ("lake", "clicks", "at:timestamp url:varchar day:date"),
        ("public", "Mixed Case", "Id:bigint select:integer"),
        ("pg_catalog", "pg_class", "relname:name"),
    ] {
        for (at, column) in columns.split(' ').enumerate().collect::<Vec<_>>().into_iter().rev() {
            let (name, type_name) = column.split_once(':').unwrap();
            let ordinal = i32::try_from(at + 1).unwrap();
            let facts =
                ColumnFacts { ordinal, name, type_name, sort: i32::from(name == "paid_at"), ..ColumnFacts::default() };
            builder.column(schema, table, &facts);
        }
    }
    builder.table("public", "v_daily", TableKind::View, Some("Sales of a day"));
    builder.table("public", "orders", TableKind::Table, None);
    builder.table("lake", "clicks", TableKind::External, None);
    builder.rows("public", "orders", 2_100_000_000);
    builder.primary_key("public", "orders", &[1]);
    builder.function("public", "f_vat", "numeric", "numeric", false);
    builder.function("public", "refresh_mart", "", "", true);
    builder.finish("sales", true)
}

fn shown(rows: &[Row<'_>]) -> Vec<String> {
    let line = |row: &Row<'_>| {
        format!("{}{}", "  ".repeat(row.depth as usize), if row.name.is_empty() { "()" } else { row.name })
    };
    rows.iter().map(line).collect()
}

#[test]
fn a_closed_tree_is_its_schemas_those_of_the_server_last() {
    let objects = warehouse();
    let rows = objects.rows(&Open::default(), 0, 100);
    assert_eq!(shown(&rows.rows), ["sales", "  lake", "  public", "  staging", "  pg_catalog", "analytics", "dev"]);
    assert_eq!(rows.total, 7);
    assert_eq!(rows.rows[1].kind, RowKind::Schema(SchemaKind::External));
    assert_eq!((rows.rows[2].count, rows.rows[2].open), (Some(5), Some(false)));
    let closed = objects.rows(&Open { database_closed: true, ..Open::default() }, 0, 100);
    assert_eq!(shown(&closed.rows), ["sales", "analytics", "dev"]);
}

#[test]
fn any_window_of_an_open_tree_is_a_part_of_the_whole() {
    let objects = warehouse();
    let open = Open {
        schemas: vec!["public".into(), "staging".into()],
        tables: vec![
            ("public".into(), "orders".into()),
            ("public".into(), "customers".into()),
            ("gone".into(), "t".into()),
        ],
        functions: vec!["public".into()],
        ..Open::default()
    };
    let all = objects.rows(&open, 0, 1_000);
    let lines = shown(&all.rows);
    assert_eq!(
        lines[2..].iter().map(|line| line.trim()).collect::<Vec<_>>(),
        [
            "public",
            "Mixed Case",
            "customers",
            "id",
            "name",
            "region",
            "order_lines",
            "orders",
            "order_id",
            "customer_id",
            "status",
            "amount",
            "paid_at",
            "v_daily",
            "()",
            "f_vat",
            "refresh_mart",
            "staging",
            "orders",
            "pg_catalog",
            "analytics",
            "dev"
        ]
    );
    assert_eq!(all.total, lines.len() as u64);
    for first in 0..lines.len() {
        for count in [0, 1, 2, 5, 100] {
            let window = objects.rows(&open, first as u64, count as u64);
            assert_eq!(shown(&window.rows), lines[first..(first + count).min(lines.len())], "{count} from {first}");
            assert_eq!(window.total, all.total);
        }
    }
    // Each row's parent is a row less deep, and right above what lies under it.
    for row in &all.rows {
        let Some(parent) = row.parent else { continue };
        assert_eq!(all.rows[usize::try_from(parent).unwrap()].depth + 1, row.depth, "{row:?}");
        assert!(row.place <= row.of);
    }
    let order_id = all.rows.iter().find(|row| row.name == "order_id").unwrap().column.unwrap();
    assert!(order_id.primary && order_id.sort == 0);
    assert_eq!(all.rows.iter().find(|row| row.name == "v_daily").unwrap().remarks, Some("Sales of a day"));
}

#[test]
fn a_search_finds_the_best_first_and_takes_owners() {
    let objects = warehouse();
    let found = |query: &str| {
        let path =
            |row: &Row<'_>| [row.schema, row.table, Some(row.name)].into_iter().flatten().collect::<Vec<_>>().join(".");
        objects.search(query, 0, 100).rows.iter().map(path).collect::<Vec<_>>()
    };
    assert_eq!(found("orders"), ["public.orders", "staging.orders"]);
    assert_eq!(
        found("order")[..3],
        ["public.orders", "staging.orders", "public.order_lines"],
        "shorter names first, then columns"
    );
    assert_eq!(found("staging.ord"), ["staging.orders"]);
    assert_eq!(found("lines.order_id"), ["public.order_lines.order_id"]);
    assert_eq!(found("public.orders.stat"), ["public.orders.status"]);
    assert_eq!(found("MIXED"), ["public.Mixed Case"]);
    assert_eq!(found("vat"), ["public.f_vat"]);
    assert_eq!(found("  "), Vec::<String>::new());
    assert_eq!(found("no such thing"), Vec::<String>::new());
    let window = objects.search("id", 1, 2);
    assert_eq!(window.total, 6, "{:?}", objects.search("id", 0, 10).rows);
    assert_eq!(window.rows.len(), 2);
}

#[test]
fn names_are_quoted_where_sql_would_read_them_otherwise() {
    assert_eq!(
        ["orders", "select", "Mixed", "two words", "a\"b", "주문", "1st", "tag"].map(quoted),
        ["orders", "\"select\"", "\"Mixed\"", "\"two words\"", "\"a\"\"b\"", "\"주문\"", "\"1st\"", "\"tag\""]
    );
    assert!(RESERVED.is_sorted());
}

#[test]
fn a_table_is_found_by_path_and_in_any_case() {
    let objects = warehouse();
    let name = |id: Option<TableId>| id.map(|id| (objects.table_of(id).schema, objects.table_of(id).name));
    assert_eq!(name(objects.table_on_path("orders")), Some(("public", "orders")));
    assert_eq!(name(objects.table_on_path("CLICKS")), Some(("lake", "clicks")));
    assert_eq!(name(objects.table("PUBLIC", "mixed case")), Some(("public", "Mixed Case")));
    assert_eq!(name(objects.table("public", "nothing")), None);
}

/// Fifty thousand tables of twenty columns, a tenth of whose names are their own.
fn large() -> Objects {
    let mut builder = ObjectsBuilder::default();
    let schemas: Vec<String> = (0..40).map(|n| format!("schema_{n:02}")).collect();
    let columns: Vec<String> = (0..400).map(|n| format!("measure_{n}_value")).collect();
    for table in 0..50_000 {
        let (schema, name) = (&schemas[table % 40], format!("fact_{table:05}_daily"));
        for at in 0..20 {
            let own = format!("own_{table}_{at}");
            let column = if at % 10 == 9 { &own } else { &columns[(table + at * 7) % 400] };
            let ordinal = i32::try_from(at + 1).unwrap();
            let facts =
                ColumnFacts { ordinal, name: column, type_name: "character varying(256)", ..ColumnFacts::default() };
            builder.column(schema, &name, &facts);
        }
    }
    builder.finish("big", true)
}

#[test]
fn a_million_columns_take_little_and_are_found_and_shown_by_window() {
    let objects = large();
    assert_eq!(objects.counts(), (50_000, 1_000_000));
    assert!(objects.bytes() < 25_000_000, "{} bytes", objects.bytes());
    let found = objects.search("fact_49999", 0, 50);
    assert_eq!((found.total, found.rows[0].name), (1, "fact_49999_daily"));
    assert_eq!(objects.search("own_31415_9", 0, 5).rows[0].table, Some("fact_31415_daily"));
    assert_eq!(objects.search("measure", 0, 50).total, 900_000);
    let open = Open { schemas: (0..40).map(|n| format!("schema_{n:02}")).collect(), ..Open::default() };
    let rows = objects.rows(&open, 50_000, 40);
    assert_eq!((rows.total, rows.rows.len()), (50_041, 40));
}
