import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Run, RunState } from "../../ipc/contract";
import { useConsoles } from "../../lib/state/consoles";
import { columns, row } from "../../test/fixture/warehouse";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { ConsoleView } from "./ConsoleView";

const TEXT = "select 1;\nselect bad from t";
const target = { database: "sales", db_user: "ro", db_name: "dev" };
const ROWS = 10_000_000;
const idle = { env: "prod", read_only: false, manual: false, transaction: null, lost: null };
let memory: MemoryBackend;

function run(state: RunState, more: Partial<Run["statements"][number]> = {}): Run {
  const statement = { from: 10, to: 27, state, tag: null, result: null, failure: null, elapsed_ms: 214, ...more };
  return { id: "a", tab: "t1", state, statements: [statement], notices: [], elapsed_ms: 214, failure: null };
}

let results = 0;
const result = { id: "r1", columns, rows: ROWS, bytes: 1_840_000_000, complete: true };

beforeEach(async () => {
  // A viewport of ten rows; jsdom has none of its own.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(240);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1300);
  memory = provideMemoryBackend()
    .answer("console_open", ({ target: to, read_only }) => ({ ...idle, id: "t1", target: to, read_only }))
    .answer("console_check", () => ({ parameters: [], dangers: [] }))
    .answer("console_cancel", () => null)
    .answer("console_results", () => [])
    .answer("result_window", ({ first, count }) => ({
      first,
      rows: Array.from({ length: Math.min(count, ROWS - first) }, (_, index) => row(first + index)),
      cut: [],
    }))
    .answer("result_cell", ({ row: at, column }) => ({ text: row(at)[column] ?? null, bytes: 9, cut: false }));
  useConsoles.setState({ tabs: [], active: null });
  await useConsoles.getState().open(target, TEXT);
});

const press = (element: Element, key: string, more: Partial<KeyboardEventInit> = {}) =>
  fireEvent.keyDown(element, { key, ...more });

describe("running", () => {
  it("hands over what is selected on Ctrl+Enter and stops on Ctrl+.", async () => {
    memory.answer("console_run", () => run("running"));
    render(<ConsoleView />);
    const editor = await screen.findByTestId("console-editor");
    press(editor, "Enter", { ctrlKey: true });
    await waitFor(() => expect(screen.getByTestId("run-status").dataset.state).toBe("running"));
    expect(memory.requests("console_run")).toEqual([
      { tab: "t1", text: TEXT, from: 0, to: 0, all: false, explain: false, parameters: [], confirmed: false },
    ]);
    press(editor, ".", { ctrlKey: true });
    expect(memory.requests("console_cancel")).toEqual(["t1"]);
  });

  it("runs everything on Ctrl+Shift+Enter", async () => {
    memory.answer("console_run", () => run("done", { tag: "SELECT 0" }));
    render(<ConsoleView />);
    press(await screen.findByTestId("console-editor"), "Enter", { ctrlKey: true, shiftKey: true });
    await waitFor(() => expect(memory.requests("console_run")[0]?.all).toBe(true));
  });

  it("marks the token the server named and explains it", async () => {
    const sql = {
      severity: "ERROR",
      sqlstate: "42703",
      message: 'column "bad" does not exist',
      detail: null,
      hint: null,
      from: 17,
      to: 20,
    };
    memory.answer("console_run", () => run("failed", { failure: failure("database_error", {}, { sql }) }));
    const { container } = render(<ConsoleView />);
    await userEvent.click(await screen.findByTestId("run"));
    expect((await screen.findByTestId("error-server")).textContent).toBe('ERROR: column "bad" does not exist');
    expect(screen.getByTestId("error-where").textContent).toBe("Line 2, column 8");
    await waitFor(() => expect(container.querySelector(".cm-lintRange-error")?.textContent).toBe("bad"));
  });

  it("shows rows so far when a query was canceled elsewhere", async () => {
    memory.answer("console_run", () => run("running", { result: { ...result, rows: 5 } }));
    render(<ConsoleView />);
    await userEvent.click(await screen.findByTestId("run"));
    await waitFor(() => expect(screen.getByTestId("run-status").dataset.state).toBe("returning"));
    act(() => useConsoles.getState().take(run("canceled", { result: { ...result, rows: 5, complete: false } })));
    expect(screen.getByTestId("run-status").textContent).toBe("Canceled");
    expect(screen.getByTestId("result-rows").dataset.rows).toBe("5");
    expect(screen.queryByTestId("error-panel")).toBeNull();
  });

  it("says so when nothing matched", async () => {
    memory.answer("console_run", () => run("done", { tag: "SELECT 0", result: { ...result, rows: 0 } }));
    render(<ConsoleView />);
    await userEvent.click(await screen.findByTestId("run"));
    expect(await screen.findByText("0 rows", { selector: ".empty__title" })).toBeTruthy();
  });
});

describe("the result grid", () => {
  async function shown() {
    results += 1;
    memory.answer("console_run", () =>
      run("done", { tag: `SELECT ${ROWS}`, result: { ...result, id: `big${results}` } }),
    );
    render(<ConsoleView />);
    await userEvent.click(await screen.findByTestId("run"));
    await screen.findByTestId("cell-0-0");
    await waitFor(() => expect(screen.getByTestId("cell-0-0").textContent).toBe("874201937"));
    return screen.getByTestId("result-rows");
  }

  it("is an ARIA grid that knows all rows and draws only those that are seen", async () => {
    const grid = await shown();
    expect(grid.getAttribute("aria-rowcount")).toBe(String(ROWS + 1));
    expect(grid.querySelectorAll("[role=row]").length).toBeLessThan(20);
    expect(screen.getByTestId("cell-0-0").closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("2");
    expect(screen.getByTestId("cell-1-7").className).toContain("is-null");
    expect(screen.getByTestId("cell-0-6").className).toContain("right");
  });

  it("reaches the last of ten million rows by one key", async () => {
    const grid = await shown();
    press(grid, "ArrowDown");
    press(grid, "End", { ctrlKey: true });
    await waitFor(() => expect(screen.getByTestId("cell-9999999-7").textContent).toBe("WELCOME10"));
    expect(memory.requests("result_window").length).toBeLessThan(5);
  });

  it("copies the selected cells for a spreadsheet", async () => {
    const grid = await shown();
    press(grid, "ArrowRight");
    press(grid, "ArrowRight");
    press(grid, "ArrowRight", { shiftKey: true });
    press(grid, "ArrowDown", { shiftKey: true });
    press(grid, "c", { ctrlKey: true });
    await waitFor(() => expect(memory.copied).toHaveLength(1));
    expect(memory.copied[0]?.split("\n").map((line) => line.split("\t").length)).toEqual([2, 2]);
  });

  it("does not copy a result whole by accident", async () => {
    const grid = await shown();
    press(grid, "a", { ctrlKey: true });
    press(grid, "c", { ctrlKey: true });
    await new Promise((done) => setTimeout(done));
    expect(memory.copied).toEqual([]);
  });

  it("opens one cell whole", async () => {
    const grid = await shown();
    press(grid, "ArrowDown");
    press(grid, "Enter");
    expect((await screen.findByTestId("cell-viewer")).textContent).toContain("order_id, row 1");
  });
});
