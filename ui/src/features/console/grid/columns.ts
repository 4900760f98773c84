// Widths of columns, and which of them are seen.
import type { Column } from "../../../ipc/contract";
import type { Row } from "./windows";

const PADDING = 18;
const NARROWEST = 44;
const WIDEST = 360;
/** Looking at more rows than a screen or two changes a width seldom and costs a frame. */
const SAMPLE = 100;

export type Measure = (text: string, font: "head" | "type" | "cell") => number;

/** Sized once from the first rows, then left alone. */
export function columnWidths(columns: Column[], rows: Row[], measure: Measure): number[] {
  const sample = rows.slice(0, SAMPLE);
  return columns.map((column, index) => {
    let widest = measure(column.name, "head") + 5 + measure(column.type_name, "type");
    for (const row of sample) {
      const text = row[index];
      if (text != null) widest = Math.max(widest, measure(text.slice(0, 80), "cell"));
    }
    return Math.round(Math.min(WIDEST, Math.max(NARROWEST, widest + PADDING)));
  });
}

/** Left edges; one more than there are columns, the last being the whole width. */
export function edges(widths: number[]): number[] {
  const out = [0];
  for (const width of widths) out.push((out[out.length - 1] ?? 0) + width);
  return out;
}

/** First and last column of which something is seen between two positions. */
export function columnsAt(left: number, right: number, edge: number[]): { first: number; last: number } {
  const columns = edge.length - 1;
  let first = 0;
  while (first < columns - 1 && (edge[first + 1] ?? 0) <= left) first += 1;
  let last = first;
  while (last < columns - 1 && (edge[last + 1] ?? 0) < right) last += 1;
  return { first, last };
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
