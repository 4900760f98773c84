// What one frame of the grid shows, handed to the parts that draw it.
import type { Column } from "../../../ipc/contract";
import type { Layout } from "./layout";
import type { Bounds, Cell } from "./selection";

export interface Scene {
  columns: Column[];
  layout: Layout;
  /** Left edges of the shown columns. */
  edge: number[];
  /** Frozen columns in this view. */
  frozen: number;
  /** Places of the columns that are drawn, the frozen ones first. */
  places: number[];
  numberWidth: number;
  /** Logical pixels scrolled down, and pixels scrolled to the right. */
  offset: number;
  left: number;
  /** Rows of which something can be seen at once, wherever one scrolls to: so many elements there are. */
  capacity: number;
  /** First and last row of which something is seen. */
  first: number;
  last: number;
  selected: Bounds | null;
  /** The cell the keys move. */
  at: Cell | null;
  /** The last move of the keys came to another row: it is what a screen reader says beside the value. */
  newRow: boolean;
  /** The column whose head the keys are on. */
  headAt: number | null;
}

export interface GridTexts {
  label: string;
  rowNumber: string;
  resize: string;
  menu: string;
  empty: string;
  filtered: string;
  row: (row: number) => string;
  sorted: (descending: boolean) => string;
}

export function sourceAt({ layout }: Scene, at: number): number {
  return layout.order[at] ?? -1;
}

/** Where a column starts in the view. */
export function leftOf({ numberWidth, edge, frozen, left }: Scene, at: number): number {
  return numberWidth + (edge[at] ?? 0) - (at < frozen ? 0 : left);
}

export function widthAt({ edge }: Scene, at: number): number {
  return (edge[at + 1] ?? 0) - (edge[at] ?? 0);
}

/** The column at a point of the view; the nearest one when the point is beside them. */
export function columnAtX(scene: Scene, x: number): number {
  const { edge, frozen, left, numberWidth } = scene;
  const inside = x - numberWidth;
  const wanted = inside < (edge[frozen] ?? 0) ? inside : inside + left;
  const last = edge.length - 2;
  let at = 0;
  while (at < last && (edge[at + 1] ?? 0) <= wanted) at += 1;
  return at;
}
