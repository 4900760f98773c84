// What a person chose to draw. All kinds share it, so that another kind keeps what it can.
import type { PlotMeasure, PlotRole, PlotSpec } from "../../../ipc/contract";

export interface Axes {
  kind: PlotSpec["kind"];
  x: number;
  y: number;
  lines: number[];
  category: number;
  value: number;
  measure: PlotMeasure;
  column: number;
}

export const kinds = ["line", "bar", "scatter", "histogram"] as const satisfies ReadonlyArray<PlotSpec["kind"]>;

/** Bars, and ranges of a histogram. */
const BARS = 24;
const BINS = 40;
/** Pixels of a cell of a scatter. */
const CELL = 8;

export function axesOf(spec: PlotSpec): Axes {
  const none: Omit<Axes, "kind"> = {
    x: -1,
    y: -1,
    lines: [],
    category: -1,
    value: -1,
    measure: "count",
    column: -1,
  };
  switch (spec.kind) {
    case "line": {
      const y = spec.y[0] ?? -1;
      return { ...none, kind: "line", x: spec.x, y, lines: spec.y, category: spec.x, value: y, column: y };
    }
    case "bar": {
      const value = spec.value ?? -1;
      const { category, measure } = spec;
      return {
        ...none,
        kind: "bar",
        category,
        value,
        measure,
        lines: value < 0 ? [] : [value],
        column: value,
        y: value,
      };
    }
    case "scatter":
      return { ...none, kind: "scatter", x: spec.x, y: spec.y, lines: [spec.y], value: spec.y, column: spec.x };
    case "histogram": {
      const { column } = spec;
      return { ...none, kind: "histogram", column, x: column, category: column };
    }
  }
}

/** Whether all that the kind needs has been chosen. */
export function fitting(axes: Axes, roles: PlotRole[]): boolean {
  const number = (column: number) => roles[column] === "number";
  const measured = (column: number) => number(column) || roles[column] === "time";
  switch (axes.kind) {
    case "line":
      return measured(axes.x) && axes.lines.length > 0 && axes.lines.every(number);
    case "bar": {
      if (roles[axes.category] === undefined) return false;
      return axes.measure === "count" || (axes.measure === "sum" ? number(axes.value) : measured(axes.value));
    }
    case "scatter":
      return measured(axes.x) && measured(axes.y);
    case "histogram":
      return measured(axes.column);
  }
}

export function specOf(axes: Axes, across: number): PlotSpec {
  switch (axes.kind) {
    case "line":
      return { kind: "line", x: axes.x, y: axes.lines, across };
    case "bar": {
      const value = axes.measure === "count" ? null : axes.value;
      return { kind: "bar", category: axes.category, value, measure: axes.measure, most: BARS };
    }
    case "scatter": {
      const cells = Math.max(20, Math.round(across / CELL));
      return { kind: "scatter", x: axes.x, y: axes.y, across: cells, down: Math.max(20, Math.round(cells / 2.5)) };
    }
    case "histogram":
      return { kind: "histogram", column: axes.column, bins: BINS };
  }
}
