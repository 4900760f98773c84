//! The commands about plots and plans.

use postern_engine::results::analysis::{
    self, Measure, Plan as EnginePlan, PlanWarning as EngineWarning, Plot as EnginePlot, PlotRole as EngineRole,
    PlotScale as EngineScale, PlotShape as EngineShape, PlotSpec as EngineSpec,
};

use super::{
    Host,
    console::{index, size},
};
use crate::{error::Failure, plots::*};

impl Host {
    /// What can be drawn of a result.
    pub async fn plot_choices(&self, request: ResultTask) -> Result<PlotChoices, Failure> {
        let choices = self.engine()?.plot_choices(&request.result, &request.task).await?;
        let role = |role: &EngineRole| match role {
            EngineRole::Number => PlotRole::Number,
            EngineRole::Time => PlotRole::Time,
            EngineRole::Text => PlotRole::Text,
        };
        Ok(PlotChoices {
            roles: choices.roles.iter().map(role).collect(),
            suggestion: choices.suggestion.map(Into::into),
        })
    }

    /// Makes a plot.
    pub async fn result_plot(&self, request: PlotRequest) -> Result<Plot, Failure> {
        let (view, spec) = (request.view.as_deref(), request.spec.into());
        Ok(self.engine()?.result_plot(&request.result, view, &request.task, spec).await?.into())
    }

    /// Reads a plan.
    pub async fn result_plan(&self, request: ResultTask) -> Result<Plan, Failure> {
        Ok(self.engine()?.result_plan(&request.result, &request.task).await?.into())
    }
}

impl From<PlotSpec> for EngineSpec {
    fn from(spec: PlotSpec) -> Self {
        match spec {
            PlotSpec::Line { x, y, across } => {
                Self::Line { x: size(x), y: y.into_iter().map(size).collect(), across: size(across) }
            }
            PlotSpec::Bar { category, value, measure, most } => {
                let measure = match measure {
                    PlotMeasure::Count => Measure::Count,
                    PlotMeasure::Sum => Measure::Sum,
                    PlotMeasure::Average => Measure::Average,
                    PlotMeasure::Least => Measure::Least,
                    PlotMeasure::Greatest => Measure::Greatest,
                };
                Self::Bar { category: size(category), value: value.map(size), measure, most: size(most) }
            }
            PlotSpec::Scatter { x, y, across, down } => {
                Self::Scatter { x: size(x), y: size(y), across: size(across), down: size(down) }
            }
            PlotSpec::Histogram { column, bins } => Self::Histogram { column: size(column), bins: size(bins) },
        }
    }
}

impl From<EngineSpec> for PlotSpec {
    fn from(spec: EngineSpec) -> Self {
        match spec {
            EngineSpec::Line { x, y, across } => {
                Self::Line { x: index(x), y: y.into_iter().map(index).collect(), across: index(across) }
            }
            EngineSpec::Bar { category, value, measure, most } => {
                let measure = match measure {
                    Measure::Count => PlotMeasure::Count,
                    Measure::Sum => PlotMeasure::Sum,
                    Measure::Average => PlotMeasure::Average,
                    Measure::Least => PlotMeasure::Least,
                    Measure::Greatest => PlotMeasure::Greatest,
                };
                Self::Bar { category: index(category), value: value.map(index), measure, most: index(most) }
            }
            EngineSpec::Scatter { x, y, across, down } => {
                Self::Scatter { x: index(x), y: index(y), across: index(across), down: index(down) }
            }
            EngineSpec::Histogram { column, bins } => Self::Histogram { column: index(column), bins: index(bins) },
        }
    }
}

impl From<EnginePlot> for Plot {
    fn from(plot: EnginePlot) -> Self {
        Self {
            rows: plot.rows,
            null: plot.left_out.null,
            unreadable: plot.left_out.unreadable,
            infinite: plot.left_out.infinite,
            x: plot.x.into(),
            y: plot.y.into(),
            shape: plot.shape.into(),
        }
    }
}

impl From<EngineScale> for PlotScale {
    fn from(scale: EngineScale) -> Self {
        match scale {
            EngineScale::Number => Self::Number,
            EngineScale::Date => Self::Date,
            EngineScale::Moment => Self::Moment,
            EngineScale::Clock => Self::Clock,
            EngineScale::Duration => Self::Duration,
        }
    }
}

impl From<EngineShape> for PlotShape {
    fn from(shape: EngineShape) -> Self {
        match shape {
            EngineShape::Lines(series) => Self::Lines { series: series.into_iter().map(Into::into).collect() },
            EngineShape::Bars { bars, others, other_groups, exact } => Self::Bars {
                bars: bars.into_iter().map(|bar| PlotBar { label: bar.label, group: bar.group.into() }).collect(),
                others: others.map(Into::into),
                other_groups,
                exact,
            },
            EngineShape::Points(points) => Self::Points { points },
            EngineShape::Density(density) => Self::Density {
                x: density.x,
                y: density.y,
                across: index(density.across),
                down: index(density.down),
                cells: density.cells,
            },
            EngineShape::Ranges(ranges) => Self::Ranges {
                ranges: ranges
                    .into_iter()
                    .map(|range| PlotRange { from: range.from, to: range.to, rows: range.rows })
                    .collect(),
            },
        }
    }
}

impl From<analysis::Series> for PlotSeries {
    fn from(series: analysis::Series) -> Self {
        let point = |point: analysis::LinePoint| {
            let analysis::LinePoint { x, rows, low, high, mean } = point;
            PlotPoint { x, rows, low, high, mean }
        };
        Self { column: index(series.column), points: series.points.into_iter().map(point).collect() }
    }
}

impl From<analysis::Group> for PlotGroup {
    fn from(group: analysis::Group) -> Self {
        Self { rows: group.rows, value: group.value }
    }
}

impl From<EnginePlan> for Plan {
    fn from(plan: EnginePlan) -> Self {
        Self {
            nodes: plan.nodes.into_iter().map(Into::into).collect(),
            notes: plan.notes,
            text: plan.text,
            cut: plan.cut,
        }
    }
}

impl From<analysis::PlanNode> for PlanNode {
    fn from(node: analysis::PlanNode) -> Self {
        let detail = |detail: analysis::PlanDetail| PlanDetail { name: detail.name, text: detail.text };
        let warning = |warning: EngineWarning| match warning {
            EngineWarning::Broadcast => PlanWarning::Broadcast,
            EngineWarning::BothMoved => PlanWarning::BothMoved,
            EngineWarning::AllToOne => PlanWarning::AllToOne,
            EngineWarning::NestedLoop => PlanWarning::NestedLoop,
            EngineWarning::LargeScan => PlanWarning::LargeScan,
            EngineWarning::NoStatistics => PlanWarning::NoStatistics,
        };
        Self {
            depth: index(node.depth),
            name: node.name,
            cost_first: node.cost_first,
            cost: node.cost,
            rows: node.rows,
            width: node.width,
            actual: node.actual,
            details: node.details.into_iter().map(detail).collect(),
            warnings: node.warnings.into_iter().map(warning).collect(),
        }
    }
}
