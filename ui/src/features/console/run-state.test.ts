import { describe, expect, it } from "vitest";
import type { Run, RunState, StatementRun } from "../../ipc/contract";
import { failure } from "../../test/memory-backend";
import { currentRows, failureOf, marks, phase, position, progress, results } from "./run-state";

const statement = (state: RunState, rows: number | null, more: Partial<StatementRun> = {}): StatementRun => ({
  from: 0,
  to: 8,
  state,
  tag: null,
  result: rows === null ? null : { id: `r${rows}`, columns: [], rows, bytes: 0, complete: state === "done" },
  failure: null,
  elapsed_ms: 1,
  ...more,
});
const run = (state: RunState, statements: StatementRun[]): Run => ({
  id: "a",
  tab: "t",
  state,
  statements,
  notices: [],
  elapsed_ms: 5,
  failure: null,
});
const tab = (of: Run | null, asking = false) => ({ run: of, asking, failure: null });

describe("what a run is doing", () => {
  it("is connecting until the shell answers, even with an older run on the screen", () => {
    expect(phase(tab(null, true))).toBe("connecting");
    expect(phase(tab(run("done", []), true))).toBe("connecting");
  });

  it("is returning rows once the first one is here", () => {
    expect(phase(tab(run("running", [statement("running", null)])))).toBe("running");
    expect(phase(tab(run("running", [statement("running", 5)])))).toBe("returning");
    expect(phase(tab(run("canceled", [statement("canceled", 5)])))).toBe("canceled");
  });

  it("counts the statement that runs, and all of them at the end", () => {
    const two = [statement("done", 3), statement("running", 4)];
    expect(currentRows(run("running", two))).toBe(4);
    expect(progress(run("running", two))).toEqual({ at: 2, all: 2 });
    expect(currentRows(run("done", [statement("done", 3), statement("done", 4)]))).toBe(7);
  });

  it("has a result for each statement that returns columns", () => {
    const found = results(run("done", [statement("done", null), statement("done", 4)]));
    expect(found.map(({ index }) => index)).toEqual([1]);
  });
});

describe("what went wrong", () => {
  const sql = {
    severity: "ERROR",
    sqlstate: "42601",
    message: "syntax error",
    detail: null,
    hint: null,
    from: 3,
    to: null,
  };
  const refused = statement("failed", null, { failure: failure("database_error", {}, { sql }) });

  it("is the statement the server refused, not those that were left out after it", () => {
    const failed = failureOf({
      run: run("failed", [statement("done", 1), refused, statement("waiting", null)]),
      failure: null,
    });
    expect(failed?.statement).toBe(refused);
  });

  it("is nothing when a person stopped it", () => {
    const stopped = run("canceled", [statement("canceled", 2, { failure: failure("canceled") })]);
    expect(failureOf({ run: stopped, failure: null })).toBeNull();
  });

  it("marks at least one character in the editor", () => {
    expect(marks(run("failed", [refused]))).toEqual([{ from: 3, to: 4, message: "ERROR: syntax error" }]);
  });

  it("is found by line and column, counted from one", () => {
    expect(position("select\n  bad", 9)).toEqual({ line: 2, column: 3 });
    expect(position("x", 0)).toEqual({ line: 1, column: 1 });
  });
});
