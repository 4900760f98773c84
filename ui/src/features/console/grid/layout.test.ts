import { describe, expect, it } from "vitest";
import { columnsAt, columnWidths, fittedWidth } from "./columns";
import {
  arranged,
  edgesOf,
  frozenIn,
  frozenTo,
  hiddenColumns,
  movedColumn,
  resized,
  withAllColumns,
  withColumn,
  withoutColumn,
} from "./layout";
import { columnAtX, leftOf, type Scene } from "./scene";

const five = () => arranged([100, 200, 50, 50, 100]);

describe("columns", () => {
  const columns = [
    { name: "id", type_name: "int8", numeric: true },
    { name: "note", type_name: "varchar", numeric: false },
  ];
  const seven = (text: string) => text.length * 7;

  it("are as wide as their head or their widest early cell, within bounds", () => {
    expect(columnWidths(columns, [["1", "x".repeat(500)]], seven)).toEqual([81, 360]);
    expect(columnWidths(columns, [["884201937000", null]], seven)[0]).toBe(102);
  });

  it("fit by hand what is seen, wider than by themselves", () => {
    const note = columns[1];
    expect(note && fittedWidth(note, 1, [["1", "x".repeat(80)]], seven)).toBe(578);
  });

  it("are found by the pixels that are seen", () => {
    const edge = edgesOf(arranged([100, 200, 50, 50]));
    expect(edge).toEqual([0, 100, 300, 350, 400]);
    expect(columnsAt(150, 320, edge, 0)).toEqual({ first: 1, last: 2 });
    expect(columnsAt(0, 4000, edge, 0)).toEqual({ first: 0, last: 3 });
    expect(columnsAt(150, 320, edge, 2)).toEqual({ first: 2, last: 2 });
  });

  it("move without losing or doubling one", () => {
    expect(movedColumn(five(), 0, 3).order).toEqual([1, 2, 3, 0, 4]);
    expect(movedColumn(five(), 4, 0).order).toEqual([4, 0, 1, 2, 3]);
    expect(movedColumn(five(), 4, 99).order).toEqual([0, 1, 2, 3, 4]);
    for (let from = 0; from < 5; from++) {
      for (let to = 0; to < 5; to++) expect(new Set(movedColumn(five(), from, to).order).size).toBe(5);
    }
  });

  it("join the frozen ones, and leave them, with the place they come to", () => {
    const two = frozenTo(five(), 2);
    expect(movedColumn(two, 4, 0)).toMatchObject({ order: [4, 0, 1, 2, 3], frozen: 3 });
    expect(movedColumn(two, 0, 4)).toMatchObject({ order: [1, 2, 3, 4, 0], frozen: 1 });
    expect(movedColumn(two, 0, 1)).toMatchObject({ frozen: 2 });
  });

  it("hide and come back to where they belong", () => {
    const hidden = withoutColumn(withoutColumn(five(), 1), 2);
    expect(hidden.order).toEqual([0, 2, 4]);
    expect(hiddenColumns(hidden)).toEqual([1, 3]);
    expect(withColumn(hidden, 3).order).toEqual([0, 2, 3, 4]);
    expect(withAllColumns(hidden).order).toEqual([0, 1, 2, 3, 4]);
    const shuffled = withoutColumn(movedColumn(five(), 4, 0), 1);
    expect(shuffled.order).toEqual([4, 1, 2, 3]);
    expect(withColumn(shuffled, 0).order).toEqual([0, 4, 1, 2, 3]);
  });

  it("never hide the last one", () => {
    const one = [0, 0, 0, 0, 0].reduce((layout) => withoutColumn(layout, 0), five());
    expect(one.order).toEqual([4]);
  });

  it("keep a width that can be grabbed again", () => {
    expect(resized(five(), 1, -50).widths[1]).toBe(44);
    expect(resized(five(), 1, 1e9).widths[1]).toBe(2000);
  });

  it("stop being frozen where the rest would have no room", () => {
    const layout = frozenTo(five(), 4);
    expect(frozenIn(layout, edgesOf(layout), 1000)).toBe(4);
    expect(frozenIn(layout, edgesOf(layout), 520)).toBe(2);
    expect(frozenIn(layout, edgesOf(layout), 100)).toBe(0);
  });
});

describe("a point of the view", () => {
  const layout = frozenTo(five(), 1);
  const scene = { layout, edge: edgesOf(layout), frozen: 1, numberWidth: 60, left: 150 } as Scene;

  it("is on a frozen column, or on one that was scrolled below it", () => {
    expect(columnAtX(scene, 61)).toBe(0);
    expect(columnAtX(scene, 159)).toBe(0);
    expect(columnAtX(scene, 161)).toBe(1);
    expect(columnAtX(scene, 211)).toBe(2);
    expect(leftOf(scene, 0)).toBe(60);
    expect(leftOf(scene, 2)).toBe(210);
  });

  it("beside all columns belongs to the nearest", () => {
    expect(columnAtX(scene, -40)).toBe(0);
    expect(columnAtX(scene, 5000)).toBe(4);
  });
});
