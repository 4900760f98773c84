import { describe, expect, it } from "vitest";
import { beyond, pace } from "./drag";
import { rowFrom } from "./GoTo";
import { inHead, inRows } from "./keys";
import { bounds, cellCount, contains, moved } from "./selection";
import { totals } from "./sums";
import { summable } from "./useTotals";

describe("sums", () => {
  it("are exact beyond what a double holds", () => {
    expect(totals(["9007199254740993.01", "0.02"])?.sum).toBe("9,007,199,254,740,993.03");
    expect(totals(["0.1", "0.2"])?.sum).toBe("0.3");
    expect(totals(["99999999999999999999999999999999999999", "1"])?.sum).toBe(
      "100,000,000,000,000,000,000,000,000,000,000,000,000",
    );
  });

  it("keep the values' scale and round the average", () => {
    expect(totals(["149000.00", "43600.00", "129000.00", "71400.00"])).toEqual({
      count: 4,
      sum: "393,000.00",
      average: "98,250.00",
    });
    expect(totals(["1", "2", null])).toEqual({ count: 2, sum: "3", average: "1.5" });
    expect(totals(["-1", "-1", "0"])?.average).toBe("-0.67");
    expect(totals(["1", "0.25", "-1.25"])?.sum).toBe("0.00");
  });

  it("read the exponents of floats", () => {
    expect(totals(["1.5e+20", "1"])?.sum).toBe("150,000,000,000,000,000,001");
    expect(totals(["1e-7", "2e-7"])?.sum).toBe("0.0000003");
  });

  it("are not given for what is no number", () => {
    expect(totals(["1", "NaN"])).toBeNull();
    expect(totals(["2026-11-19"])).toBeNull();
    expect(totals(["1e9999"])).toBeNull();
    expect(totals([null])).toBeNull();
  });

  it("leave out columns of text, whatever they look like", () => {
    const columns = [
      { name: "zip", type_name: "varchar", numeric: false },
      { name: "n", type_name: "int4", numeric: true },
    ];
    expect(summable(columns, [1, 0], { top: 0, bottom: 9, left: 0, right: 1 })).toEqual([1]);
  });
});

describe("a selection", () => {
  const selection = { anchor: { row: 7, column: 3 }, focus: { row: 5, column: 4 } };

  it("is the rectangle between its corners", () => {
    const box = bounds(selection);
    expect(box).toEqual({ top: 5, bottom: 7, left: 3, right: 4 });
    expect(cellCount(box)).toBe(6);
    expect(contains(box, 6, 3)).toBe(true);
    expect(contains(box, 6, 2)).toBe(false);
  });

  it("moves by keys and stops at the edges", () => {
    const extent = { rows: 10_000_000, columns: 8, page: 10 };
    const at = { row: 5, column: 0 };
    expect(moved(at, "ArrowLeft", false, extent)).toEqual(at);
    expect(moved(at, "PageDown", false, extent)).toEqual({ row: 15, column: 0 });
    expect(moved(at, "End", true, extent)).toEqual({ row: 9_999_999, column: 7 });
    expect(moved(at, "x", false, extent)).toBeNull();
  });
});

describe("a drag that leaves the rows", () => {
  it("scrolls faster the farther away, and never more than a view", () => {
    expect(beyond(50, 200)).toBe(0);
    expect(beyond(-30, 200)).toBe(-30);
    expect(beyond(230, 200)).toBe(30);
    expect(pace(0, 200)).toBe(0);
    expect(pace(1, 200)).toBe(1);
    expect(pace(-100, 200)).toBe(-35);
    expect(pace(100_000, 200)).toBe(200);
  });
});

describe("a row to go to", () => {
  it("is typed as people write numbers", () => {
    expect(rowFrom("1", 10_000_000)).toBe(0);
    expect(rowFrom("10,000,000", 10_000_000)).toBe(9_999_999);
    expect(rowFrom(" 5 000 000 ", 10_000_000)).toBe(4_999_999);
    expect(rowFrom("50%", 10_000_000)).toBe(5_000_000);
    expect(rowFrom("100%", 10)).toBe(9);
    expect(rowFrom("-1", 10)).toBe(9);
  });

  it("is none outside the result", () => {
    for (const typed of ["", "0", "11", "-11", "x", "101%", "1.5", "9".repeat(40)])
      expect(rowFrom(typed, 10)).toBeNull();
    expect(rowFrom("1", 0)).toBeNull();
  });
});

describe("keys", () => {
  const press = (key: string, ...held: string[]) => ({
    key,
    ctrlKey: held.includes("ctrl"),
    metaKey: false,
    shiftKey: held.includes("shift"),
    altKey: held.includes("alt"),
  });

  it("of the rows are told apart by what is held", () => {
    expect(inRows(press("c", "ctrl"))).toEqual({ do: "copy", head: false });
    expect(inRows(press("C", "ctrl", "shift"))).toEqual({ do: "copy", head: true });
    expect(inRows(press("g", "ctrl"))).toEqual({ do: "goTo" });
    expect(inRows(press("F10", "shift"))).toEqual({ do: "menu" });
    expect(inRows(press(" ", "shift"))).toEqual({ do: "row" });
    expect(inRows(press("g"))).toBeNull();
    expect(inRows(press("a", "ctrl", "alt"))).toBeNull();
  });

  it("of a head move, resize and move about", () => {
    expect(inHead(press("ArrowRight"))).toEqual({ do: "go", to: "right" });
    expect(inHead(press("ArrowRight", "shift"))).toEqual({ do: "resize", by: 16 });
    expect(inHead(press("ArrowLeft", "shift", "ctrl"))).toEqual({ do: "move", by: -1 });
    expect(inHead(press("ArrowDown"))).toEqual({ do: "go", to: "rows" });
    expect(inHead(press("ArrowDown", "alt"))).toEqual({ do: "menu" });
    expect(inHead(press("Delete"))).toEqual({ do: "hide" });
  });
});
