// A plot as shapes in a box, and each thing it shows as a place with words: for the tooltip, the keys and the table.
import type { Plot, PlotScale } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import { ticks, tickText, valueText } from "./ticks";

/** Words that a plot is written with. */
export interface PlotWords {
  x: string;
  y: string;
  /** Name of a column. */
  name: (column: number) => string;
  rows: string;
  least: string;
  greatest: string;
  nothing: string;
  null: string;
  empty: string;
  others: (groups: string) => string;
}

export interface Mark {
  x: number;
  y: number;
  /** What it is of, and its numbers by name. */
  head: string;
  facts: Array<[string, string]>;
}

export interface AxisTick {
  at: number;
  text: string;
}

export interface Drawing {
  width: number;
  height: number;
  /** Where the rows, columns and points are. */
  box: { left: number; top: number; right: number; bottom: number };
  xTicks: AxisTick[];
  yTicks: AxisTick[];
  /** Lines and the areas between their least and greatest. */
  lines: Array<{ path: string; band: string; dots: Array<{ x: number; y: number }> }>;
  rects: Array<{ x: number; y: number; width: number; height: number; strength: number; other?: boolean }>;
  dots: Array<{ x: number; y: number }>;
  /** Names in front of horizontal bars, and their values behind. */
  labels: Array<{ x: number; y: number; text: string; end: boolean; dim?: boolean }>;
  marks: Mark[];
}

const BAR = 24;
const TOP = 24;

interface Ends {
  low: number;
  high: number;
}

function ends(values: Iterable<number>, withZero: boolean): Ends {
  let low = withZero ? 0 : Number.POSITIVE_INFINITY;
  let high = withZero ? 0 : Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { low: 0, high: 1 };
  if (low === high) return { low: low - (withZero ? 0 : 0.5), high: high + (withZero ? 1 : 0.5) };
  return { low, high };
}

/** A little room above and below; what begins at zero stands on it. */
function padded({ low, high }: Ends, withZero: boolean): Ends {
  const room = high / 25 - low / 25;
  const wide = { low: withZero && low === 0 ? 0 : low - room, high: high + room };
  return Number.isFinite(wide.low) && Number.isFinite(wide.high) ? wide : { low, high };
}

/** Halves first: the distance of two numbers may be more than a number holds. */
function place(value: number, { low, high }: Ends, from: number, to: number): number {
  return from + ((value / 2 - low / 2) / (high / 2 - low / 2)) * (to - from);
}

