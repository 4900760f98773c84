import { describe, expect, it } from "vitest";
import type { KeptResult, ResultInfo, Run } from "../../ipc/contract";
import { nameOf, repeatable, shownResults } from "./kept";

const info = (id: string, rows = 1): ResultInfo => ({ id, columns: [], rows, bytes: 1, complete: true });
const kept = (id: string, pinned: boolean): KeptResult => ({
  result: info(id),
  run: "old",
  sql: `select '${id}'`,
  pinned,
  growing: false,
});
const run = (...ids: string[]): Run => ({
  id: "now",
  tab: "t",
  state: "done",
  statements: ids.map((id) => ({
    from: 0,
    to: 1,
    state: "done",
    tag: null,
    result: info(id, 7),
    failure: null,
    elapsed_ms: 1,
  })),
  notices: [],
  elapsed_ms: 1,
  failure: null,
});

describe("the results of a tab", () => {
  it("are the pinned ones of earlier runs, then those of the last", () => {
    const all = shownResults(run("c", "d"), [kept("a", true), kept("b", false), kept("c", true)]);
    expect(all.map(({ result, pinned, statement }) => [result.id, pinned, statement !== null])).toEqual([
      ["a", true, false],
      ["c", true, true],
      ["d", false, true],
    ]);
  });

  it("have the newest count of a run that goes on", () => {
    expect(shownResults(run("c"), [kept("c", false)])[0]?.result.rows).toBe(7);
  });

  it("are the pinned ones alone when nothing has run yet", () => {
    expect(shownResults(null, [kept("a", true), kept("b", false)]).map(({ result }) => result.id)).toEqual(["a"]);
  });
});

describe("a result's statement", () => {
  const [pinned, last] = shownResults(run("c"), [kept("a", true)]);
  if (!pinned || !last) throw new Error("both are shown");

  it("can be run again where it is known whole", () => {
    expect(repeatable(pinned, "")).toBe("select 'a'");
    expect(repeatable(last, "x and more")).toBe("x");
  });

  it("cannot where only its beginning was kept, or where it had values for names", () => {
    expect(repeatable({ ...pinned, sql: "s".repeat(1000) }, "")).toBeNull();
    expect(repeatable({ ...pinned, sql: "select :a" }, "")).toBeNull();
    expect(repeatable({ ...pinned, sql: "select a::int" }, "")).toBe("select a::int");
  });
});

describe("a pinned result's name", () => {
  it("is its statement's first words, on one line and without the comments above it", () => {
    expect(nameOf("-- by city\n/* all */ select city,\n  count(*) from orders")).toBe(
      `${"select city, count(*) from orders".slice(0, 31)}…`,
    );
    expect(nameOf("select 1")).toBe("select 1");
    expect(nameOf("-- only a note")).toBe("-- only a note");
  });
});
