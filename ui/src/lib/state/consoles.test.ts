import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RestoredTab, Run } from "../../ipc/contract";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { isRunning, isUnsaved, newer, useConsoles } from "./consoles";
import { forgetDraft } from "./drafts";
import { useToasts } from "./toasts";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const run = (id: string, state: Run["state"], elapsed_ms = 0): Run => ({
  id,
  tab: "t1",
  state,
  statements: [],
  notices: [],
  elapsed_ms,
  failure: null,
});

const idle = { env: "prod", read_only: false, manual: false, transaction: null, lost: null };

let memory: MemoryBackend;
beforeEach(async () => {
  memory = provideMemoryBackend();
  useConsoles.setState({ tabs: [], active: null });
  let opened = 0;
  memory.answer("console_open", ({ target: to, read_only }) => ({
    ...idle,
    id: `t${++opened}`,
    target: to,
    read_only,
  }));
  memory.answer("console_check", () => ({ parameters: [], dangers: [] }));
  memory.answer("console_close", () => null);
  memory.answer("console_retarget", ({ target: to, read_only }) => ({
    ...idle,
    id: `t${++opened}`,
    target: to,
    read_only,
  }));
  await useConsoles.getState().open(target, "select 1");
});

afterEach(() => {
  vi.useRealTimers();
});

function restored(id: string, text: string, number = 1, unsaved = false): RestoredTab {
  return {
    tab: { ...idle, id, target, env: null },
    draft: { number, place: 0, text, from: 2, to: 4, unsaved },
    file: null,
    mixed: false,
  };
}

const tab = (id = "t1") => {
  const found = useConsoles.getState().tabs.find((one) => one.id === id);
  if (!found) throw new Error(`no tab ${id}`);
  return found;
};

describe("reports of a run", () => {
  it("are kept when they are later, whatever order they arrive in", () => {
    const at = (known: Run | null, asking = false) => ({ run: known, asking });
    expect(newer(at(null), run("a", "running"))).toBe(true);
    expect(newer(at(run("a", "running", 500)), run("a", "running", 400))).toBe(false);
    expect(newer(at(run("a", "running", 500)), run("a", "done", 400))).toBe(true);
    expect(newer(at(run("a", "done", 500)), run("a", "running", 600))).toBe(false);
    expect(newer(at(run("a", "running")), run("b", "running"))).toBe(false);
    expect(newer(at(run("a", "done")), run("b", "running"))).toBe(true);
  });

  it("do not let the answer of console_run undo an end that an event told first", async () => {
    memory.answer("console_run", () => {
      useConsoles.getState().take(run("a", "done", 12));
      return run("a", "waiting");
    });
    await useConsoles.getState().run("t1", 0, 0, false);
    expect(tab().run?.state).toBe("done");
    expect(isRunning(tab())).toBe(false);
  });
});

describe("console tabs", () => {
  it("hand over the whole text with the selection", async () => {
    memory.answer("console_run", () => run("a", "done"));
    await useConsoles.getState().run("t1", 2, 6, false);
    expect(memory.requests("console_run")).toEqual([
      { tab: "t1", text: "select 1", from: 2, to: 6, all: false, explain: false, parameters: [], confirmed: false },
    ]);
  });

  it("run one thing at a time", async () => {
    memory.answer("console_run", () => run("a", "running"));
    await useConsoles.getState().run("t1", 0, 0, false);
    await useConsoles.getState().run("t1", 0, 0, false);
    expect(memory.requests("console_run")).toHaveLength(1);
  });

  it("keep why a run could not begin", async () => {
    memory.answer("console_run", () => {
      throw failure("login_refused", { db_user: "ro" });
    });
    await useConsoles.getState().run("t1", 0, 0, false);
    expect(tab().failure?.code).toBe("login_refused");
    expect(isRunning(tab())).toBe(false);
  });

  it("keep the text and the place when another user is chosen", async () => {
    await useConsoles.getState().open(target);
    useConsoles.getState().select("t1");
    await useConsoles.getState().retarget("t1", { ...target, db_user: "etl" });
    const { tabs, active } = useConsoles.getState();
    expect(tabs.map(({ id }) => id)).toEqual(["t3", "t2"]);
    expect(active).toBe("t3");
    expect(tab("t3").text).toBe("select 1");
    expect(memory.requests("console_retarget")).toHaveLength(1);
  });

  it("bring the neighbour to the front when the front one is closed", async () => {
    await useConsoles.getState().open(target);
    await useConsoles.getState().open(target);
    useConsoles.getState().select("t2");
    await useConsoles.getState().close("t2");
    expect(useConsoles.getState().active).toBe("t3");
  });

  it("come back after the page was loaded anew, without losing one that was opened meanwhile", async () => {
    memory.answer("console_restore", () => {
      useConsoles.setState(({ tabs }) => ({ tabs: [...tabs, { ...tab(), id: "late" }] }));
      return { tabs: [restored("t1", "select 0"), restored("old", "select 'kept'")], unreadable: [] };
    });
    await useConsoles.getState().load();
    expect(useConsoles.getState().tabs.map(({ id }) => id)).toEqual(["t1", "old", "late"]);
    // What is here is newer than what was kept of it.
    expect(tab().text).toBe("select 1");
    expect(tab("old").text).toBe("select 'kept'");
  });
});

