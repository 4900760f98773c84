import { describe, expect, it } from "vitest";
import {
  asTheyCame,
  isPlain,
  marksOf,
  nextSort,
  sortedBy,
  testsFor,
  unsorted,
  valueFilter,
  withFilter,
  withoutFilter,
  withoutFiltersOf,
} from "./view-spec";

describe("sorting", () => {
  it("by one key steps from ascending to descending to none", () => {
    const up = nextSort(asTheyCame, 2, false);
    expect(up.sort).toEqual([{ column: 2, descending: false }]);
    const down = nextSort(up, 2, false);
    expect(down.sort).toEqual([{ column: 2, descending: true }]);
    expect(isPlain(nextSort(down, 2, false))).toBe(true);
  });

  it("by several keeps their order, and turns one where it is", () => {
    const two = nextSort(nextSort(asTheyCame, 2, false), 0, true);
    expect(two.sort.map(({ column }) => column)).toEqual([2, 0]);
    expect(sortedBy(two, 2, true, true).sort).toEqual([
      { column: 2, descending: true },
      { column: 0, descending: false },
    ]);
    expect(nextSort(two, 5, false).sort).toEqual([{ column: 5, descending: false }]);
    expect(unsorted(two, 2).sort).toEqual([{ column: 0, descending: false }]);
  });
});

describe("filters", () => {
  it("are added once and taken away one by one or by column", () => {
    const one = withFilter(asTheyCame, valueFilter(1, "서울", true));
    expect(withFilter(one, valueFilter(1, "서울", true))).toBe(one);
    const two = withFilter(one, valueFilter(0, null, false));
    expect(two.filters).toEqual([
      { column: 1, test: "equal", value: "서울", match_case: false },
      { column: 0, test: "not_null", match_case: false },
    ]);
    expect(withoutFilter(two, 0).filters).toHaveLength(1);
    expect(withoutFiltersOf(two, 0).filters).toEqual(one.filters);
  });

  it("begin with what a column's type is asked most", () => {
    const first = (type_name: string, numeric = false) => testsFor({ name: "c", type_name, numeric })[0];
    expect(first("int8", true)).toBe("equal");
    expect(first("timestamptz")).toBe("equal");
    expect(first("varchar")).toBe("contains");
    expect(testsFor({ name: "c", type_name: "bool", numeric: false })).toEqual([
      "equal",
      "not_equal",
      "null",
      "not_null",
    ]);
  });
});

describe("the heads of columns", () => {
  it("say the rank of a key only where there are several", () => {
    const one = sortedBy(asTheyCame, 3, true, false);
    expect(marksOf(one).get(3)).toEqual({ sort: { descending: true, rank: 0 }, filtered: false });
    const two = withFilter(sortedBy(one, 1, false, true), valueFilter(1, "x", true));
    expect(marksOf(two).get(3)?.sort?.rank).toBe(1);
    expect(marksOf(two).get(1)).toEqual({ sort: { descending: false, rank: 2 }, filtered: true });
  });

  it("say nothing of a filter that is of no column", () => {
    expect(
      marksOf(withFilter(asTheyCame, { column: null, test: "contains", value: "x", match_case: false })).size,
    ).toBe(0);
  });
});
