//! Plots of a result and plans of a query.

use postern_ipc::{
    error::Failure,
    plots::{Plan, Plot, PlotChoices, PlotRequest, ResultTask},
};

use super::Host;

#[tauri::command]
pub(super) async fn plot_choices(host: Host<'_>, request: ResultTask) -> Result<PlotChoices, Failure> {
    host.plot_choices(request).await
}

#[tauri::command]
pub(super) async fn result_plot(host: Host<'_>, request: PlotRequest) -> Result<Plot, Failure> {
    host.result_plot(request).await
}

#[tauri::command]
pub(super) async fn result_plan(host: Host<'_>, request: ResultTask) -> Result<Plan, Failure> {
    host.result_plan(request).await
}
