import { describe, expect, it } from "vitest";
import { anyQuery } from "../../test/query";
import { elapsedNow, longest, phases } from "./phases";

const query = anyQuery;

describe("where a query's time went", () => {
  it("keeps the order of phases and leaves out those that did not happen", () => {
    const list = phases(query({ queue_ms: 100, execution_ms: 300, lock_wait_ms: 600 }), 1000);
    expect(list).toEqual([
      { name: "lock", ms: 600 },
      { name: "queue", ms: 100 },
      { name: "execution", ms: 300 },
    ]);
    expect(longest(list)?.name).toBe("lock");
  });

  it("gives time without a name to the phase its status names", () => {
    expect(phases(query({ status: "queued" }), 500)).toEqual([{ name: "queue", ms: 500 }]);
    expect(phases(query({ status: "returning", execution_ms: 200 }), 500).at(-1)).toEqual({
      name: "returning",
      ms: 300,
    });
  });

  it("admits what it does not know", () => {
    expect(phases(query({ status: "canceled", live: false, execution_ms: 200 }), 500).at(-1)).toEqual({
      name: "unknown",
      ms: 300,
    });
  });
});

describe("elapsed time", () => {
  it("goes on for live queries and stands for finished ones", () => {
    expect(elapsedNow(query({}), 5000, 8000)).toBe(4000);
    expect(elapsedNow(query({ live: false, status: "success" }), 5000, 8000)).toBe(1000);
  });
});
