// How the columns of a result are arranged. A column is named by its place in the result, its "source"; "at" is its place
// on the screen. Pure, so that it is tested as functions; every change gives a new value.

export interface Layout {
  /** Sources that are shown, left to right. */
  order: number[];
  /** Pixels, by source. */
  widths: number[];
  /** How many of the shown ones stay where they are while the rest scrolls. */
  frozen: number;
}

export const NARROWEST = 44;
/** A column wider than any screen could not be resized back. */
const WIDEST_DRAGGED = 2000;

export function arranged(widths: number[]): Layout {
  return { order: widths.map((_, source) => source), widths, frozen: 0 };
}

export function resized(layout: Layout, source: number, width: number): Layout {
  const kept = Math.round(Math.min(WIDEST_DRAGGED, Math.max(NARROWEST, width)));
  return { ...layout, widths: layout.widths.map((old, at) => (at === source ? kept : old)) };
}

/** Takes a column from one place to another. It joins or leaves the frozen ones with the place it comes to. */
export function movedColumn(layout: Layout, from: number, to: number): Layout {
  const target = Math.min(Math.max(0, to), layout.order.length - 1);
  const source = layout.order[from];
  if (source === undefined || target === from) return layout;
  const order = layout.order.filter((_, at) => at !== from);
  order.splice(target, 0, source);
  const joins = from >= layout.frozen && target < layout.frozen ? 1 : 0;
  const leaves = from < layout.frozen && target >= layout.frozen ? 1 : 0;
  return { ...layout, order, frozen: layout.frozen + joins - leaves };
}

/** The last column that is shown stays: a grid of nothing cannot be told from a broken one. */
export function withoutColumn(layout: Layout, at: number): Layout {
  if (layout.order.length <= 1 || at < 0 || at >= layout.order.length) return layout;
  return {
    ...layout,
    order: layout.order.filter((_, place) => place !== at),
    frozen: at < layout.frozen ? layout.frozen - 1 : layout.frozen,
  };
}

export function hiddenColumns({ order, widths }: Layout): number[] {
  const here = new Set(order);
  return widths.flatMap((_, source) => (here.has(source) ? [] : [source]));
}

/** Brings a hidden column back, to the right of the nearest column that precedes it in the result. */
export function withColumn(layout: Layout, source: number): Layout {
  if (layout.order.includes(source) || layout.widths[source] === undefined) return layout;
  let before = -1;
  layout.order.forEach((other, at) => {
    if (other < source && (before < 0 || other > (layout.order[before] ?? -1))) before = at;
  });
  const order = [...layout.order];
  order.splice(before + 1, 0, source);
  return { ...layout, order, frozen: before + 1 < layout.frozen ? layout.frozen + 1 : layout.frozen };
}

export function withAllColumns(layout: Layout): Layout {
  return hiddenColumns(layout).reduce(withColumn, layout);
}

/** Freezes the first columns; nothing is frozen with 0. */
export function frozenTo(layout: Layout, count: number): Layout {
  return { ...layout, frozen: Math.min(Math.max(0, count), layout.order.length) };
}

/** Left edges of the columns shown; one more than there are, the last being the whole width. */
export function edgesOf({ order, widths }: Layout): number[] {
  const out = [0];
  for (const source of order) out.push((out[out.length - 1] ?? 0) + (widths[source] ?? 0));
  return out;
}

/** How many columns are frozen in a view of this width: what scrolls keeps two fifths of it, else it could not be read. */
export function frozenIn({ frozen }: Layout, edge: number[], width: number): number {
  let count = frozen;
  while (count > 0 && (edge[count] ?? 0) > width * 0.6) count -= 1;
  return count;
}