export function draw(plot: Plot, words: PlotWords, width: number, height: number): Drawing {
  if (plot.shape.kind === "bars") return bars(plot, words, width);
  const box = { left: 68, top: TOP, right: Math.max(120, width - 20), bottom: Math.max(80, height - 40) };
  const empty: Drawing = {
    width,
    height,
    box,
    xTicks: [],
    yTicks: [],
    lines: [],
    rects: [],
    dots: [],
    labels: [],
    marks: [],
  };
  const rough = {
    x: Math.max(2, Math.floor((box.right - box.left) / 110)),
    y: Math.max(2, Math.floor((box.bottom - box.top) / 40)),
  };
  const { shape } = plot;
  const across = (x: Ends) => (value: number) => place(value, x, box.left, box.right);
  const up = (y: Ends) => (value: number) => place(value, y, box.bottom, box.top);
  const axes = (x: Ends, y: Ends, yScale: PlotScale) => {
    const bottom = ticks(plot.x, x.low, x.high, rough.x);
    const left = ticks(yScale, y.low, y.high, rough.y);
    return {
      xTicks: bottom.at.map((at) => ({ at: across(x)(at), text: tickText(plot.x, at, bottom.step) })),
      yTicks: left.at.map((at) => ({ at: up(y)(at), text: tickText(yScale, at, left.step) })),
    };
  };

  switch (shape.kind) {
    case "lines": {
      const all = shape.series.flatMap(({ points }) => points);
      if (all.length === 0) return empty;
      const x = ends(
        all.map((point) => point.x),
        false,
      );
      const y = padded(
        ends(
          all.flatMap(({ low, high }) => [low, high]),
          false,
        ),
        false,
      );
      const [toX, toY] = [across(x), up(y)];
      return {
        ...empty,
        ...axes(x, y, plot.y),
        lines: shape.series.map(({ points }) => ({
          path: points.map(({ x: at, mean }, index) => `${index ? "L" : "M"}${r(toX(at))} ${r(toY(mean))}`).join(""),
          band: points.some(({ low, high }) => low !== high)
            ? `${points.map((point, index) => `${index ? "L" : "M"}${r(toX(point.x))} ${r(toY(point.high))}`).join("")}${[
                ...points,
              ]
                .reverse()
                .map((point) => `L${r(toX(point.x))} ${r(toY(point.low))}`)
                .join("")}Z`
            : "",
          dots: points.length <= 60 ? points.map((point) => ({ x: toX(point.x), y: toY(point.mean) })) : [],
        })),
        marks: shape.series
          .flatMap(({ column, points }) =>
            points.map((point) => ({
              x: toX(point.x),
              y: toY(point.mean),
              head: valueText(plot.x, point.x),
              facts: [
                [words.name(column), valueText(plot.y, point.mean)],
                ...(point.rows > 1
                  ? ([
                      [words.least, valueText(plot.y, point.low)],
                      [words.greatest, valueText(plot.y, point.high)],
                      [words.rows, count(point.rows)],
                    ] as Array<[string, string]>)
                  : []),
              ] as Array<[string, string]>,
            })),
          )
          .sort((a, b) => a.x - b.x),
      };
    }
    case "points": {
      if (shape.points.length === 0) return empty;
      const x = ends(
        shape.points.map(([at]) => at),
        false,
      );
      const y = padded(
        ends(
          shape.points.map(([, at]) => at),
          false,
        ),
        false,
      );
      const [toX, toY] = [across(x), up(y)];
      return {
        ...empty,
        ...axes(x, y, plot.y),
        dots: shape.points.map(([a, b]) => ({ x: toX(a), y: toY(b) })),
        marks: shape.points
          .map(([a, b]) => ({
            x: toX(a),
            y: toY(b),
            head: valueText(plot.x, a),
            facts: [[words.y, valueText(plot.y, b)]] as Array<[string, string]>,
          }))
          .sort((a, b) => a.x - b.x || a.y - b.y),
      };
    }
    case "density": {
      const x = ends(shape.x, false);
      const y = ends(shape.y, false);
      const most = Math.max(1, ...shape.cells.map(([, , rows]) => rows));
      const wide = (box.right - box.left) / shape.across;
      const high = (box.bottom - box.top) / shape.down;
      const at = (end: [number, number], part: number, parts: number) => end[0] + ((end[1] - end[0]) * part) / parts;
      return {
        ...empty,
        ...axes(x, y, plot.y),
        rects: shape.cells.map(([column, row, rows]) => ({
          x: box.left + column * wide,
          y: box.bottom - (row + 1) * high,
          width: wide,
          height: high,
          // The eye tells 1 from 10 as it tells 10 from 100.
          strength: 0.15 + (0.85 * Math.log(1 + rows)) / Math.log(1 + most),
        })),
        marks: shape.cells.map(([column, row, rows]) => ({
          x: box.left + (column + 0.5) * wide,
          y: box.bottom - (row + 0.5) * high,
          head: `${valueText(plot.x, at(shape.x, column, shape.across))} – ${valueText(plot.x, at(shape.x, column + 1, shape.across))}`,
          facts: [
            [
              words.y,
              `${valueText(plot.y, at(shape.y, row, shape.down))} – ${valueText(plot.y, at(shape.y, row + 1, shape.down))}`,
            ],
            [words.rows, count(rows)],
          ] as Array<[string, string]>,
        })),
      };
    }
    case "ranges": {
      const first = shape.ranges[0];
      const last = shape.ranges[shape.ranges.length - 1];
      if (!first || !last) return empty;
      const x = ends([first.from, last.to], false);
      const y = padded(
        ends(
          shape.ranges.map(({ rows }) => rows),
          true,
        ),
        true,
      );
      const [toX, toY] = [across(x), up(y)];
      return {
        ...empty,
        ...axes(x, y, "number"),
        rects: shape.ranges.map(({ from, to, rows }) => {
          const left = first === last ? box.left + 4 : toX(from);
          const right = first === last ? box.right - 4 : toX(to);
          // What is there at all is seen, however few rows it is.
          const tall = rows === 0 ? 0 : Math.max(1.5, box.bottom - toY(rows));
          return { x: left, y: box.bottom - tall, width: Math.max(1, right - left - 1), height: tall, strength: 1 };
        }),
        marks: shape.ranges.map(({ from, to, rows }) => ({
          x: (toX(from) + toX(to)) / 2,
          y: toY(rows),
          head: `${valueText(plot.x, from)} – ${valueText(plot.x, to)}`,
          facts: [[words.rows, count(rows)]] as Array<[string, string]>,
        })),
      };
    }
  }
}

