//! Each format with the values that go wrong elsewhere: NULL, empty, duplicate names, odd numbers, wide letters.

use std::io::Write;

use postern_wire::ErrorResponse;

use super::*;
use crate::row::Row;
use crate::session::{Session, Sink};
use crate::testing::{FakeServer, login};

const COLUMNS: &[(&str, u32)] = &[("id", 23), ("이름", 25), ("paid", 16), ("amount", 1700), ("id", 701)];

/// Columns, and rows of cells.
type Table<'a> = (&'a [(&'a str, u32)], &'a [&'a [Option<&'a [u8]>]]);

/// What a format makes of some results.
async fn written(format: Format, results: &[Table<'_>]) -> String {
    let (client, server) = tokio::io::duplex(64 << 10);
    let login = login();
    let (session, server) = tokio::join!(Session::start(client, &login), FakeServer::welcome(server, 1));
    let (mut session, mut server): (_, FakeServer) = (session.unwrap(), server);
    let mut writer = RowWriter::new(format, Vec::new(), |_| {});
    for (columns, rows) in results {
        let serve = async {
            server.query().await;
            server.columns(columns);
            for row in *rows {
                server.row(row);
            }
            server.complete("SELECT").ready().send().await;
        };
        let (end, ()) = tokio::join!(session.run("select", &mut writer), serve);
        end.unwrap();
    }
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

const ROWS: &[&[Option<&[u8]>]] = &[
    &[Some(b"1"), Some("김철수".as_bytes()), Some(b"t"), Some(b"12345678901234567890.10"), Some(b"1e+20")],
    &[None, Some(b""), Some(b"f"), Some(b"NaN"), Some(b"-Infinity")],
    &[Some(b"-7"), Some(b"a, \"b\"\nc"), None, Some(b"0.50"), Some(b"0.1")],
];

#[tokio::test]
async fn csv_tells_null_from_empty_and_quotes_what_needs_it() {
    let text =
        written(Format::Csv, &[(COLUMNS, &ROWS[..2]), (&[("a", 25)], &[&[Some(b"a, \"b\"\nc")], &[Some(b"\\.")]])])
            .await;
    let first = "id,이름,paid,amount,id\n1,김철수,t,12345678901234567890.10,1e+20\n,\"\",f,NaN,-Infinity\n";
    assert_eq!(text, format!("{first}\na\n\"a, \"\"b\"\"\nc\"\n\"\\.\"\n"));
}

#[tokio::test]
async fn csv_keeps_bytes_that_are_not_utf8() {
    let mut writer = RowWriter::new(Format::Csv, Vec::new(), |_| {});
    let column = Column { name: "b".into(), type_oid: 25, type_size: -1, type_modifier: -1 };
    assert!(writer.columns(vec![column]).is_continue());
    assert!(writer.row(Row::decode(b"\0\x01\0\0\0\x02\xff\xfe", 1).unwrap()).is_continue());
    writer.complete("SELECT 1");
    assert_eq!(writer.finish().unwrap(), b"b\n\xff\xfe\n");
}

#[tokio::test]
async fn json_keeps_numbers_digit_by_digit_and_every_column() {
    let text = written(Format::Json, &[(COLUMNS, ROWS)]).await;
    let expected = [
        "[",
        r#"{"id":1,"이름":"김철수","paid":true,"amount":12345678901234567890.10,"id_2":1e+20},"#,
        r#"{"id":null,"이름":"","paid":false,"amount":"NaN","id_2":"-Infinity"},"#,
        r#"{"id":-7,"이름":"a, \"b\"\nc","paid":null,"amount":0.50,"id_2":0.1}"#,
        "]\n",
    ];
    assert_eq!(text, expected.join("\n"));
    assert_eq!(written(Format::Json, &[(COLUMNS, &[])]).await, "[]\n");
    let duplicates: &[(&str, u32)] = &[("a", 25), ("a", 25), ("a_2", 25)];
    let text = written(Format::Ndjson, &[(duplicates, &[&[Some(b"1"), Some(b"2"), Some(b"3")]])]).await;
    assert_eq!(text, "{\"a\":\"1\",\"a_3\":\"2\",\"a_2\":\"3\"}\n");
}

#[tokio::test]
async fn ndjson_has_an_object_per_line() {
    let text = written(Format::Ndjson, &[(COLUMNS, ROWS), (COLUMNS, ROWS), (&[], &[&[]])]).await;
    let objects: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 7);
    assert_eq!((&objects[0], &objects[6]), (&objects[3], &serde_json::json!({})));
}

#[tokio::test]
async fn the_table_lines_up_as_in_psql() {
    let columns: &[(&str, u32)] = &[("id", 23), ("name", 25), ("amount", 1700), ("note", 25)];
    let text = written(
        Format::Table,
        &[(
            columns,
            &[
                &[Some(b"1"), Some("김철수".as_bytes()), Some(b"10.5"), Some(b"first\nsecond")],
                &[Some(b"20"), None, Some(b"-1234.25"), Some(b"\x1b[31mred\tx")],
            ],
        )],
    )
    .await;
    let expected = [
        " id |  name  |  amount  |       note        ",
        "----+--------+----------+-------------------",
        "  1 | 김철수 |     10.5 | first            +",
        "    |        |          | second",
        " 20 |        | -1234.25 | \\x1B[31mred     x",
        "(2 rows)\n\n",
    ];
    assert_eq!(text, expected.join("\n"));
    assert_eq!(written(Format::Table, &[(&[], &[&[]])]).await, "(1 row)\n\n");
}

#[tokio::test]
async fn a_long_table_is_written_before_it_ends() {
    let mut writer = RowWriter::new(Format::Table, Vec::new(), |_| {});
    let column = Column { name: "n".into(), type_oid: 23, type_size: 4, type_modifier: -1 };
    assert!(writer.columns(vec![column]).is_continue());
    for _ in 0..1_001 {
        assert!(writer.row(Row::decode(b"\0\x01\0\0\0\x011", 1).unwrap()).is_continue());
    }
    assert!(writer.flush().await.is_continue());
    // What is out already counts: this result breaks off and has no end.
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(text.lines().count(), 1_003);
    assert!(!text.contains("rows)"));
}

#[tokio::test]
async fn an_array_that_breaks_off_is_not_closed() {
    let mut writer = RowWriter::new(Format::Json, Vec::new(), |_| {});
    let column = Column { name: "n".into(), type_oid: 23, type_size: 4, type_modifier: -1 };
    assert!(writer.columns(vec![column]).is_continue());
    assert!(writer.row(Row::decode(b"\0\x01\0\0\0\x011", 1).unwrap()).is_continue());
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(text, "[\n{\"n\":1}\n");
}

#[tokio::test]
async fn remarks_go_beside_the_rows_and_a_broken_pipe_stops_the_run() {
    #[derive(Debug)]
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut talk = Vec::new();
    let mut writer = RowWriter::new(Format::Csv, Broken, |remark| talk.push(format!("{remark:?}")));
    writer.notice(ErrorResponse::default().with(b'M', "careful"));
    writer.complete("SET");
    assert!(writer.flush().await.is_continue());
    assert!(writer.columns(Vec::new()).is_continue());
    assert!(writer.flush().await.is_break());
    let error = writer.finish().unwrap_err();
    assert_eq!(error.io().map(io::Error::kind), Some(io::ErrorKind::BrokenPipe));
    assert!(talk[0].contains("careful") && talk[1].contains("SET"));
}

#[test]
fn formats_are_named_and_nothing_else_is() {
    assert!(Format::ALL.iter().all(|format| format.name().parse() == Ok(*format)));
    assert_eq!(
        "yaml".parse::<Format>().unwrap_err().to_string(),
        "\"yaml\" is no format: table, csv, json, ndjson, parquet, arrow, xlsx and sql are"
    );
}

/// What one result with a single column of this type becomes.
fn encoded(style: &Style, type_oid: u32, cells: &[Cell<'_>]) -> Result<Vec<u8>, WriteError> {
    let column = Column { name: "c".into(), type_oid, type_size: -1, type_modifier: -1 };
    let mut encoder = Encoder::new(style, Vec::new());
    encoder.begin(&[column])?;
    for cell in cells {
        let mut body = b"\0\x01".to_vec();
        match cell {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(cell) => {
                body.extend((cell.len() as u32).to_be_bytes());
                body.extend_from_slice(cell);
            }
        }
        encoder.row(Row::decode(&body, 1).unwrap())?;
    }
    encoder.end()?;
    encoder.finish()
}

#[test]
fn csv_can_be_what_a_spreadsheet_wants() {
    let csv = CsvStyle { delimiter: b';', quote: Quote::Always, header: false, bom: true, null: "NULL".into() };
    let style = Style { csv, ..Format::Csv.into() };
    let cells: &[Cell<'_>] = &[Some(b"a;b"), None, Some(b"NULL"), Some(b"")];
    let text = String::from_utf8(encoded(&style, 25, cells).unwrap()).unwrap();
    assert_eq!(text, "\u{feff}\"a;b\"\nNULL\n\"NULL\"\n\"\"\n");
    let csv = CsvStyle { null: "-".into(), header: false, ..CsvStyle::default() };
    let text = encoded(&Style { csv, ..Format::Csv.into() }, 25, &[None, Some(b"-"), Some(b"--")]).unwrap();
    assert_eq!(text, b"-\n\"-\"\n--\n");
    for (delimiter, null) in [(b'"', ""), (b'\n', ""), (0xff, ""), (b',', "a,b"), (b',', "\"")] {
        assert!(CsvStyle { delimiter, null: null.into(), ..CsvStyle::default() }.problem().is_some());
    }
}

#[test]
fn chosen_columns_are_written_in_the_order_chosen() {
    let column = |name: &str| Column { name: name.into(), type_oid: 25, type_size: -1, type_modifier: -1 };
    let columns = [column("a"), column("b"), column("c")];
    let style = |columns: &[usize]| Style { columns: Some(columns.to_vec()), ..Format::Csv.into() };
    let mut encoder = Encoder::new(&style(&[2, 0]), Vec::new());
    encoder.begin(&columns).unwrap();
    encoder.row(Row::decode(b"\0\x03\0\0\0\x011\xff\xff\xff\xff\0\0\0\x013", 3).unwrap()).unwrap();
    encoder.end().unwrap();
    assert_eq!(encoder.finish().unwrap(), b"c,a\n3,1\n");
    let refused = Encoder::new(&style(&[3]), Vec::new()).begin(&columns);
    assert!(matches!(refused, Err(WriteError::NoSuchColumn(3))));
}

#[test]
fn what_a_format_cannot_hold_is_refused_with_its_row_and_column() {
    let refused = |format: Format, type_oid: u32, cell: &[u8]| {
        let error = encoded(&format.into(), type_oid, &[None, Some(cell)]).unwrap_err();
        assert!(matches!(error, WriteError::Misfit(_)), "{error:?}");
        error.to_string()
    };
    assert!(refused(Format::Json, 25, b"\xff").starts_with("row 2, column \"c\": \u{fffd} is not UTF-8 text"));
    assert!(refused(Format::Parquet, 1082, b"infinity").starts_with("row 2, column \"c\": infinity is no moment"));
    assert!(refused(Format::Arrow, 1114, b"294276-12-31 23:59:59").contains("too far"));
    let long = "가".repeat(32_768);
    let said = refused(Format::Xlsx, 25, long.as_bytes());
    assert!(said.contains("32,767") && said.len() < 500, "{said}");
    assert!(encoded(&Format::Xlsx.into(), 25, &[Some(&long.as_bytes()[3..])]).is_ok());
}

#[test]
fn a_file_with_types_holds_one_result() {
    for format in [Format::Parquet, Format::Arrow, Format::Xlsx] {
        let column = Column { name: "c".into(), type_oid: 25, type_size: -1, type_modifier: -1 };
        let mut encoder = Encoder::new(&format.into(), Vec::new());
        encoder.begin(std::slice::from_ref(&column)).unwrap();
        encoder.end().unwrap();
        assert!(matches!(encoder.begin(&[column]), Err(WriteError::SecondResult(_))), "{format}");
        assert!(matches!(Encoder::new(&format.into(), Vec::new()).begin(&[]), Err(WriteError::NoColumns(_))));
    }
}

#[test]
fn inserts_are_of_a_thousand_rows_and_a_large_row_stands_alone() {
    let text = |cells: &[Cell<'_>]| String::from_utf8(encoded(&Format::Sql.into(), 25, cells).unwrap()).unwrap();
    assert_eq!(text(&[Some(b"a"), None]), "INSERT INTO \"exported\" (\"c\") VALUES\n('a'),\n(NULL);\n");
    assert_eq!(text(&[]), "");
    assert_eq!(text(&vec![Some(&b"x"[..]); 2_001]).matches("INSERT INTO").count(), 3);
    let large = vec![b'x'; 1 << 20];
    assert_eq!(text(&[Some(b"a"), Some(&large), Some(b"b")]).matches("INSERT INTO").count(), 3);
}
