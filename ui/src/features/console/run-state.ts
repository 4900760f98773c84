// What a run means for the screen. Pure, so that it is tested as functions.
import type { Failure, Run, StatementRun } from "../../ipc/contract";
import { isOver, type Tab } from "../../lib/state/consoles";
import type { Mark } from "./editor-setup";

export type Phase =
  | "ready"
  | "connecting"
  | "waiting"
  | "running"
  | "returning"
  | "canceling"
  | "done"
  | "failed"
  | "canceled";

export function phase(tab: Pick<Tab, "run" | "asking" | "failure">): Phase {
  const { run } = tab;
  if (tab.asking && (!run || isOver(run.state))) return "connecting";
  if (!run) return tab.failure ? "failed" : "ready";
  if (run.state === "running" && currentRows(run) > 0) return "returning";
  return run.state;
}

/** Rows of the statement that runs, or of all results once the run is over. */
export function currentRows(run: Run): number {
  const live = run.statements.find(({ state }) => state === "running" || state === "canceling");
  if (live) return live.result?.rows ?? 0;
  return run.statements.reduce((sum, { result }) => sum + (result?.rows ?? 0), 0);
}

export function currentBytes(run: Run): number {
  const live = run.statements.find(({ state }) => state === "running" || state === "canceling");
  if (live) return live.result?.bytes ?? 0;
  return run.statements.reduce((sum, { result }) => sum + (result?.bytes ?? 0), 0);
}

/** Which statement of how many runs, from 1. */
export function progress(run: Run): { at: number; all: number } {
  const all = run.statements.length;
  const ended = run.statements.filter(({ state }) => isOver(state)).length;
  return { at: Math.min(ended + 1, all), all };
}

export function results(run: Run | null): Array<{ statement: StatementRun; index: number }> {
  return (run?.statements ?? []).flatMap((statement, index) => (statement.result ? [{ statement, index }] : []));
}

export interface RunFailure {
  failure: Failure;
  statement: StatementRun | null;
}

/** The first thing that went wrong; what follows was not run because of it. */
export function failureOf(tab: Pick<Tab, "run" | "failure">): RunFailure | null {
  if (tab.failure) return { failure: tab.failure, statement: null };
  const refused = tab.run?.statements.find(({ failure }) => failure && failure.code !== "canceled");
  if (refused?.failure) return { failure: refused.failure, statement: refused };
  const failure = tab.run?.failure;
  return failure && failure.code !== "canceled" ? { failure, statement: null } : null;
}

/** The tokens that the server marked, for the editor. */
export function marks(run: Run | null): Mark[] {
  return (run?.statements ?? []).flatMap(({ failure }) => {
    const sql = failure?.sql;
    if (!sql || sql.from === null) return [];
    return [{ from: sql.from, to: Math.max(sql.to ?? 0, sql.from + 1), message: `${sql.severity}: ${sql.message}` }];
  });
}

/** Line and column, from 1, of an offset. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