describe("tabs of the last time", () => {
  it("have their text, their number and their file, and are not run", async () => {
    const file = { name: "report.sql", path: "/home/kim/report.sql" };
    const one = { ...restored("old", "select 'kept'", 107, true), file };
    memory.answer("console_restore", () => ({ tabs: [one], unreadable: ["/state/tabs/x.json"] }));
    useConsoles.setState({ tabs: [], active: null });
    expect(await useConsoles.getState().load()).toEqual(["/state/tabs/x.json"]);
    expect(tab("old")).toMatchObject({
      number: 107,
      file,
      text: "select 'kept'",
      run: null,
      cursor: { from: 2, to: 4 },
    });
    expect(isUnsaved(tab("old"))).toBe(true);
    expect(memory.requests("console_run")).toEqual([]);
    await useConsoles.getState().open(target);
    expect(useConsoles.getState().tabs[1]?.number).toBe(108);
  });
});

describe("what is typed", () => {
  beforeEach(() => {
    forgetDraft("t1");
    vi.useFakeTimers();
  });

  it("is kept soon, once for what was typed together", async () => {
    memory.answer("draft_save", () => null);
    const { setText } = useConsoles.getState();
    setText("t1", "select 1 from a", { from: 3, to: 3 });
    setText("t1", "select 1 from ab", { from: 16, to: 16 });
    await vi.advanceTimersByTimeAsync(1_000);
    const draft = { number: tab().number, place: 0, text: "select 1 from ab", from: 16, to: 16, unsaved: false };
    expect(memory.requests("draft_save")).toEqual([{ tab: "t1", draft }]);
  });

  it("is kept once more when it changed while it was being kept", async () => {
    let release = () => {};
    memory.answer("draft_save", () => new Promise<null>((done) => (release = () => done(null))));
    const texts = () => memory.requests("draft_save").map(({ draft }) => draft.text);
    useConsoles.getState().setText("t1", "a");
    await vi.advanceTimersByTimeAsync(1_000);
    useConsoles.getState().setText("t1", "ab");
    await vi.advanceTimersByTimeAsync(3_000);
    expect(texts()).toEqual(["a"]);
    release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(texts()).toEqual(["a", "ab"]);
  });

  it("is told once when it cannot be kept", async () => {
    useToasts.setState({ list: [] });
    memory.answer("draft_save", () => {
      throw failure("storage", { path: "/state/tabs", reason: "No space left on device" });
    });
    for (const text of ["a", "ab"]) {
      useConsoles.getState().setText("t1", text);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(useToasts.getState().list).toHaveLength(1);
  });
});

describe("files", () => {
  const file = { name: "report.sql", path: "/home/kim/report.sql" };

  it("are saved with what stands in the tab, and what is typed after that is unsaved", async () => {
    memory.answer("sql_save", () => file);
    expect(await useConsoles.getState().save("t1", { name: "x" })).toBe("saved");
    expect(memory.requests("sql_save")[0]).toMatchObject({ tab: "t1", elsewhere: false, replace: false });
    expect([tab().file, isUnsaved(tab())]).toEqual([file, false]);
    useConsoles.getState().setText("t1", "select 2");
    expect(isUnsaved(tab())).toBe(true);
  });

  it("that changed on disk are not replaced, and taken anew on request", async () => {
    memory.answer("sql_save", () => {
      throw failure("file_changed", { path: file.path, reason: "changed" });
    });
    const saved = await useConsoles.getState().save("t1", { name: "x" });
    expect(saved).toMatchObject({ changed: { code: "file_changed" } });
    memory.answer("sql_reload", () => ({ ...restored("t1", "select 'theirs'"), file }));
    const { revision } = tab();
    await useConsoles.getState().reload("t1");
    expect([tab().text, tab().revision]).toEqual(["select 'theirs'", revision + 1]);
  });

  it("are open once", async () => {
    memory.answer("sql_open", () => ({ ...restored("f1", "select 'file'"), file }));
    await useConsoles.getState().openFile(target);
    useConsoles.getState().select("t1");
    await useConsoles.getState().openFile(target);
    expect(useConsoles.getState().tabs.map(({ id }) => id)).toEqual(["t1", "f1"]);
    expect(useConsoles.getState().active).toBe("f1");
  });
});
