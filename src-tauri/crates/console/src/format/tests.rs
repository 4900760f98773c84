//! Each format with the values that go wrong elsewhere: NULL, empty, duplicate names, odd numbers, wide letters.

use super::*;
use crate::session::Session;
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
    &[Some(b"-7"), Some(b"a, \"b\"\nc"), None, Some(b"0.50"), Some(b"\xff")],
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
        r#"{"id":-7,"이름":"a, \"b\"\nc","paid":null,"amount":0.50,"id_2":"�"}"#,
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
    assert_eq!(writer.finish().err().map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    assert!(talk[0].contains("careful") && talk[1].contains("SET"));
}

#[test]
fn formats_are_named_and_nothing_else_is() {
    assert!(Format::ALL.iter().all(|format| format.name().parse() == Ok(*format)));
    assert_eq!(
        "yaml".parse::<Format>().unwrap_err().to_string(),
        "\"yaml\" is no format: table, csv, json and ndjson are"
    );
}
