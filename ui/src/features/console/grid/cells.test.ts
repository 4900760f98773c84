import { describe, expect, it } from "vitest";
import { columnsAt, columnWidths, edges } from "./columns";
import { bounds, cellCount, contains, moved } from "./selection";
import { totals } from "./sums";
import { toTsv } from "./tsv";

describe("copied cells", () => {
  it("are tab-separated lines, with NULL left empty", () => {
    expect(
      toTsv([
        ["1", null],
        ["서울", ""],
      ]),
    ).toBe("1\t\n서울\t");
  });

  it("are quoted where a spreadsheet would break them", () => {
    expect(toTsv([['say "hi"', "two\nlines"]])).toBe('"say ""hi"""\t"two\nlines"');
  });

  it("are the bare text when there is only one", () => {
    expect(toTsv([["a\tb"]])).toBe("a\tb");
  });
});

describe("sums", () => {
  it("are exact beyond what a double holds", () => {
    expect(totals(["9007199254740993.01", "0.02"])?.sum).toBe("9,007,199,254,740,993.03");
  });

  it("keep the values' scale and round the average", () => {
    expect(totals(["149000.00", "43600.00", "129000.00", "71400.00"])).toEqual({
      sum: "393,000.00",
      average: "98,250.00",
    });
    expect(totals(["1", "2", null])).toEqual({ sum: "3", average: "1.5" });
    expect(totals(["-1", "-1", "0"])?.average).toBe("-0.67");
  });

  it("are not given for what is no number, or not here yet", () => {
    expect(totals(["1", "?"])).toBeNull();
    expect(totals(["2026-11-19"])).toBeNull();
    expect(totals([null])).toBeNull();
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

describe("columns", () => {
  const columns = [
    { name: "id", type_name: "int8", numeric: true },
    { name: "note", type_name: "varchar", numeric: false },
  ];
  const seven = (text: string) => text.length * 7;

  it("are as wide as their head or their widest early cell, within bounds", () => {
    expect(columnWidths(columns, [["1", "x".repeat(500)]], seven)).toEqual([65, 360]);
    expect(columnWidths(columns, [["884201937", null]], seven)[0]).toBe(81);
  });

  it("are found by the pixels that are seen", () => {
    const edge = edges([100, 200, 50, 50]);
    expect(edge).toEqual([0, 100, 300, 350, 400]);
    expect(columnsAt(150, 320, edge)).toEqual({ first: 1, last: 2 });
    expect(columnsAt(0, 4000, edge)).toEqual({ first: 0, last: 3 });
  });
});