function bars(plot: Plot, words: PlotWords, width: number): Drawing {
  if (plot.shape.kind !== "bars") throw new Error("no bars");
  const { bars: groups, others, other_groups } = plot.shape;
  const named = groups.map(({ label, group }) => ({
    text: label === null ? words.null : label === "" ? words.empty : label,
    group,
    other: false,
  }));
  if (others) named.push({ text: words.others(count(other_groups)), group: others, other: true });
  const longest = Math.max(...named.map(({ text }) => widthOf(text)), 0);
  const labelWidth = Math.min(220, width * 0.3, Math.max(60, longest + 28));
  const box = {
    left: labelWidth,
    top: 8,
    right: Math.max(labelWidth + 60, width - 96),
    bottom: 8 + named.length * BAR,
  };
  const x = ends(
    named.map(({ group }) => group.value ?? 0),
    true,
  );
  const zero = place(0, x, box.left, box.right);
  const drawing: Drawing = {
    width,
    height: box.bottom + 8,
    box,
    xTicks: [],
    yTicks: [],
    lines: [],
    rects: [],
    dots: [],
    labels: [],
    marks: [],
  };
  named.forEach(({ text, group, other }, index) => {
    const y = box.top + index * BAR;
    const end = group.value === null ? zero : place(group.value, x, box.left, box.right);
    const value = group.value === null ? words.nothing : valueText(plot.y, group.value);
    const long = group.value === null || group.value === 0 ? 0 : Math.max(1.5, Math.abs(end - zero));
    drawing.rects.push({ x: Math.min(zero, end), y: y + 4, width: long, height: BAR - 8, strength: 1, other });
    drawing.labels.push({ x: box.left - 10, y: y + BAR / 2, text: cut(text, labelWidth), end: true, dim: other });
    drawing.labels.push({ x: Math.max(zero, end) + 8, y: y + BAR / 2, text: value, end: false, dim: true });
    drawing.marks.push({
      x: end,
      y: y + BAR / 2,
      head: text,
      facts: [
        [words.y, value],
        [words.rows, count(group.rows)],
      ],
    });
  });
  return drawing;
}

/** The columns of the table that says the same. */
export function table(marks: Mark[], first: string): { head: string[]; rows: string[][] } {
  const names = [...new Set(marks.flatMap(({ facts }) => facts.map(([name]) => name)))];
  const rows = marks.map(({ head, facts }) => {
    const values = new Map(facts);
    return [head, ...names.map((name) => values.get(name) ?? "")];
  });
  return { head: [first, ...names], rows };
}

/** The mark that a pointer means: the nearest, from left to right first where there are lines. */
export function nearest(marks: Mark[], x: number, y: number, upright: boolean): number {
  let found = -1;
  let least = Number.POSITIVE_INFINITY;
  marks.forEach((mark, index) => {
    const dx = (mark.x - x) * (upright ? 0.02 : 1);
    const dy = (mark.y - y) * (upright ? 1 : 0.3);
    const distance = dx * dx + dy * dy;
    if (distance < least) [found, least] = [index, distance];
  });
  return found;
}

/** About how wide a letter is: Hangul and its like are nearly twice as wide as Latin. */
const letterWidth = (letter: string) => (letter.charCodeAt(0) > 0x1100 ? 12 : 6.6);

function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + letterWidth(letter), 0);
}

function cut(text: string, width: number): string {
  const letters = [...text.replace(/\s+/g, " ")];
  let sum = 0;
  const at = letters.findIndex((letter) => {
    sum += letterWidth(letter);
    return sum > width - 22;
  });
  return at < 0 ? letters.join("") : `${letters.slice(0, Math.max(1, at - 1)).join("")}…`;
}

const r = (value: number) => Math.round(value * 10) / 10;
