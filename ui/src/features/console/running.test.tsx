import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import type { ConsoleTab, Run } from "../../ipc/contract";
import { useConsoles } from "../../lib/state/consoles";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { ConsoleView } from "./ConsoleView";
import { useLeaving } from "./leaving";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const plain: ConsoleTab = {
  id: "t1",
  target,
  env: "prod",
  read_only: false,
  manual: false,
  transaction: null,
  lost: null,
};
const done: Run = { id: "r", tab: "t1", state: "done", statements: [], notices: [], elapsed_ms: 1, failure: null };
const open = { failed: false, since: Date.now() - 5000, statements: 2, idle_since: Date.now() };
let memory: MemoryBackend;
let user: ReturnType<typeof userEvent.setup>;

async function shown(text: string, tab: Partial<ConsoleTab> = {}) {
  memory.answer("console_open", ({ target: to, read_only }) => ({ ...plain, ...tab, target: to, read_only }));
  useConsoles.getState().clear();
  await useConsoles.getState().open(target, text);
  render(<ConsoleView />);
  await screen.findByTestId("console-editor");
}

beforeEach(() => {
  user = userEvent.setup();
  useLeaving.setState({ leaving: null });
  memory = provideMemoryBackend()
    .answer("console_check", () => ({ parameters: [], dangers: [] }))
    .answer("console_results", () => [])
    .answer("console_close", () => null)
    .answer("console_retarget", ({ target: to, read_only }) => ({ ...plain, id: "t2", target: to, read_only }))
    .answer("console_set_manual", ({ manual }) => ({ ...plain, manual }))
    .answer("console_end_transaction", ({ commit }) => ({ committed: commit }))
    .answer("console_run", () => done);
});

describe("a transaction", () => {
  it("is shown as the shell tells it, and ended by button and by key", async () => {
    await shown("select 1");
    await user.selectOptions(screen.getByTestId("transaction-mode"), "manual");
    expect(memory.requests("console_set_manual")).toEqual([{ tab: "t1", manual: true }]);
    expect(screen.queryByTestId("transaction-state")).toBeNull();
    act(() => useConsoles.getState().takeTab({ ...plain, manual: true, transaction: open }));
    expect(screen.getByTestId("transaction-state").dataset.state).toBe("open");
    expect(screen.getByText(/2 statements/)).toBeTruthy();
    await user.click(screen.getByTestId("commit"));
    fireEvent.keyDown(window, { key: "X", ctrlKey: true, shiftKey: true });
    await waitFor(() =>
      expect(memory.requests("console_end_transaction")).toEqual([
        { tab: "t1", commit: true },
        { tab: "t1", commit: false },
      ]),
    );
  });

  it("that failed can only be rolled back", async () => {
    await shown("select 1", { transaction: { ...open, failed: true } });
    expect(screen.getByTestId("transaction-state").dataset.state).toBe("failed");
    expect(screen.queryByTestId("commit")).toBeNull();
    fireEvent.keyDown(window, { key: "Y", ctrlKey: true, shiftKey: true });
    await user.click(screen.getByTestId("roll-back"));
    expect(memory.requests("console_end_transaction")).toEqual([{ tab: "t1", commit: false }]);
  });

  it("that rests for a minute says what it costs, and one that is lost says why", async () => {
    await shown("select 1", { transaction: { ...open, idle_since: Date.now() - 61_000 } });
    expect(screen.getByTestId("transaction-note").textContent).toContain("locks");
    act(() => useConsoles.getState().takeTab({ ...plain, lost: "terminating connection" }));
    expect(screen.getByTestId("transaction-note").textContent).toContain("rolled back: terminating connection");
    act(() => useConsoles.getState().takeTab(plain));
    expect(screen.queryByTestId("transaction-note")).toBeNull();
  });

  it("is asked about before its tab is closed, and the safe way has the focus", async () => {
    await shown("select 1", { transaction: open });
    fireEvent.keyDown(screen.getByTestId("console-tab-1"), { key: "Delete" });
    const dialog = await screen.findByTestId("leave-dialog");
    expect(dialog.textContent).toContain("rolls back what is not committed");
    expect(document.activeElement).toBe(screen.getByTestId("leave-stay"));
    await user.keyboard("{Enter}");
    expect(screen.queryByTestId("leave-dialog")).toBeNull();
    expect(memory.requests("console_close")).toEqual([]);
    fireEvent.keyDown(screen.getByTestId("console-tab-1"), { key: "Delete" });
    await user.click(await screen.findByTestId("leave-commit"));
    await waitFor(() => expect(memory.requests("console_close")).toEqual(["t1"]));
    expect(memory.requests("console_end_transaction")).toEqual([{ tab: "t1", commit: true }]);
  });

  it("is asked about before its tab gets another session", async () => {
    await shown("select 1", { transaction: open });
    await user.click(screen.getByTestId("read-only"));
    await screen.findByTestId("leave-dialog");
    expect(memory.requests("console_retarget")).toEqual([]);
    await user.click(screen.getByTestId("leave-roll-back"));
    await waitFor(() => expect(memory.requests("console_retarget")).toEqual([{ tab: "t1", target, read_only: true }]));
  });
});

