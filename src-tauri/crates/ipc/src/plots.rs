//! Plots of a result and plans of a query. A plot is made in Rust of all rows; the window is given no more than it draws.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A question about a result that takes a while.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct ResultTask {
    /// Which result.
    pub result: String,
    /// Name of the task.
    pub task: String,
}

/// What to draw of a result, or of a view of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotRequest {
    /// Which result.
    pub result: String,
    /// Which view of it.
    pub view: Option<String>,
    /// Name of the task.
    pub task: String,
    /// What to draw.
    pub spec: PlotSpec,
}

/// What to draw. Columns count from 0.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PlotSpec {
    /// Values over a number or a time.
    Line {
        /// Numbers or times.
        x: u32,
        /// Numbers; eight at most.
        y: Vec<u32>,
        /// Columns of pixels there are.
        across: u32,
    },
    /// A measure for each value of a column.
    Bar {
        /// The groups.
        category: u32,
        /// Numbers; nothing where rows are counted.
        value: Option<u32>,
        /// What a bar is as long as.
        measure: PlotMeasure,
        /// Bars at most.
        most: u32,
    },
    /// A point for each row.
    Scatter {
        /// Numbers or times.
        x: u32,
        /// Numbers or times.
        y: u32,
        /// Cells from left to right, where there are too many points,
        across: u32,
        /// and from top to bottom.
        down: u32,
    },
    /// How many values are in each range.
    Histogram {
        /// Numbers or times.
        column: u32,
        /// Ranges at most.
        bins: u32,
    },
}

/// What a bar is as long as.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum PlotMeasure {
    /// Rows.
    Count,
    /// Sum of the values.
    Sum,
    /// Their mean.
    Average,
    /// The least of them.
    Least,
    /// The greatest.
    Greatest,
}

/// What can be drawn of a result.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotChoices {
    /// For each column what it can be.
    pub roles: Vec<PlotRole>,
    /// What to begin with; nothing for a result without rows.
    pub suggestion: Option<PlotSpec>,
}

/// What a column can be in a plot.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum PlotRole {
    /// Numbers.
    Number,
    /// Dates, times and durations.
    Time,
    /// Groups.
    Text,
}

/// What a coordinate means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum PlotScale {
    /// A number.
    Number,
    /// Milliseconds since 1970, of a day.
    Date,
    /// Milliseconds since 1970.
    Moment,
    /// Milliseconds since midnight.
    Clock,
    /// Milliseconds.
    Duration,
}

/// A plot, ready to be drawn.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Plot {
    /// Rows that were looked at.
    #[ts(type = "number")]
    pub rows: u64,
    /// Values that are not drawn: NULL,
    #[ts(type = "number")]
    pub null: u64,
    /// not as their type has them,
    #[ts(type = "number")]
    pub unreadable: u64,
    /// infinite or not a number.
    #[ts(type = "number")]
    pub infinite: u64,
    /// What goes from left to right.
    pub x: PlotScale,
    /// What goes from bottom to top.
    pub y: PlotScale,
    /// What to draw.
    pub shape: PlotShape,
}

/// What to draw.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum PlotShape {
    /// Lines, each from left to right.
    Lines {
        /// One for each column.
        series: Vec<PlotSeries>,
    },
    /// Bars, in their order.
    Bars {
        /// At most as many as were asked for.
        bars: Vec<PlotBar>,
        /// All groups behind those, together.
        others: Option<PlotGroup>,
        /// How many groups are in `others`.
        #[ts(type = "number")]
        other_groups: u64,
        /// False where there were more groups than are told apart: some of the others may belong to a bar.
        exact: bool,
    },
    /// A point for each row: from left to right, and from bottom to top.
    Points {
        /// All of them.
        points: Vec<(f64, f64)>,
    },
    /// How many points are in each cell.
    Density {
        /// Ends from left to right.
        x: (f64, f64),
        /// Ends from bottom to top.
        y: (f64, f64),
        /// Cells from left to right.
        across: u32,
        /// Cells from bottom to top.
        down: u32,
        /// Those that hold any: column, row and how many.
        #[ts(type = "Array<[number, number, number]>")]
        cells: Vec<(u32, u32, u64)>,
    },
    /// How many values are in each range.
    Ranges {
        /// From left to right.
        ranges: Vec<PlotRange>,
    },
}

/// One line.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotSeries {
    /// Its column.
    pub column: u32,
    /// From left to right.
    pub points: Vec<PlotPoint>,
}

/// The values at one place of a line.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotPoint {
    /// Where they are.
    pub x: f64,
    /// How many.
    #[ts(type = "number")]
    pub rows: u64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// The mean.
    pub mean: f64,
}

/// A bar.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotBar {
    /// The value of its group, or its beginning; nothing for NULL.
    pub label: Option<String>,
    /// How long it is.
    pub group: PlotGroup,
}

/// Rows that are drawn together.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotGroup {
    /// How many.
    #[ts(type = "number")]
    pub rows: u64,
    /// Their measure; nothing where they have no value.
    pub value: Option<f64>,
}

/// A range of values.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlotRange {
    /// Its least value.
    pub from: f64,
    /// The least behind it.
    pub to: f64,
    /// Rows with a value of it.
    #[ts(type = "number")]
    pub rows: u64,
}

/// The plan of a query.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct Plan {
    /// Its steps, each behind the one that it feeds.
    pub nodes: Vec<PlanNode>,
    /// What the server remarks about the whole.
    pub notes: Vec<String>,
    /// The text as it came.
    pub text: String,
    /// There were more lines than are read.
    pub cut: bool,
}

/// A step of a plan.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, TS)]
pub struct PlanNode {
    /// 0 for the last step, whose rows are the result.
    pub depth: u32,
    /// What it is called.
    pub name: String,
    /// Estimated cost until its first row,
    pub cost_first: Option<f64>,
    /// and until its last.
    pub cost: Option<f64>,
    /// Estimated rows.
    pub rows: Option<f64>,
    /// Estimated bytes of a row.
    #[ts(type = "number | null")]
    pub width: Option<u64>,
    /// What it really took, where the statement was run.
    pub actual: Option<String>,
    /// What the plan says of it.
    pub details: Vec<PlanDetail>,
    /// What to look at.
    pub warnings: Vec<PlanWarning>,
}

/// A line below a step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
pub struct PlanDetail {
    /// `Hash Cond`; empty for a line without one.
    pub name: String,
    /// What stands behind it.
    pub text: String,
}

/// What is worth a look in a step.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PlanWarning {
    /// `DS_BCAST_INNER`: a copy of the inner table goes to every node.
    Broadcast,
    /// `DS_DIST_BOTH`: both tables are sent around.
    BothMoved,
    /// `DS_DIST_ALL_INNER`: the whole inner table goes to a single slice.
    AllToOne,
    /// Each row of one side with each of the other.
    NestedLoop,
    /// A large table is read from end to end.
    LargeScan,
    /// Statistics are missing.
    NoStatistics,
}
