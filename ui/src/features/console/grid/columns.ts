// Widths of columns, and which of them are seen.
import type { Column } from "../../../ipc/contract";
import { NARROWEST } from "./layout";
import type { Row } from "./windows";

const PADDING = 18;
/** Room for the mark that says how a column is sorted, beside its name. */
const MARK = 16;
const WIDEST = 360;
/** Numbers grow on the way down, and one that is cut reads as another number: so many digits have room from the start. */
const DIGITS = "0".repeat(9);
/** Fitting by hand may go further than the first guess. */
const WIDEST_FITTED = 900;
/** Looking at more rows than a screen or two changes a width seldom and costs a frame. */
const SAMPLE = 100;

export type Measure = (text: string, font: "head" | "type" | "cell") => number;

/** Sized once from the first rows, then left alone. */
export function columnWidths(columns: Column[], rows: Row[], measure: Measure): number[] {
  const sample = rows.slice(0, SAMPLE);
  return columns.map((column, source) => widthFor(column, source, sample, measure, WIDEST));
}

/** Width of one column that shows these rows whole. */
export function fittedWidth(column: Column, source: number, rows: Row[], measure: Measure): number {
  return widthFor(column, source, rows, measure, WIDEST_FITTED);
}

function widthFor(column: Column, source: number, rows: Row[], measure: Measure, widest: number): number {
  let width = measure(column.name, "head") + 5 + measure(column.type_name, "type") + MARK;
  if (column.numeric) width = Math.max(width, measure(DIGITS, "cell"));
  for (const row of rows) {
    const text = row[source];
    if (text != null) width = Math.max(width, measure(text.slice(0, 200), "cell"));
  }
  return Math.round(Math.min(widest, Math.max(NARROWEST, width + PADDING)));
}

/** First and last column of which something is seen between two positions, not counting the first `from`. */
export function columnsAt(left: number, right: number, edge: number[], from: number): { first: number; last: number } {
  const columns = edge.length - 1;
  let first = from;
  while (first < columns - 1 && (edge[first + 1] ?? 0) <= left) first += 1;
  let last = first;
  while (last < columns - 1 && (edge[last + 1] ?? 0) < right) last += 1;
  return { first, last: Math.min(last, columns - 1) };
}

/** Measures with a canvas; where there is none (tests) every character is seven pixels wide. */
export function canvasMeasure(element: HTMLElement): Measure {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return (text) => text.length * 7;
  const family = getComputedStyle(element).fontFamily;
  const fonts = { head: `500 12px ${family}`, type: `400 11px ${family}`, cell: `400 12px ${family}` };
  return (text, font) => {
    context.font = fonts[font];
    return context.measureText(text).width;
  };
}
