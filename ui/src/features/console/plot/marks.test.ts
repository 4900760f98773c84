import { describe, expect, it } from "vitest";
import type { Plot } from "../../../ipc/contract";
import { draw, nearest, type PlotWords, table } from "./marks";

const words: PlotWords = {
  x: "day",
  y: "amount",
  name: (column) => `c${column}`,
  rows: "Rows",
  least: "Least",
  greatest: "Greatest",
  nothing: "no value",
  null: "NULL",
  empty: "(empty)",
  others: (groups) => `${groups} others`,
};
const about = { rows: 3, null: 0, unreadable: 0, infinite: 0, x: "number", y: "number" } as const;
const line = (points: Array<[number, number, number, number]>): Plot => ({
  ...about,
  shape: {
    kind: "lines",
    series: [
      { column: 1, points: points.map(([x, rows, low, high]) => ({ x, rows, low, high, mean: low / 2 + high / 2 })) },
    ],
  },
});

describe("a drawing", () => {
  it("keeps a line inside its box, with the area from the least to the greatest", () => {
    const drawing = draw(
      line([
        [0, 1, 5, 5],
        [10, 4, 2, 8],
      ]),
      words,
      600,
      300,
    );
    const { box, marks, lines } = drawing;
    expect(marks.map(({ x }) => x)).toEqual([box.left, box.right]);
    expect(marks.every(({ y }) => y >= box.top && y <= box.bottom)).toBe(true);
    expect(lines[0]?.band).toMatch(/^M.*Z$/);
    expect(marks[1]?.facts).toEqual([
      ["c1", "5"],
      ["Least", "2"],
      ["Greatest", "8"],
      ["Rows", "4"],
    ]);
  });

  it("draws bars from zero in both directions, NULL and others by name", () => {
    const drawing = draw(
      {
        ...about,
        shape: {
          kind: "bars",
          bars: [
            { label: "a", group: { rows: 2, value: 10 } },
            { label: null, group: { rows: 1, value: -10 } },
            { label: "", group: { rows: 1, value: null } },
          ],
          others: { rows: 9, value: 1 },
          other_groups: 3,
          exact: true,
        },
      },
      words,
      600,
      300,
    );
    const [a, none, empty, others] = drawing.rects;
    expect((none?.x ?? 0) + (none?.width ?? 0)).toBeCloseTo(a?.x ?? -1);
    expect([empty?.width, others?.other]).toEqual([0, true]);
    expect(drawing.marks.map(({ head }) => head)).toEqual(["a", "NULL", "(empty)", "3 others"]);
    expect(drawing.marks[2]?.facts[0]).toEqual(["amount", "no value"]);
  });

  it("does not break on one value, on none, or at the ends of what a number holds", () => {
    expect(draw(line([[3, 1, 7, 7]]), words, 600, 300).marks).toHaveLength(1);
    expect(draw(line([]), words, 600, 300).marks).toEqual([]);
    const ends = draw(
      line([
        [-1.7e308, 1, -1.7e308, -1.7e308],
        [1.7e308, 1, 1.7e308, 1.7e308],
      ]),
      words,
      600,
      300,
    );
    expect(ends.marks.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
    const one = draw({ ...about, shape: { kind: "ranges", ranges: [{ from: 7, to: 7, rows: 2 }] } }, words, 600, 300);
    expect(one.rects[0]?.width).toBeGreaterThan(10);
  });

  it("says in a table what it shows", () => {
    const { marks } = draw(
      line([
        [0, 1, 5, 5],
        [10, 4, 2, 8],
      ]),
      words,
      600,
      300,
    );
    expect(table(marks, "day")).toEqual({
      head: ["day", "c1", "Least", "Greatest", "Rows"],
      rows: [
        ["0", "5", "", "", ""],
        ["10", "5", "2", "8", "4"],
      ],
    });
  });

  it("finds what a pointer means from left to right", () => {
    const { marks } = draw(
      line([
        [0, 1, 0, 0],
        [5, 1, 100, 100],
        [10, 1, 0, 0],
      ]),
      words,
      600,
      300,
    );
    expect(nearest(marks, (marks[1]?.x ?? 0) + 4, 290, false)).toBe(1);
    expect(nearest([], 1, 1, false)).toBe(-1);
  });
});
