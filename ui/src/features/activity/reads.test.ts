import { beforeEach, describe, expect, it } from "vitest";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { anyActivity, anyQuery } from "../../test/query";
import { allQueries, oursRuns, useReads } from "./reads";
import { ranges } from "./timeline";

const target = (database: string) => ({ database, db_user: "ro", db_name: "dev" });
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend();
  useReads.getState().clear();
  useReads.setState({ range: ranges[1] });
  memory.answer("activity_list", ({ target: { database } }) => {
    if (database === "down") throw failure("connect_failed", { address: "down", reason: "refused" });
    const as_of = Date.now();
    const query = anyQuery({ query_id: "7", text: database, elapsed_ms: database === "sales" ? 10 : 20 });
    return anyActivity({ as_of, server_now: as_of, queries: [query] });
  });
});

const state = () => useReads.getState();
const shown = () => allQueries(state().targets, state().reads).map(({ text }) => text);

describe("several servers", () => {
  it("are read side by side, and the failure of one hides nothing of the others", async () => {
    await state().choose(target("sales"));
    await state().add(target("down"));
    await state().add(target("other"));
    expect(shown()).toEqual(["sales", "other"]);
    expect(state().reads.down?.failure?.code).toBe("connect_failed");
    expect(new Set(allQueries(state().targets, state().reads).map(({ key }) => key)).size).toBe(2);
    state().setAuto(true);
    await state().refresh();
    expect(state().auto).toBe(true);
    state().remove("sales");
    expect(shown()).toEqual(["other"]);
  });

  it("give way to one that is chosen", async () => {
    await state().choose(target("sales"));
    await state().add(target("other"));
    await state().choose(target("other"));
    expect(state().targets).toEqual([target("other")]);
  });
});

describe("a read", () => {
  it("is of the whole time first, then of what came since", async () => {
    await state().choose(target("sales"));
    await state().refresh();
    const [first, second] = memory.requests("activity_list");
    expect(first?.last_ms).toBe(3_600_000);
    expect(second?.last_ms).toBeLessThan(6 * 60_000);
    await state().setRange(ranges[2]);
    expect(memory.requests("activity_list")[2]?.last_ms).toBe(6 * 3_600_000);
    // Less is known already.
    await state().setRange(ranges[0]);
    expect(memory.requests("activity_list")).toHaveLength(3);
  });

  it("that comes late is dropped when somebody looks elsewhere", async () => {
    let answer: (() => void) | undefined;
    memory.answer(
      "activity_list",
      ({ target: { database } }) =>
        new Promise((resolve) => {
          const give = () => resolve(anyActivity({ queries: [anyQuery({ text: database })] }));
          if (database === "slow") answer = give;
          else give();
        }),
    );
    const late = state().choose(target("slow"));
    await state().choose(target("sales"));
    answer?.();
    await late;
    expect(shown()).toEqual(["sales"]);
  });

  it("stops repeating itself when nothing answers", async () => {
    await state().choose(target("down"));
    state().setAuto(true);
    await state().refresh();
    expect(state().auto).toBe(false);
  });

  it("goes on by itself while something of ours runs", async () => {
    await state().choose(target("sales"));
    expect(oursRuns(state().reads)).toBe(false);
    const ours = { program: "psql", session: 1, client: null, tab: null, cancel: null };
    memory.answer("activity_list", () => anyActivity({ queries: [anyQuery({ ours })] }));
    await state().refresh();
    expect(oursRuns(state().reads)).toBe(true);
  });
});
