import { describe, expect, it, vi } from "vitest";
import type { Column } from "../../../ipc/contract";
import { CopyRefused, copyText, MOST_ROWS, type Range, type Refusal, type Rows } from "./copying";
import type { CopyFormat } from "./formats";

const columns: Column[] = [
  { name: "id", type_name: "int8", numeric: true },
  { name: "note", type_name: "varchar", numeric: false },
];

function served(total: number, cut: { row: number; bytes: number; tooLong?: boolean }[] = []) {
  const window = vi.fn(async (first: number, count: number) => {
    const size = Math.max(0, Math.min(count, 1000, total - first));
    const rows = Array.from({ length: size }, (_, at) => [String(first + at), "short"]);
    const inside = cut.filter(({ row }) => row >= first && row < first + size);
    return { first, rows, cut: inside.map(({ row, bytes }) => ({ row, column: 1, bytes })) };
  });
  const cell = vi.fn(async (row: number) => ({
    text: `whole ${row}`,
    bytes: 5000,
    cut: cut.some((one) => one.row === row && one.tooLong),
  }));
  return { window, cell } satisfies Rows;
}

const take = (rows: Rows, range: Partial<Range>, format: CopyFormat = "tsv", own = new AbortController()) =>
  copyText(
    rows,
    { first: 0, count: 1, sources: [0, 1], ...range },
    columns,
    format,
    { head: false, table: "t" },
    own.signal,
    () => {},
  );
const why = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (reason): Refusal | unknown => (reason instanceof CopyRefused ? reason.why : reason),
  );

describe("copying", () => {
  it("reads page after page, in the order of the screen", async () => {
    const rows = served(10_000_000);
    const { text } = await take(rows, { first: 9_997_500, count: 2500, sources: [1, 0] });
    const lines = text.split("\n");
    expect(lines).toHaveLength(2500);
    expect(lines[0]).toBe("short\t9997500");
    expect(lines[2499]).toBe("short\t9999999");
    expect(rows.window).toHaveBeenCalledTimes(3);
  });

  it("fetches whole what the grid shows cut, and only where it is selected", async () => {
    const rows = served(10, [{ row: 3, bytes: 5000 }]);
    expect((await take(rows, { count: 5 })).text).toContain("3\twhole 3");
    rows.cell.mockClear();
    await take(rows, { count: 5, sources: [0] });
    expect(rows.cell).not.toHaveBeenCalled();
  });

  it("copies one cell as it is", async () => {
    const rows: Rows = { ...served(1), window: async () => ({ first: 0, rows: [["1", 'a\t"b"']], cut: [] }) };
    expect((await take(rows, { sources: [1] })).text).toBe('a\t"b"');
  });

  it("copies nothing rather than a part", async () => {
    expect(await why(take(served(10), { count: MOST_ROWS + 1 }))).toEqual({ kind: "rows", rows: MOST_ROWS + 1 });
    expect(await why(take(served(10), { count: 20 }))).toEqual({ kind: "ended", rows: 10 });
    const long = served(10, [{ row: 2, bytes: 90_000_000, tooLong: true }]);
    expect(await why(take(long, { count: 5 }))).toMatchObject({ kind: "cell", row: 2, source: 1 });
    const wide: Rows = {
      ...served(1),
      window: async (first, count) => ({ first, rows: Array(count).fill(["1", "x".repeat(100_000)]), cut: [] }),
    };
    expect(await why(take(wide, { count: 1000 }))).toEqual({ kind: "size" });
  });

  it("stops when it is told to", async () => {
    const own = new AbortController();
    const rows = served(100_000);
    const copying = why(take(rows, { count: 100_000 }, "csv", own));
    own.abort();
    expect(await copying).toBe(own.signal.reason);
    expect(rows.window).toHaveBeenCalledTimes(1);
  });

  it("counts the NULLs a list leaves out", async () => {
    const rows: Rows = { ...served(1), window: async (first) => ({ first, rows: [["1"], [null], [null]], cut: [] }) };
    expect(await take(rows, { count: 3, sources: [0] }, "in")).toEqual({ text: "(1)", nulls: 2 });
  });
});
