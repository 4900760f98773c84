import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import type { HistoryEntry, HistoryPage, Run } from "../../../ipc/contract";
import { useConsoles } from "../../../lib/state/consoles";
import { type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { HistoryPanel } from "./HistoryPanel";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
let memory: MemoryBackend;

function entry(id: number, more: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    id,
    at: 1_790_000_000_000,
    target,
    sql: `select ${id}`,
    cut: false,
    partial: false,
    statements: 1,
    outcome: "done",
    elapsed_ms: 214,
    rows: 3,
    tag: "SELECT 3",
    sqlstate: null,
    message: null,
    ...more,
  };
}

function page(entries: HistoryEntry[], more: Partial<HistoryPage> = {}): HistoryPage {
  const kept = entries.length;
  return { entries, more: false, kept, bytes: 80, most: 100_000, most_bytes: 64_000_000, trouble: null, ...more };
}

beforeEach(() => {
  memory = provideMemoryBackend()
    .answer("history_list", () => page([entry(2), entry(1)]))
    .answer("console_remembering", () => ({ history: true, tabs: true }))
    .answer("history_forget", () => 1)
    .answer("console_open", () => ({
      id: "t9",
      target,
      env: null,
      read_only: false,
      manual: false,
      transaction: null,
      lost: null,
    }))
    .answer("console_check", () => ({ parameters: [], dangers: [] }))
    .answer("draft_save", () => null)
    .answer("console_run", () => ({ id: "r", tab: "t9", state: "waiting" }) as Run);
  useConsoles.setState({ tabs: [], active: null });
});

describe("the history", () => {
  it("lists what was run with its outcome, and says how much is kept", async () => {
    memory.answer("history_list", () =>
      page([entry(2, { outcome: "failed", sqlstate: "42703", message: 'column "x" does not exist' }), entry(1)]),
    );
    render(<HistoryPanel />);
    expect((await screen.findByTestId("history-row-0")).textContent).toContain('42703 column "x" does not exist');
    expect(screen.getByTestId("history-row-1").textContent).toContain("3 rows, 214 ms");
    expect(screen.getByTestId("history-kept").textContent).toBe("2 runs, 80 B");
  });

  it("searches for all words once typing rests, and shows a late answer of an older search to nobody", async () => {
    render(<HistoryPanel />);
    await screen.findByTestId("history-row-0");
    let late: (page: HistoryPage) => void = () => {};
    memory.answer("history_list", ({ words }) =>
      words === "or" ? new Promise<HistoryPage>((done) => (late = done)) : page([entry(7, { sql: "select orders" })]),
    );
    const field = screen.getByTestId("history-search");
    fireEvent.change(field, { target: { value: "or" } });
    await waitFor(() => expect(memory.requests("history_list").at(-1)?.words).toBe("or"));
    fireEvent.change(field, { target: { value: "orders" } });
    await waitFor(() => expect(screen.getByTestId("history-row-0").textContent).toContain("select orders"));
    await act(async () => late(page([entry(1)])));
    expect(screen.getByTestId("history-row-0").textContent).toContain("select orders");
  });

  it("opens an entry in a tab of its login without running it", async () => {
    memory
      .answer("history_list", () => page([entry(5, { cut: true })]))
      .answer("history_sql", () => "select 'all of it'");
    render(<HistoryPanel />);
    await userEvent.click(await screen.findByTestId("history-row-0"));
    await waitFor(() => expect(useConsoles.getState().tabs[0]?.text).toBe("select 'all of it'"));
    expect(memory.requests("console_open")).toEqual([{ target, read_only: false }]);
    expect(memory.requests("console_run")).toEqual([]);
  });

  it("runs an entry again on Ctrl+Enter, and forgets it on Delete", async () => {
    render(<HistoryPanel />);
    const row = await screen.findByTestId("history-row-0");
    row.focus();
    fireEvent.keyDown(row, { key: "Enter", ctrlKey: true });
    await waitFor(() => expect(memory.requests("console_run")[0]).toMatchObject({ text: "select 2", all: true }));
    fireEvent.keyDown(screen.getByTestId("history-row-0"), { key: "Delete" });
    await waitFor(() => expect(memory.requests("history_forget")).toEqual([{ what: "entry", id: 2 }]));
  });

  it("does not run what was not kept whole", async () => {
    memory.answer("history_list", () => page([entry(5, { cut: true, partial: true })]));
    render(<HistoryPanel />);
    await userEvent.click(await screen.findByTestId("history-row-0"));
    expect(screen.getByTestId("history-run-0").hasAttribute("disabled")).toBe(true);
    expect(memory.requests("console_open")).toEqual([]);
  });

  it("asks before it forgets all", async () => {
    render(<HistoryPanel />);
    await screen.findByTestId("history-row-0");
    await userEvent.click(screen.getByTestId("history-forget"));
    await userEvent.click(screen.getByText("Forget all runs"));
    expect(memory.requests("history_forget")).toEqual([]);
    await userEvent.click(screen.getByTestId("history-confirm-forget"));
    expect(memory.requests("history_forget")).toEqual([{ what: "everything" }]);
  });

  it("asks anew when something was run, and says when it is switched off", async () => {
    memory.answer("console_remembering", () => ({ history: false, tabs: true }));
    render(<HistoryPanel />);
    await screen.findByTestId("history-row-0");
    expect(await screen.findByText(/The history is switched off/)).toBeTruthy();
    memory.answer("history_list", () => page([entry(3), entry(2), entry(1)]));
    act(() => memory.send("history_changed", null));
    expect(await screen.findByTestId("history-row-2")).toBeTruthy();
  });
});
