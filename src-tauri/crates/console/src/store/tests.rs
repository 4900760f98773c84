//! A result is read back as it came, from memory and from the file, while it grows and after something failed.

use std::io;
use std::ops::ControlFlow;

use super::*;

fn columns(count: usize) -> Arc<[Column]> {
    (0..count).map(|_| Column { name: "c".into(), type_oid: 25, type_size: -1, type_modifier: -1 }).collect()
}

fn body(cells: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        body.extend(cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap()).to_be_bytes());
        body.extend(cell.unwrap_or_default());
    }
    body
}

fn append(writer: &mut ResultWriter, cells: &[Option<&[u8]>]) {
    writer.append(Row::decode(&body(cells), cells.len()).unwrap()).unwrap();
}

fn in_memory(count: usize) -> (Arc<ResultStore>, ResultWriter) {
    ResultStore::create(columns(count), StoreOptions::new("/nowhere"))
}

/// A result of `rows` rows of two columns with at most `memory` bytes in memory; the folder goes when dropped.
async fn numbered(rows: u64, memory: u64) -> (Arc<ResultStore>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory, directory: directory.path().to_owned() };
    let (store, mut writer) = ResultStore::create(columns(2), options);
    for row in 0..rows {
        let padding = "x".repeat((row % 200) as usize);
        append(&mut writer, &[Some(row.to_string().as_bytes()), (row % 3 > 0).then_some(padding.as_bytes())]);
        if row % 1000 == 0 {
            writer.flush().await.unwrap();
        }
    }
    writer.flush().await.unwrap();
    writer.finish();
    (store, directory)
}

fn spilled(store: &ResultStore) -> usize {
    store.chunks().sealed.iter().filter(|sealed| matches!(sealed.place, Place::File(_))).count()
}

fn assert_numbered(window: &Window, count: usize) {
    assert_eq!(window.rows.len(), count);
    for (row, cells) in (window.first..).zip(&window.rows) {
        let padding = (row % 3 > 0).then(|| "x".repeat((row % 200) as usize));
        assert_eq!(cells, &[Some(row.to_string()), padding]);
    }
}

#[test]
fn null_is_not_empty_and_rows_behind_the_end_are_none() {
    let (store, mut writer) = in_memory(2);
    append(&mut writer, &[None, Some(b"")]);
    append(&mut writer, &[Some("한글".as_bytes()), Some(b"b")]);
    let window = store.window(0, 10).unwrap();
    assert_eq!(window.rows, [[None, Some(String::new())], [Some("한글".into()), Some("b".into())]]);
    assert_eq!(store.window(1, 1).unwrap().rows.len(), 1);
    assert_eq!(store.window(2, 10).unwrap().rows.len(), 0);
    assert_eq!(store.window(u64::MAX, 10).unwrap().rows.len(), 0);
    assert_eq!((store.rows(), store.bytes()), (2, 7));
}

#[test]
fn a_result_is_complete_only_when_its_writer_says_so() {
    let (store, writer) = in_memory(1);
    drop(writer);
    assert!(!store.complete());
    let (store, writer) = in_memory(1);
    writer.finish();
    assert!(store.complete());
}

#[test]
fn rows_without_columns_are_counted_and_shown() {
    let (store, mut writer) = in_memory(0);
    for _ in 0..70_000 {
        append(&mut writer, &[]);
    }
    assert_eq!(store.rows(), 70_000);
    assert_eq!(store.window(69_998, 10).unwrap().rows, vec![Vec::<Option<String>>::new(); 2]);
}

#[tokio::test]
async fn rows_beyond_the_budget_are_read_back_from_the_file() {
    let rows = 60_000;
    let (store, directory) = numbered(rows, 2 << 20).await;
    assert!(spilled(&store) > 2, "{} chunks in the file", spilled(&store));
    for first in [0, 1, 9_999, 31_000, rows - 200] {
        assert_numbered(&store.window(first, 200).unwrap(), 200);
    }
    assert_numbered(&store.window(0, rows as usize).unwrap(), rows as usize);
    assert_numbered(&store.window(rows - 10, 200).unwrap(), 10);
    // The file has no name that another could open or a crash leave behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn memory_stays_within_the_budget() {
    let (store, _directory) = numbered(200_000, 3 << 20).await;
    let resident: u64 = store
        .chunks()
        .sealed
        .iter()
        .map(|sealed| match &sealed.place {
            Place::Memory(chunk) => chunk.memory(),
            Place::File(_) => 0,
        })
        .sum();
    assert!(resident <= 3 << 20, "{resident}");
    assert!(store.bytes() > 10 << 20);
}

