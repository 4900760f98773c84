import { beforeEach, describe, expect, it } from "vitest";
import type { Run } from "../../ipc/contract";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { isRunning, newer, useConsoles } from "./consoles";

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
  await useConsoles.getState().open(target, "select 1");
});

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
      { tab: "t1", text: "select 1", from: 2, to: 6, all: false, parameters: [], confirmed: false },
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
    expect(memory.requests("console_close")).toEqual(["t1"]);
  });

  it("bring the neighbour to the front when the front one is closed", async () => {
    await useConsoles.getState().open(target);
    await useConsoles.getState().open(target);
    useConsoles.getState().select("t2");
    await useConsoles.getState().close("t2");
    expect(useConsoles.getState().active).toBe("t3");
  });

  it("come back after the page was loaded anew, without losing one that was opened meanwhile", async () => {
    memory.answer("console_tabs", () => {
      useConsoles.setState(({ tabs }) => ({ tabs: [...tabs, { ...tab(), id: "late" }] }));
      return [
        { ...idle, id: "t1", target },
        { ...idle, id: "old", target, env: null },
      ];
    });
    await useConsoles.getState().load();
    expect(useConsoles.getState().tabs.map(({ id }) => id)).toEqual(["t1", "old", "late"]);
    expect(tab().text).toBe("select 1");
  });
});
