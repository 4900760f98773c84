//! Plots against what a person would count by hand.

use std::sync::Arc;

use super::*;
use crate::analysis::tests::{columns, large, result};
use crate::analysis::{Filter, FilterTest, ViewSpec};
use crate::store::StoreOptions;

fn plot(store: &ResultStore, spec: &PlotSpec) -> Plot {
    store.plot(None, spec, &Job::default()).unwrap()
}

fn lines(plot: Plot) -> Vec<Series> {
    match plot.shape {
        PlotShape::Lines(series) => series,
        other => panic!("{other:?}"),
    }
}

fn bars(plot: &Plot) -> Vec<(Option<&str>, Option<f64>)> {
    match &plot.shape {
        PlotShape::Bars { bars, .. } => bars.iter().map(|bar| (bar.label.as_deref(), bar.group.value)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn few_values_are_a_line_as_they_are_in_the_order_of_their_places() {
    let rows = [
        vec![Some("2024-01-02"), Some("5")],
        vec![Some("2024-01-01"), Some("3")],
        vec![Some("2024-01-02"), Some("7")],
        vec![None, Some("9")],
        vec![Some("infinity"), Some("9")],
        vec![Some("2024-01-03"), None],
        vec![Some("soon"), Some("9")],
    ];
    let store = result(&[1082, 23], &rows);
    let drawn = plot(&store, &PlotSpec::Line { x: 0, y: vec![1], across: 10 });
    assert_eq!((drawn.rows, drawn.left_out), (7, LeftOut { null: 2, unreadable: 1, infinite: 1 }));
    assert_eq!((drawn.x, drawn.y), (PlotScale::Date, PlotScale::Number));
    let day = 86_400_000.0;
    let first = 19_723.0 * day;
    assert_eq!(
        lines(drawn)[0].points,
        [
            LinePoint { x: first, rows: 1, low: 3.0, high: 3.0, mean: 3.0 },
            LinePoint { x: first + day, rows: 2, low: 5.0, high: 7.0, mean: 6.0 },
        ]
    );
}

#[test]
fn many_values_are_a_line_of_columns_that_leaves_no_extreme_out() {
    let (store, _directory) = large(50_000);
    let drawn = plot(&store, &PlotSpec::Line { x: 1, y: vec![0], across: 100 });
    let points = &lines(drawn)[0].points;
    assert_eq!(points.len(), 100);
    assert_eq!(points.iter().map(|point| point.rows).sum::<u64>(), 50_000);
    let value = |row: u64| (row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44) as f64;
    let least = (0..50_000).map(value).fold(f64::INFINITY, f64::min);
    let greatest = (0..50_000).map(value).fold(0.0, f64::max);
    assert_eq!(points.iter().map(|point| point.low).fold(f64::INFINITY, f64::min), least);
    assert_eq!(points.iter().map(|point| point.high).fold(0.0, f64::max), greatest);
    let mean = (0..500).map(value).sum::<f64>() / 500.0;
    assert!((points[0].mean - mean).abs() < 1e-6 * mean, "{} is not {mean}", points[0].mean);
    assert!(points.windows(2).all(|pair| pair[0].x < pair[1].x));
}

#[test]
fn a_line_is_of_the_rows_that_the_filter_shows() {
    let (store, _directory) = large(20_000);
    let filter = Filter { column: Some(2), test: FilterTest::Equal, value: Some("red".into()), match_case: true };
    let view = store.make_view(&ViewSpec { sort: Vec::new(), filters: vec![filter] }, &Job::default()).unwrap();
    let spec = PlotSpec::Line { x: 1, y: vec![0], across: 50 };
    let drawn = store.plot(Some(&view), &spec, &Job::default()).unwrap();
    assert_eq!(drawn.rows, view.rows());
    assert_eq!(lines(drawn)[0].points.iter().map(|point| point.rows).sum::<u64>(), view.rows());
}

#[test]
fn bars_are_groups_with_the_smallest_together() {
    let rows: Vec<_> = [("a", "1"), ("b", "10"), ("a", "2"), ("c", "3"), ("d", "x"), ("b", "20")]
        .iter()
        .map(|(label, value)| vec![Some(*label), Some(*value)])
        .chain([vec![None, Some("100")], vec![Some("c"), None]])
        .collect();
    let store = result(&[25, 23], &rows);
    let spec = |measure, most| PlotSpec::Bar { category: 0, value: Some(1), measure, most };
    let sums = plot(&store, &spec(Measure::Sum, 3));
    assert_eq!(bars(&sums), [(None, Some(100.0)), (Some("b"), Some(30.0)), (Some("a"), Some(3.0))]);
    assert_eq!(sums.left_out, LeftOut { null: 1, unreadable: 1, infinite: 0 });
    let PlotShape::Bars { others, other_groups, exact, .. } = sums.shape else { panic!() };
    assert_eq!((others, other_groups, exact), (Some(Group { rows: 3, value: Some(3.0) }), 2, true));
    let means = plot(&store, &spec(Measure::Average, 9));
    assert_eq!(bars(&means)[1], (Some("b"), Some(15.0)));
    assert_eq!(bars(&means)[4], (Some("d"), None), "a group without a value has no length");
    let counts = plot(&store, &PlotSpec::Bar { category: 0, value: None, measure: Measure::Count, most: 9 });
    assert_eq!(bars(&counts).iter().map(|(_, rows)| rows.unwrap()).sum::<f64>(), 8.0);
    assert_eq!(counts.left_out, LeftOut::default());
}

#[test]
fn few_groups_of_numbers_or_days_stand_in_their_own_order() {
    let rows: Vec<_> = ["10", "9", "10", "2"].iter().map(|year| vec![Some(*year)]).collect();
    let store = result(&[23], &rows);
    let drawn = plot(&store, &PlotSpec::Bar { category: 0, value: None, measure: Measure::Count, most: 9 });
    assert_eq!(bars(&drawn), [(Some("2"), Some(1.0)), (Some("9"), Some(1.0)), (Some("10"), Some(2.0))]);
}

#[test]
fn a_sum_of_days_makes_no_sense_and_a_line_of_words_neither() {
    let store = result(&[25, 1082], &[vec![Some("a"), Some("2024-01-01")]]);
    let refused = |spec: PlotSpec| match store.plot(None, &spec, &Job::default()) {
        Err(AnalysisError::Invalid { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let sum = PlotSpec::Bar { category: 0, value: Some(1), measure: Measure::Sum, most: 9 };
    assert_eq!(refused(sum), Problem::NotMeasured);
    assert_eq!(refused(PlotSpec::Line { x: 1, y: vec![0], across: 9 }), Problem::NotMeasured);
    assert_eq!(refused(PlotSpec::Histogram { column: 2, bins: 9 }), Problem::NoColumn);
    let latest = PlotSpec::Bar { category: 0, value: Some(1), measure: Measure::Greatest, most: 9 };
    assert_eq!(bars(&plot(&store, &latest)), [(Some("a"), Some(19_723.0 * 86_400_000.0))]);
}

#[test]
fn few_points_are_drawn_and_many_are_counted_in_cells() {
    let store = result(&[23, 701], &[vec![Some("1"), Some("2.5")], vec![Some("2"), Some("NaN")], vec![None, None]]);
    let spec = PlotSpec::Scatter { x: 0, y: 1, across: 10, down: 5 };
    let few = plot(&store, &spec);
    assert_eq!(few.shape, PlotShape::Points(vec![(1.0, 2.5)]));
    assert_eq!(few.left_out, LeftOut { null: 2, unreadable: 0, infinite: 1 });
    let (store, _directory) = large(20_000);
    let PlotShape::Density(cells) = plot(&store, &PlotSpec::Scatter { x: 1, y: 0, across: 10, down: 5 }).shape else {
        panic!()
    };
    assert_eq!(cells.x, (0.0, 19_999.0));
    assert_eq!(cells.cells.iter().map(|(_, _, rows)| rows).sum::<u64>(), 20_000);
    assert!(cells.cells.iter().all(|(column, row, _)| *column < 10 && *row < 5));
}

#[test]
fn a_histogram_counts_every_value_once() {
    let (store, _directory) = large(10_000);
    let PlotShape::Ranges(ranges) = plot(&store, &PlotSpec::Histogram { column: 1, bins: 40 }).shape else { panic!() };
    assert_eq!((ranges.len(), ranges[0].rows), (40, 250));
    assert_eq!((ranges[0].from, ranges[0].to, ranges[39].rows), (0.0, 250.0, 250));
    let one = result(&[23], &[vec![Some("7")], vec![Some("7")]]);
    let PlotShape::Ranges(ranges) = plot(&one, &PlotSpec::Histogram { column: 0, bins: 40 }).shape else { panic!() };
    assert_eq!(ranges.iter().map(|range| range.rows).collect::<Vec<_>>(), [2]);
}

#[test]
fn values_at_both_ends_of_what_a_number_holds_do_not_break_a_plot() {
    let ends = ["1e308", "-1e308", "0", "1.7e308", "-1.7e308"];
    let rows: Vec<_> = ends.iter().map(|end| vec![Some(*end), Some(*end)]).collect();
    let store = result(&[701, 701], &rows);
    let histogram = store.plot(None, &PlotSpec::Histogram { column: 0, bins: 4 }, &Job::default());
    assert!(matches!(histogram, Err(AnalysisError::Invalid { problem: Problem::TooWide, .. })));
    let line = plot(&store, &PlotSpec::Line { x: 0, y: vec![1], across: 4 });
    assert!(lines(line)[0].points.iter().all(|point| point.mean.is_finite()));
}

#[test]
fn an_empty_result_and_a_column_of_nulls_have_nothing_to_draw() {
    for rows in [vec![], vec![vec![None, None]]] {
        let store = result(&[23, 23], &rows);
        assert_eq!(plot(&store, &PlotSpec::Histogram { column: 0, bins: 4 }).shape, PlotShape::Ranges(Vec::new()));
        assert_eq!(lines(plot(&store, &PlotSpec::Line { x: 0, y: vec![1], across: 4 }))[0].points, []);
        let scatter = PlotSpec::Scatter { x: 0, y: 1, across: 4, down: 4 };
        assert_eq!(plot(&store, &scatter).shape, PlotShape::Points(Vec::new()));
        assert_eq!(store.plot_choices().unwrap().suggestion, None);
    }
}

#[test]
fn a_stopped_plot_stops() {
    let (store, _directory) = large(10_000);
    let job = Job::default();
    job.stop();
    let stopped = store.plot(None, &PlotSpec::Histogram { column: 0, bins: 4 }, &job);
    assert!(matches!(stopped, Err(AnalysisError::Stopped)));
}

fn suggestion(names: &[(&str, u32)], rows: &[Vec<Option<&str>>]) -> Option<PlotSpec> {
    let oids: Vec<u32> = names.iter().map(|(_, oid)| *oid).collect();
    let mut named: Vec<_> = columns(&oids).to_vec();
    named.iter_mut().zip(names).for_each(|(column, (name, _))| column.name = (*name).to_owned());
    let (store, mut writer) = ResultStore::create(Arc::from(named), StoreOptions::new("/nowhere"));
    for row in rows {
        writer.append(Row::decode(&crate::analysis::tests::body(row), names.len()).unwrap()).unwrap();
    }
    writer.finish();
    store.plot_choices().unwrap().suggestion
}

#[test]
fn what_is_drawn_unasked_goes_by_types_and_by_what_is_there() {
    let day = |number: usize| ["2024-01-01", "2024-01-02", "2024-01-03"][number % 3];
    let rows = |make: &dyn Fn(usize) -> Vec<Option<&'static str>>| (0..60).map(make).collect::<Vec<_>>();
    let word = |number: usize| ["red", "blue"][number % 2];
    let number = |number: usize| ["3", "1", "2", "5", "4"][number % 5];

    let over_time = rows(&|row| vec![Some(number(row)), Some(word(row)), Some(day(row)), Some(number(row + 1))]);
    let names = [("order_id", 20), ("colour", 25), ("day", 1082), ("amount", 1700)];
    assert_eq!(suggestion(&names, &over_time), Some(PlotSpec::Line { x: 2, y: vec![3], across: 800 }));

    let grouped = rows(&|row| vec![Some(word(row)), Some(number(row))]);
    assert_eq!(
        suggestion(&[("colour", 25), ("amount", 23)], &grouped),
        Some(PlotSpec::Bar { category: 0, value: Some(1), measure: Measure::Sum, most: 24 })
    );
    let pairs = rows(&|row| vec![Some(number(row)), Some(number(row + 2))]);
    assert_eq!(
        suggestion(&[("a", 23), ("b", 701)], &pairs),
        Some(PlotSpec::Scatter { x: 0, y: 1, across: 120, down: 60 })
    );
    let single = rows(&|row| vec![Some(number(row))]);
    assert_eq!(suggestion(&[("a", 23)], &single), Some(PlotSpec::Histogram { column: 0, bins: 40 }));
    let words = rows(&|row| vec![Some(word(row))]);
    assert_eq!(
        suggestion(&[("colour", 25)], &words),
        Some(PlotSpec::Bar { category: 0, value: None, measure: Measure::Count, most: 24 })
    );
}
