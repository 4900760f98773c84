import { describe, expect, it } from "vitest";
import { anyListed } from "../../test/query";
import { filtered, groups, isFiltered, nextSort, noFilters, sorted, usersOf } from "./filters";

const list = [
  anyListed("1", 100, null, { user: "IAMR:etl", text: "insert into mart.daily", mine: true, elapsed_ms: 90_000 }),
  anyListed("2", 90, 95, {
    user: "IAMR:bi",
    text: "SELECT 상품명 FROM mart",
    status: "failed",
    error: "no such table",
  }),
  anyListed("3", 80, 85, { user: "IAMR:bi", text: "select 1", hash: "h", elapsed_ms: 20_000, rows: 5 }),
  anyListed("10", 70, 75, { user: "IAMR:bi", text: "select 2", hash: "h", elapsed_ms: 10, rows: 7 }),
  anyListed("11", 60, null, { status: "queued", target: { database: "other", db_user: "ro", db_name: "dev" } }),
];
const keys = (queries: typeof list) => queries.map(({ key }) => key);
const by = (part: Partial<typeof noFilters>) => keys(filtered(list, { ...noFilters, ...part }));

describe("filters", () => {
  it("leave everything where none is set", () => {
    expect(isFiltered(noFilters)).toBe(false);
    expect(filtered(list, noFilters)).toBe(list);
  });

  it("find words in the text, the error, the user and the numbers, whatever their case", () => {
    expect(by({ text: "MART" })).toEqual(["1", "2"]);
    expect(by({ text: "mart 상품" })).toEqual(["2"]);
    expect(by({ text: "such table" })).toEqual(["2"]);
    expect(by({ text: "etl" })).toEqual(["1"]);
  });

  it("know states beyond the words of the server", () => {
    expect(by({ status: "live" })).toEqual(["1", "11"]);
    expect(by({ status: "waiting" })).toEqual(["11"]);
    expect(by({ status: "slow" })).toEqual(["1"]);
    expect(by({ status: "failed" })).toEqual(["2"]);
  });

  it("go together", () => {
    expect(by({ user: "IAMR:bi", longer: 1000 })).toEqual(["3"]);
    expect(by({ database: "other" })).toEqual(["11"]);
    expect(by({ onlyMine: true })).toEqual(["1"]);
    expect(by({ hash: "h" })).toEqual(["3", "10"]);
    expect(usersOf(list)).toEqual(["IAMR:bi", "IAMR:etl", "IAMR:ro"]);
  });
});

describe("order", () => {
  it("is as it came until a head is clicked, and numbers are the largest first", () => {
    expect(sorted(list, null)).toBe(list);
    const first = nextSort(null, "elapsed");
    expect(first).toEqual({ by: "elapsed", down: true });
    expect(keys(sorted(list, first))[0]).toBe("1");
    const second = nextSort(first, "elapsed");
    expect(second).toEqual({ by: "elapsed", down: false });
    expect(nextSort(second, "elapsed")).toBeNull();
  });

  it("of numbers with 64 bits is that of numbers", () => {
    expect(keys(sorted(list, { by: "query", down: false }))).toEqual(["1", "2", "3", "10", "11"]);
  });

  it("of states puts what works before what waits, and that before what is over", () => {
    expect(keys(sorted(list, { by: "status", down: false }))).toEqual(["1", "11", "2", "3", "10"]);
  });
});

describe("groups", () => {
  it("count and add, those that took most first", () => {
    expect(groups(list, "user").map(({ key, count, live, failed }) => [key, count, live, failed])).toEqual([
      ["IAMR:etl", 1, 1, 0],
      ["IAMR:bi", 3, 0, 1],
      ["IAMR:ro", 1, 1, 0],
    ]);
  });

  it("by statement take what differs in its literals as one, or where no server says what does, the same text", () => {
    const hashes = groups(list, "hash");
    expect(hashes.find(({ key }) => key === "h")).toMatchObject({ count: 2, total: 20_010, longest: 20_000, rows: 12 });
    const same = [anyListed("a", 0, 1, { text: "select  1\n" }), anyListed("b", 0, 1, { text: "select 1" })];
    expect(groups(same, "hash")).toHaveLength(1);
  });
});
