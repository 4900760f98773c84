//! Views, searches and counts over results in memory and in files.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::row::Row;
use crate::store::{ResultStore, StoreOptions};
use crate::types::Column;

type Cells<'a> = Vec<Option<&'a str>>;

pub(super) fn columns(oids: &[u32]) -> Arc<[Column]> {
    oids.iter().map(|&type_oid| Column { name: "c".into(), type_oid, type_size: -1, type_modifier: -1 }).collect()
}

pub(super) fn body(cells: &[Option<&str>]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        body.extend(cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap()).to_be_bytes());
        body.extend(cell.unwrap_or_default().as_bytes());
    }
    body
}

/// A result in memory.
pub(super) fn result(oids: &[u32], rows: &[Cells<'_>]) -> Arc<ResultStore> {
    let (store, mut writer) = ResultStore::create(columns(oids), StoreOptions::new("/nowhere"));
    for row in rows {
        writer.append(Row::decode(&body(row), oids.len()).unwrap()).unwrap();
    }
    writer.finish();
    store
}

/// A result of this many rows, of which next to nothing is in memory: a number that jumps about, the row's own number,
/// one of seven words, and a text of which none is like another.
pub(super) fn large(rows: u64) -> (Arc<ResultStore>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { memory: 1 << 20, directory: directory.path().to_owned() };
    let (store, mut writer) = ResultStore::create(columns(&[23, 20, 25, 25]), options);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for row in 0..rows {
        let (jumping, own, text) = (jumping(row).to_string(), row.to_string(), format!("{}-é-{row}", jumping(row)));
        let word = ["red", "Green", "blue", "", "white", "black", "grey"][(row % 7) as usize];
        let cells = [Some(jumping.as_str()), Some(&own), (row % 11 > 0).then_some(word), Some(&text)];
        writer.append(Row::decode(&body(&cells), 4).unwrap()).unwrap();
        if row % 1_000 == 0 {
            runtime.block_on(writer.flush()).unwrap();
        }
    }
    runtime.block_on(writer.flush()).unwrap();
    writer.finish();
    (store, directory)
}

fn jumping(row: u64) -> u64 {
    row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44
}

fn ascending(column: usize) -> SortColumn {
    SortColumn { column, descending: false }
}

fn view(store: &ResultStore, sort: &[SortColumn], filters: &[Filter]) -> Result<Arc<View>, AnalysisError> {
    store.make_view(&ViewSpec { sort: sort.to_vec(), filters: filters.to_vec() }, &Job::default())
}

fn numbers(store: &ResultStore, view: &View) -> Vec<u64> {
    store.view_window(view, 0, usize::MAX).unwrap().numbers
}

/// Numbers of the rows of one column in order.
fn sorted(oid: u32, cells: &[Option<&str>], descending: bool) -> Vec<u64> {
    let rows: Vec<Cells<'_>> = cells.iter().map(|cell| vec![*cell]).collect();
    let store = result(&[oid], &rows);
    numbers(&store, &view(&store, &[SortColumn { column: 0, descending }], &[]).unwrap())
}

fn filter(column: Option<usize>, test: FilterTest, value: &str) -> Filter {
    Filter { column, test, value: Some(value.to_owned()), match_case: false }
}

#[test]
fn a_view_without_conditions_is_the_result_as_it_came() {
    let store = result(&[25], &[vec![Some("b")], vec![Some("a")]]);
    let view = view(&store, &[], &[]).unwrap();
    assert_eq!((view.rows(), view.of(), numbers(&store, &view)), (2, 2, vec![0, 1]));
    assert_eq!(store.view_window(&view, 5, 5).unwrap().numbers, Vec::<u64>::new());
}

#[test]
fn numbers_sort_by_value_and_null_is_last_in_both_directions() {
    let cells = [Some("10"), None, Some("9"), Some("-1"), Some("99999999999999999999999999999999999999")];
    assert_eq!(sorted(1700, &cells, false), [3, 2, 0, 4, 1]);
    assert_eq!(sorted(1700, &cells, true), [4, 0, 2, 3, 1]);
}

#[test]
fn rows_that_are_equal_stay_as_they_came() {
    let cells = [Some("1.0"), Some("1"), Some("0"), Some("1.00")];
    assert_eq!(sorted(1700, &cells, false), [2, 0, 1, 3]);
    assert_eq!(sorted(1700, &cells, true), [0, 1, 3, 2]);
    assert_eq!(sorted(1042, &[Some("a  "), Some("a"), Some("")], false), [2, 0, 1]);
}

#[test]
fn several_columns_sort_one_after_the_other() {
    let store = result(
        &[25, 23],
        &[
            vec![Some("b"), Some("1")],
            vec![Some("a"), Some("2")],
            vec![Some("ab"), Some("7")],
            vec![Some("a"), Some("10")],
        ],
    );
    let by = [ascending(0), SortColumn { column: 1, descending: true }];
    assert_eq!(numbers(&store, &view(&store, &by, &[]).unwrap()), [3, 1, 2, 0]);
}

#[test]
fn a_sort_that_does_not_fit_into_memory_is_as_exact_as_one_that_does() {
    let rows = 120_000;
    let (store, directory) = large(rows);
    for (column, descending) in [(0, false), (0, true), (3, false)] {
        let job = Job::default();
        let spec = ViewSpec { sort: vec![SortColumn { column, descending }], filters: Vec::new() };
        // Some ten runs for each of two threads.
        let view = store.make_view_within(256 << 10, &spec, &job).unwrap();
        assert_eq!(job.progress(), (2 * rows, 2 * rows));
        let mut wanted: Vec<u64> = (0..rows).collect();
        match (column, descending) {
            (0, false) => wanted.sort_by_key(|&row| jumping(row)),
            (0, true) => wanted.sort_by_key(|&row| std::cmp::Reverse(jumping(row))),
            _ => wanted.sort_by_cached_key(|&row| format!("{}-é-{row}", jumping(row))),
        }
        assert!(numbers(&store, &view) == wanted, "column {column}");
        let window = store.view_window(&view, rows - 3, 10).unwrap();
        let shown: Vec<_> = window.window.rows.iter().map(|row| row[1].clone().unwrap()).collect();
        assert_eq!(shown, wanted[wanted.len() - 3..].iter().map(u64::to_string).collect::<Vec<_>>());
    }
    // Nothing that a crash would leave behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn filters_compare_by_value_and_all_of_them_hold() {
    let (store, _directory) = large(60_000);
    let passing = |filters: &[Filter]| numbers(&store, &view(&store, &[], filters).unwrap());
    assert_eq!(passing(&[filter(Some(1), FilterTest::Equal, "0777")]), [777]);
    assert_eq!(passing(&[filter(Some(1), FilterTest::Less, " 3 ")]), [0, 1, 2]);
    assert_eq!(
        passing(&[filter(Some(1), FilterTest::GreaterOrEqual, "59990"), filter(Some(2), FilterTest::Equal, "red")]),
        [59_990, 59_997]
    );
    assert_eq!(passing(&[filter(Some(1), FilterTest::NotEqual, "1")]).len(), 59_999);
    let few = filter(Some(1), FilterTest::LessOrEqual, "11");
    let null = Filter { value: None, ..filter(Some(2), FilterTest::Null, "") };
    assert_eq!(passing(&[few.clone(), null]), [0, 11]);
    let there = Filter { value: None, ..filter(Some(2), FilterTest::NotNull, "") };
    assert_eq!(passing(&[few.clone(), there]).len(), 10);
    // Empty is not NULL.
    assert_eq!(passing(&[few, filter(Some(2), FilterTest::Equal, "")]), [3, 10]);
}

#[test]
fn tests_of_text_mind_case_only_when_told_and_look_at_every_cell_when_no_column_is_named() {
    let rows = [vec![Some("Straße"), Some("1")], vec![None, Some("STRASSE")], vec![Some("a.b"), Some("x\ny")]];
    let store = result(&[25, 25], &rows);
    let passing = |filter: Filter| numbers(&store, &view(&store, &[], &[filter]).unwrap());
    assert_eq!(passing(filter(None, FilterTest::Contains, "stra")), [0, 1]);
    assert_eq!(passing(Filter { match_case: true, ..filter(None, FilterTest::Contains, "Stra") }), [0]);
    assert_eq!(passing(filter(Some(0), FilterTest::NotContains, "stra")), [2]);
    assert_eq!(passing(filter(None, FilterTest::NotContains, "stra")), [2]);
    assert_eq!(passing(filter(Some(0), FilterTest::StartsWith, "A.")), [2]);
    assert_eq!(passing(filter(Some(1), FilterTest::EndsWith, "se")), [1]);
    assert_eq!(passing(filter(Some(1), FilterTest::EndsWith, "x")), Vec::<u64>::new());
    assert_eq!(passing(filter(Some(0), FilterTest::Matches, "^a.b$|ß")), [0, 2]);
    assert_eq!(passing(filter(Some(0), FilterTest::Contains, "a.b")), [2]);
}

#[test]
fn questions_that_make_no_sense_are_refused_with_the_part_that_is_wrong() {
    let store = result(&[23, 1114], &[vec![Some("1"), None]]);
    let refused = |sort: &[SortColumn], filters: &[Filter]| match view(&store, sort, filters) {
        Err(AnalysisError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&[ascending(2)], &[]), "column");
    assert_eq!(refused(&[], &[filter(Some(9), FilterTest::Equal, "1")]), "column");
    assert_eq!(refused(&[], &[filter(None, FilterTest::Equal, "1")]), "column");
    assert_eq!(refused(&[], &[filter(Some(0), FilterTest::Equal, "one")]), "value");
    assert_eq!(refused(&[], &[filter(Some(1), FilterTest::Less, "yesterday")]), "value");
    assert_eq!(refused(&[], &[filter(Some(0), FilterTest::Matches, "(")]), "value");
    assert_eq!(refused(&[], &[Filter { value: None, ..filter(Some(0), FilterTest::Contains, "") }]), "value");
    assert!(view(&store, &[], &[filter(Some(1), FilterTest::Less, "2024-01-31")]).is_ok());
    let empty = FindSpec { text: String::new(), ..spec("") };
    assert!(matches!(store.find(None, &empty, &Job::default()), Err(AnalysisError::Invalid { field: "text", .. })));
    let broken = FindSpec { regex: true, ..spec("(") };
    assert!(matches!(store.find(None, &broken, &Job::default()), Err(AnalysisError::Invalid { field: "text", .. })));
    assert!(matches!(store.stats(None, 2, &Job::default()), Err(AnalysisError::Invalid { field: "column", .. })));
}

#[test]
fn values_that_are_not_as_their_type_has_them_are_counted_and_stand_behind() {
    let store = result(&[1082], &[vec![Some("31.12.2024")], vec![None], vec![Some("2024-01-01")]]);
    let view = view(&store, &[ascending(0)], &[]).unwrap();
    assert_eq!((numbers(&store, &view), view.as_text()), (vec![2, 0, 1], 1));
}

#[test]
fn a_result_keeps_its_four_newest_views() {
    let store = result(&[25], &[vec![Some("a")]]);
    let ids: Vec<String> = (0..5).map(|_| view(&store, &[], &[]).unwrap().id().to_string()).collect();
    assert!(store.view(&ids[0]).is_none() && ids[1..].iter().all(|id| store.view(id).is_some()));
    assert!(store.close_view(&ids[2]) && !store.close_view(&ids[2]) && store.view(&ids[2]).is_none());
}

#[test]
fn work_that_is_stopped_or_whose_result_is_gone_ends() {
    let (store, _directory) = large(50_000);
    let by = ViewSpec { sort: vec![ascending(0)], filters: Vec::new() };
    let job = Job::default();
    job.stop();
    assert!(matches!(store.make_view(&by, &job), Err(AnalysisError::Stopped)));
    assert!(matches!(store.find(None, &spec("nowhere"), &job), Err(AnalysisError::Stopped)));
    assert!(matches!(store.stats(None, 0, &job), Err(AnalysisError::Stopped)));
    store.let_go();
    assert!(matches!(store.make_view(&by, &Job::default()), Err(AnalysisError::Stopped)));
}

fn spec(text: &str) -> FindSpec {
    FindSpec { text: text.to_owned(), regex: false, match_case: false, column: None, from: None, backwards: false }
}

fn at(row: u64, column: usize) -> Option<CellPlace> {
    Some(CellPlace { row, column })
}

/// Row and column in the grid, number of the row, and whether it is past the end.
fn found(store: &ResultStore, view: Option<&View>, spec: FindSpec) -> Option<(u64, usize, u64, bool)> {
    let found = store.find(view, &spec, &Job::default()).unwrap()?;
    Some((found.place.row, found.place.column, found.number, found.wrapped))
}

#[test]
fn a_search_goes_on_from_a_cell_in_either_direction_and_around_the_end() {
    let rows =
        [vec![Some("ab"), Some("b"), Some("c")], vec![Some("x"), None, Some("B")], vec![Some("b"), Some("x"), None]];
    let store = result(&[25, 25, 25], &rows);
    let next = |from| found(&store, None, FindSpec { from, ..spec("b") });
    assert_eq!(next(None), Some((0, 0, 0, false)));
    assert_eq!(next(at(0, 0)), Some((0, 1, 0, false)));
    assert_eq!(next(at(0, 1)), Some((1, 2, 1, false)));
    assert_eq!(next(at(1, 2)), Some((2, 0, 2, false)));
    assert_eq!(next(at(2, 0)), Some((0, 0, 0, true)));
    let before = |from| found(&store, None, FindSpec { from, backwards: true, ..spec("b") });
    assert_eq!(before(None), Some((2, 0, 2, false)));
    assert_eq!(before(at(2, 0)), Some((1, 2, 1, false)));
    assert_eq!(before(at(0, 0)), Some((2, 0, 2, true)));
    // The only match there is, from itself on.
    assert_eq!(found(&store, None, FindSpec { from: at(0, 2), ..spec("c") }), Some((0, 2, 0, true)));
    assert_eq!(found(&store, None, spec("nowhere")), None);
    assert_eq!(found(&store, None, FindSpec { match_case: true, ..spec("B") }), Some((1, 2, 1, false)));
    assert_eq!(found(&store, None, FindSpec { column: Some(1), ..spec("b") }), Some((0, 1, 0, false)));
    assert_eq!(found(&store, None, FindSpec { regex: true, ..spec("^b$") }), Some((0, 1, 0, false)));
}

#[test]
fn a_search_never_matches_across_cells_or_what_is_between_them() {
    let store = result(&[25, 25], &[vec![Some("ab"), Some("cd")]]);
    assert_eq!(found(&store, None, spec("bc")), None);
    assert_eq!(found(&store, None, spec("\0\0\0")), None);
}

#[test]
fn a_search_in_a_view_goes_through_its_rows_in_its_order() {
    let (store, _directory) = large(60_000);
    let view =
        view(&store, &[SortColumn { column: 1, descending: true }], &[filter(Some(1), FilterTest::NotEqual, "7")])
            .unwrap();
    assert_eq!(view.rows(), 59_999);
    let search = |text: &str, from, backwards| {
        found(&store, Some(&view), FindSpec { column: Some(1), from, backwards, regex: true, ..spec(text) })
    };
    // Near, far, far backwards, filtered out, and once more with what was remembered.
    assert_eq!(search("^59998$", None, false), Some((1, 1, 59_998, false)));
    assert_eq!(search("^5$", None, false), Some((59_993, 1, 5, false)));
    assert_eq!(search("^59000$", None, true), Some((999, 1, 59_000, false)));
    assert_eq!(search("^7$", None, false), None);
    assert_eq!(search("^5$", at(59_993, 1), false), Some((59_993, 1, 5, true)));
    assert_eq!(search("^(5|50005)$", at(59_993, 1), true), Some((9_994, 1, 50_005, false)));
    assert_eq!(search("^(5|50005)$", at(9_994, 1), true), Some((59_993, 1, 5, true)));
}

#[test]
fn a_column_is_counted_and_measured() {
    let cells = [Some("3"), None, Some("1.5"), Some("NaN"), Some("1.50"), Some("-9"), Some("Infinity")];
    let store = result(&[1700], &cells.map(|cell| vec![cell]));
    let job = Job::default();
    let stats = store.stats(None, 0, &job).unwrap();
    assert_eq!(job.progress(), (14, 14));
    assert_eq!((stats.rows, stats.nulls, stats.empty, stats.as_text), (7, 1, 0, 0));
    assert_eq!((stats.distinct, stats.distinct_exact), (5, true));
    assert_eq!((stats.min.as_deref(), stats.max.as_deref()), (Some("-9"), Some("NaN")));
    assert_eq!(stats.top[0], TopValue { text: "1.5".into(), rows: 2 });
    assert_eq!(stats.histogram.iter().map(|bucket| bucket.rows).sum::<u64>(), 4);
    assert_eq!(stats.histogram[0].from, "-9.000");
    assert_eq!(stats.histogram.last().unwrap().to, "3.000");
}

#[test]
fn text_has_its_most_frequent_values_and_no_histogram() {
    let (store, _directory) = large(70_000);
    let stats = store.stats(None, 2, &Job::default()).unwrap();
    assert_eq!((stats.rows, stats.nulls, stats.distinct), (70_000, 6_364, 7));
    assert_eq!((stats.min.as_deref(), stats.max.as_deref()), (Some(""), Some("white")));
    assert_eq!(stats.top.len(), 7);
    assert_eq!(stats.top.iter().map(|top| top.rows).sum::<u64>() + stats.nulls, 70_000);
    assert!(stats.histogram.is_empty() && stats.empty > 9_000);
}

#[test]
fn whole_numbers_have_ranges_with_whole_ends() {
    let (store, _directory) = large(70_000);
    let stats = store.stats(None, 1, &Job::default()).unwrap();
    assert_eq!((stats.distinct, stats.distinct_exact, stats.top.len()), (70_000, true, 0));
    assert_eq!(stats.histogram.len(), 32);
    assert_eq!(stats.histogram[1], Bucket { from: "2188".into(), to: "4376".into(), rows: 2_188 });
    assert_eq!(stats.histogram[31].to, "69999");
    assert_eq!(stats.histogram.iter().map(|bucket| bucket.rows).sum::<u64>(), 70_000);
    let few = result(&[23], &[vec![Some("1")], vec![Some("3")], vec![Some("3")]]);
    let rows: Vec<_> =
        few.stats(None, 0, &Job::default()).unwrap().histogram.iter().map(|bucket| bucket.rows).collect();
    assert_eq!(rows, [1, 0, 2]);
}

#[test]
fn counting_a_view_counts_its_rows_only() {
    let (store, _directory) = large(60_000);
    let view = view(&store, &[ascending(0)], &[filter(Some(1), FilterTest::Less, "100")]).unwrap();
    let stats = store.stats(Some(&view), 1, &Job::default()).unwrap();
    assert_eq!((stats.rows, stats.distinct, stats.max.as_deref()), (100, 100, Some("99")));
}

#[test]
fn more_different_values_than_are_counted_are_estimated_well() {
    let rows = 400_000;
    let (store, _directory) = large(rows);
    let stats = store.stats(None, 1, &Job::default()).unwrap();
    assert!(!stats.distinct_exact);
    let off = (stats.distinct as f64 / rows as f64 - 1.0).abs();
    assert!(off < 0.04, "{} of {rows}", stats.distinct);
}

#[test]
fn a_result_without_rows_or_with_only_null_has_an_answer_to_everything() {
    for rows in [vec![], vec![vec![None]]] {
        let store = result(&[1114], &rows);
        let view = view(&store, &[ascending(0)], &[]).unwrap();
        assert_eq!(view.rows(), rows.len() as u64);
        let stats = store.stats(Some(&view), 0, &Job::default()).unwrap();
        assert_eq!((stats.nulls, stats.min, stats.histogram.len()), (rows.len() as u64, None, 0));
        assert_eq!(found(&store, Some(&view), spec("x")), None);
        assert_eq!(found(&store, None, spec("x")), None);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_sorted_and_searched_as_they_are() {
    let (store, mut writer) = ResultStore::create(columns(&[25]), StoreOptions::new("/nowhere"));
    for cell in [&b"\xff\xfe"[..], b"a\xffb", b"a"] {
        let mut body = vec![0, 1, 0, 0, 0, u8::try_from(cell.len()).unwrap()];
        body.extend(cell);
        writer.append(Row::decode(&body, 1).unwrap()).unwrap();
    }
    let view = view(&store, &[ascending(0)], &[]).unwrap();
    assert_eq!(numbers(&store, &view), [2, 1, 0]);
    assert_eq!(found(&store, Some(&view), spec("B")), Some((1, 0, 1, false)));
    assert_eq!(store.stats(None, 0, &Job::default()).unwrap().max.as_deref(), Some("\u{fffd}\u{fffd}"));
}

#[test]
fn a_sort_that_finds_the_disk_full_says_so_and_the_result_stays() {
    let (store, directory) = large(60_000);
    // The folder is gone: there is no file for what is sorted, while the rows have theirs.
    drop(directory);
    let by_text = ViewSpec { sort: vec![ascending(3)], filters: Vec::new() };
    let failed = store.make_view_within(256 << 10, &by_text, &Job::default());
    assert!(matches!(failed, Err(AnalysisError::Store(crate::store::StoreError::Write { .. }))), "{failed:?}");
    assert_eq!(store.window(59_999, 9).unwrap().rows.len(), 1);
}

proptest! {
    #[test]
    fn a_sort_is_what_sorting_the_values_gives(values in prop::collection::vec(prop::option::of(-50_i64..50), 0..200), descending in any::<bool>()) {
        let texts: Vec<Option<String>> = values.iter().map(|value| value.map(|value| value.to_string())).collect();
        let cells: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
        let mut wanted: Vec<usize> = (0..values.len()).collect();
        wanted.sort_by_key(|&row| (values[row].is_none(), values[row].map(|value| if descending { -value } else { value })));
        let wanted: Vec<u64> = wanted.into_iter().map(|row| row as u64).collect();
        prop_assert_eq!(sorted(20, &cells, descending), wanted);
    }
}
