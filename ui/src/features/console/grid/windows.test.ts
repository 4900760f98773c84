import { describe, expect, it, vi } from "vitest";
import type { RowWindow } from "../../../ipc/contract";
import { failure } from "../../../test/memory-backend";
import { RowWindows } from "./windows";

/** A server whose answers come when the test says so. */
function served(total: () => number) {
  const waiting: Array<{ first: number; reply: () => void; refuse: () => void }> = [];
  const fetch = vi.fn(
    (first: number, count: number) =>
      new Promise<RowWindow>((resolve, reject) => {
        const size = Math.max(0, Math.min(count, total() - first));
        const rows = Array.from({ length: size }, (_, index) => [String(first + index)]);
        const cut = first === 0 ? [{ row: 3, column: 0, bytes: 5000 }] : [];
        waiting.push({
          first,
          reply: () => resolve({ first, rows, cut }),
          refuse: () => reject(failure("storage", { path: "/tmp" })),
        });
      }),
  );
  const settle = async () => {
    for (const one of waiting.splice(0)) one.reply();
    await new Promise((done) => setTimeout(done));
  };
  return { fetch, waiting, settle };
}

describe("windows of rows", () => {
  it("are asked for once and then kept", async () => {
    const server = served(() => 1000);
    const arrived = vi.fn();
    const rows = new RowWindows(server.fetch, arrived);
    rows.want(0, 20, 1000);
    rows.want(0, 20, 1000);
    await server.settle();
    expect(server.fetch).toHaveBeenCalledTimes(1);
    expect(arrived).toHaveBeenCalled();
    expect(rows.row(20)).toEqual(["20"]);
    expect(rows.cutBytes(3, 0)).toBe(5000);
  });

  it("forget what was scrolled past before it was asked for", async () => {
    const server = served(() => 10_000_000);
    const rows = new RowWindows(server.fetch, () => {});
    for (const first of [0, 1_000_000, 2_000_000, 3_000_000, 9_000_000]) rows.want(first, first + 20, 10_000_000);
    expect(server.waiting).toHaveLength(2);
    await server.settle();
    await server.settle();
    const asked = server.fetch.mock.calls.map(([first]) => first);
    expect(asked).toHaveLength(3);
    expect(rows.row(9_000_000)).toEqual(["9000000"]);
  });

  it("are asked for again when a growing result has more of them", async () => {
    let total = 10;
    const server = served(() => total);
    const rows = new RowWindows(server.fetch, () => {});
    rows.want(0, 9, 10);
    await server.settle();
    total = 40;
    rows.want(0, 20, 40);
    expect(rows.row(5)).toEqual(["5"]);
    await server.settle();
    expect(rows.row(30)).toEqual(["30"]);
  });

  it("do not ask on and on when fewer rows come than were announced", async () => {
    const server = served(() => 10);
    const rows = new RowWindows(server.fetch, () => rows.want(0, 20, 100));
    rows.want(0, 20, 100);
    await server.settle();
    await server.settle();
    expect(server.fetch).toHaveBeenCalledTimes(1);
  });

  it("hold a bounded number however far one scrolls", async () => {
    const server = served(() => 10_000_000);
    const rows = new RowWindows(server.fetch, () => {});
    for (let window = 0; window < 100; window++) {
      rows.want(window * 256, window * 256, 10_000_000);
      await server.settle();
    }
    expect(rows.row(0)).toBeUndefined();
    expect(rows.row(99 * 256)).toBeDefined();
    const here = Array.from({ length: 100 }, (_, window) => rows.row(window * 256)).filter(Boolean);
    expect(here).toHaveLength(64);
  });

  it("stop at a failure until one tries again", async () => {
    const server = served(() => 1000);
    const rows = new RowWindows(server.fetch, () => {});
    rows.want(0, 20, 1000);
    server.waiting[0]?.refuse();
    await new Promise((done) => setTimeout(done));
    expect(rows.failure?.code).toBe("storage");
    rows.want(0, 20, 1000);
    expect(server.fetch).toHaveBeenCalledTimes(1);
    rows.retry();
    rows.want(0, 20, 1000);
    expect(server.fetch).toHaveBeenCalledTimes(2);
  });
});