describe("a dangerous statement", () => {
  const danger = { parameters: [], dangers: [{ danger: "delete_all" as const, from: 10, to: 23 }] };

  it("is quoted and asked about, and Enter does not run it", async () => {
    memory.answer("console_check", () => danger);
    await shown("select 1; delete from t");
    await user.click(screen.getByTestId("run-all"));
    const dialog = await screen.findByTestId("danger-dialog");
    expect(dialog.getAttribute("role")).toBe("alertdialog");
    expect(screen.getByTestId("danger-list").textContent).toContain("delete from t");
    expect(dialog.textContent).toContain("sales");
    expect(document.activeElement).toBe(screen.getByTestId("danger-back"));
    await user.keyboard("{Enter}");
    expect(screen.queryByTestId("danger-dialog")).toBeNull();
    expect(memory.requests("console_run")).toEqual([]);
    await user.click(screen.getByTestId("run-all"));
    await user.click(await screen.findByTestId("danger-run"));
    await waitFor(() => expect(memory.requests("console_run")[0]).toMatchObject({ confirmed: true, all: true }));
  });

  it("runs at once where the shell finds nothing to ask", async () => {
    await shown("delete from t");
    await user.click(screen.getByTestId("run"));
    await waitFor(() => expect(memory.requests("console_run")[0]).toMatchObject({ confirmed: false }));
    expect(screen.queryByTestId("danger-dialog")).toBeNull();
  });
});

describe("parameters", () => {
  it("have fields while the text has names, and a run waits for their values", async () => {
    memory.answer("console_check", () => ({ parameters: ["이름", "n"], dangers: [] }));
    await shown("select :이름, :n");
    const name = await screen.findByTestId("parameter-이름");
    await user.click(screen.getByTestId("run"));
    await waitFor(() => expect(document.activeElement).toBe(name));
    expect(screen.getByTestId("parameters").textContent).toContain("No values for 이름, n");
    expect(memory.requests("console_run")).toEqual([]);
    await user.type(name, "서울");
    await user.selectOptions(screen.getByTestId("parameter-kind-n"), "number");
    await user.type(screen.getByTestId("parameter-n"), "42");
    fireEvent.keyDown(screen.getByTestId("parameter-n"), { key: "Enter", ctrlKey: true });
    await waitFor(() =>
      expect(memory.requests("console_run")[0]?.parameters).toEqual([
        { name: "이름", kind: "any", value: "서울" },
        { name: "n", kind: "number", value: "42" },
      ]),
    );
  });

  it("take an empty text and NULL only where that is chosen", async () => {
    memory.answer("console_check", () => ({ parameters: ["a", "b"], dangers: [] }));
    await shown("select :a, :b");
    await user.selectOptions(await screen.findByTestId("parameter-kind-a"), "text");
    await user.selectOptions(screen.getByTestId("parameter-kind-b"), "null");
    await user.click(screen.getByTestId("run"));
    await waitFor(() =>
      expect(memory.requests("console_run")[0]?.parameters).toEqual([
        { name: "a", kind: "text", value: "" },
        { name: "b", kind: "null", value: "" },
      ]),
    );
  });

  it("are not asked for where the text cannot have any", async () => {
    await shown("select now()::date, 1");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(memory.requests("console_check")).toEqual([]);
    expect(screen.queryByTestId("parameters")).toBeNull();
  });
});

it("keeps the lines of a server's long error", async () => {
  const message =
    "Value too long for character type\n  error:  Value too long\n  code:      8001\n  context:   Value too long\n  process:   padbmaster [pid=1]";
  const sql = { severity: "ERROR", sqlstate: "XX000", message, detail: null, hint: null, from: null, to: null };
  const statement = { from: 0, to: 8, state: "failed" as const, tag: null, result: null, elapsed_ms: 1 };
  memory.answer("console_run", () => ({
    ...done,
    state: "failed",
    statements: [{ ...statement, failure: failure("database_error", {}, { sql }) }],
  }));
  await shown("select 1");
  await user.click(screen.getByTestId("run"));
  const server = await screen.findByTestId("error-server");
  expect(server.textContent).toBe(`ERROR: ${message}`);
  expect(server.className).toContain("err__server");
});
