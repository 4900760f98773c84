import { describe, expect, it } from "vitest";
import type { Query } from "../../ipc/contract";
import { elapsedNow, longest, monitorGrant, phases, timeline } from "./phases";

const query = (more: Partial<Query>): Query => ({
  query_id: "1",
  session_id: 10,
  user: "IAMR:ro",
  db_name: "dev",
  status: "running",
  live: true,
  query_type: "SELECT",
  start_time: 0,
  end_time: null,
  elapsed_ms: 1000,
  queue_ms: 0,
  lock_wait_ms: 0,
  planning_ms: 0,
  compile_ms: 0,
  execution_ms: 0,
  rows: 0,
  error: null,
  text: "select 1",
  own: true,
  ours: null,
  ...more,
});

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

describe("the timeline", () => {
  const now = 1_000_000;

  it("shows what lives first and at most eight lanes, by when they began", () => {
    const live = Array.from({ length: 3 }, (_, index) =>
      query({ query_id: `live${index}`, start_time: now - 1000 * (index + 1) }),
    );
    const ended = Array.from({ length: 9 }, (_, index) =>
      query({
        query_id: `end${index}`,
        live: false,
        status: "success",
        start_time: now - 60_000,
        end_time: now - 50_000,
      }),
    );
    const plot = timeline([...live, ...ended], now, now);
    expect(plot?.lanes).toHaveLength(8);
    const starts = plot?.lanes.map(({ query: { start_time } }) => start_time) ?? [];
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(plot?.lanes.at(-1)?.query.query_id).toBe("live0");
  });

  it("keeps every bar inside the plot", () => {
    const plot = timeline([query({ start_time: now - 90_000 })], now, now);
    const lane = plot?.lanes[0];
    expect(lane && lane.left + lane.width).toBeLessThanOrEqual(100);
    expect(plot?.nowLeft).toBeCloseTo(97.5, 0);
  });

  it("is left out when nothing is recent", () => {
    const old = query({ live: false, status: "success", start_time: 0, end_time: 10 });
    expect(timeline([old], 3_600_000, 3_600_000)).toBeNull();
  });
});

it("the GRANT quotes the login", () => {
  expect(monitorGrant('IAMR:we"ird')).toBe('GRANT ROLE sys:monitor TO "IAMR:we""ird";');
});