#[tokio::test]
async fn whole_rows_come_back_exactly_from_memory_and_file() {
    let (store, _directory) = numbered(40_000, 1 << 20).await;
    let mut next = 123_u64;
    store
        .visit(next, u64::MAX, |row| {
            let number = row.cells().next().unwrap().unwrap();
            assert_eq!(number, next.to_string().as_bytes());
            next += 1;
            if next == 39_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(next, 39_000);
}

#[test]
fn long_cells_are_cut_in_a_window_and_whole_in_the_viewer() {
    let (store, mut writer) = in_memory(2);
    let long = "한".repeat(1_001);
    append(&mut writer, &[Some("한".repeat(1_000).as_bytes()), Some(long.as_bytes())]);
    let window = store.window(0, 1).unwrap();
    assert_eq!(window.rows[0], [Some("한".repeat(1_000)), Some("한".repeat(1_000))]);
    assert_eq!(window.cut, [CutCell { row: 0, column: 1, bytes: 3_003 }]);

    let whole = store.cell(0, 1, 1_000_000).unwrap();
    assert_eq!(whole, CellText { text: Some(long), bytes: 3_003, cut: false });
    let part = store.cell(0, 1, 10).unwrap();
    assert_eq!(part, CellText { text: Some("한한한".into()), bytes: 3_003, cut: true });
    assert!(matches!(store.cell(0, 2, 10), Err(StoreError::NoSuchCell { .. })));
    assert!(matches!(store.cell(1, 0, 10), Err(StoreError::NoSuchCell { .. })));
}

#[tokio::test]
async fn a_large_cell_in_the_file_is_read_in_part() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory: 0, directory: directory.path().to_owned() };
    let (store, mut writer) = ResultStore::create(columns(3), options);
    let large = vec![b'z'; 20 << 20];
    append(&mut writer, &[Some(b"before"), None, Some(b"1")]);
    append(&mut writer, &[None, Some(&large), Some(b"after")]);
    append(&mut writer, &[Some(b"last"), None, None]);
    writer.flush().await.unwrap();
    assert_eq!(spilled(&store), 2);
    append(&mut writer, &[Some(&large), None, None]);
    writer.flush().await.unwrap();
    assert_eq!(spilled(&store), 4, "a large last row does not stay in memory");

    let window = store.window(0, 4).unwrap();
    assert_eq!(window.rows[1], [None, Some("z".repeat(1_000)), Some("after".into())]);
    assert_eq!(window.rows[2][0].as_deref(), Some("last"));
    let cut = |row, column| CutCell { row, column, bytes: 20 << 20 };
    assert_eq!(window.cut, [cut(1, 1), cut(3, 0)]);
    assert_eq!(store.cell(1, 2, 100).unwrap().text.as_deref(), Some("after"));
    assert_eq!(store.cell(1, 1, 5).unwrap(), CellText { text: Some("zzzzz".into()), bytes: 20 << 20, cut: true });
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_in_sight_and_kept() {
    let (store, mut writer) = in_memory(1);
    append(&mut writer, &[Some(b"a\xff\xfeb")]);
    assert_eq!(store.window(0, 1).unwrap().rows[0], [Some("a\u{fffd}\u{fffd}b".into())]);
    let mut kept: Vec<u8> = Vec::new();
    store
        .visit(0, 1, |row| {
            kept.extend(row.cells().flatten().flatten());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(kept, b"a\xff\xfeb");
}

#[tokio::test]
async fn when_the_file_cannot_be_written_what_came_so_far_stays() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let (store, mut writer) = ResultStore::create(columns(1), StoreOptions { memory: 0, directory: missing.clone() });
    let cell = [b'c'; 1000];
    for _ in 0..1_500 {
        append(&mut writer, &[Some(&cell)]);
    }
    match writer.flush().await {
        Err(StoreError::Write { directory, source }) => {
            assert_eq!((directory, source.kind()), (missing, io::ErrorKind::NotFound));
        }
        other => panic!("{other:?}"),
    }
    let refused = writer.append(Row::decode(&body(&[None]), 1).unwrap());
    assert!(matches!(refused, Err(StoreError::Closed)));
    writer.finish();
    assert_eq!((store.rows(), store.complete()), (1_500, false));
    assert_eq!(store.window(1_400, 200).unwrap().rows.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_rows_in_order_while_they_arrive() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory: 1 << 20, directory: directory.path().to_owned() };
    let (store, mut writer) = ResultStore::create(columns(1), options);
    let reader = std::thread::spawn({
        let store = Arc::clone(&store);
        move || {
            let mut first = 0;
            while !store.complete() || first < store.rows() {
                let window = store.window(first, 200).unwrap();
                for (row, cells) in (first..).zip(&window.rows) {
                    assert_eq!(cells, &[Some(format!("{row:0100}"))]);
                }
                first += window.rows.len() as u64;
            }
            first
        }
    });
    for row in 0..50_000 {
        append(&mut writer, &[Some(format!("{row:0100}").as_bytes())]);
        if row % 2_000 == 0 {
            writer.flush().await.unwrap();
        }
    }
    writer.finish();
    assert_eq!(reader.join().unwrap(), 50_000);
}

#[tokio::test]
async fn results_that_share_a_file_keep_apart() {
    let directory = tempfile::tempdir().unwrap();
    let spill = SharedSpill::default();
    let mut results = Vec::new();
    for number in 0..3 {
        let options = StoreOptions { memory: 0, directory: directory.path().to_owned() };
        let (store, mut writer) = ResultStore::create_in(columns(1), options, spill.clone());
        for row in 0..20_000 {
            append(&mut writer, &[Some(format!("{number}/{row:0100}").as_bytes())]);
        }
        writer.flush().await.unwrap();
        results.push(store);
    }
    assert!(results.iter().all(|store| spilled(store) > 0));
    let assert_intact = |results: &[Arc<ResultStore>]| {
        for (number, store) in results.iter().enumerate() {
            for row in [0, 777, 19_999] {
                assert_eq!(store.window(row, 1).unwrap().rows, [[Some(format!("{number}/{row:0100}"))]]);
            }
        }
    };
    assert_intact(&results);
    #[cfg(target_os = "linux")]
    let before = spill.0.get().unwrap().allocated();
    results.pop();
    #[cfg(target_os = "linux")]
    assert!(spill.0.get().unwrap().allocated() < before, "the disk has back what the one that went had of it");
    assert_intact(&results);
}
