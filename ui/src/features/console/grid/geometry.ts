// Where rows are. A browser clamps an element's height at about 11 to 33 million pixels, so the scroll space is
// compressed: the logical offset lives in a number, scrollTop is derived from it, wheel and keys move the former by whole
// pixels of rows, and only the scrollbar's thumb is scaled.

export const ROW = 24;

/** Below every browser's clamp at every pixel density. */
export const MAX_SCROLL = 8_000_000;

export interface Geometry {
  rows: number;
  viewport: number;
  /** Height of the element that is scrolled. */
  scrollHeight: number;
  /** Largest logical offset. */
  maxOffset: number;
  /** Logical pixels per pixel of scrollTop; 1 until the cap is reached. */
  scale: number;
}

export function geometry(rows: number, viewport: number): Geometry {
  const height = rows * ROW;
  const scrollHeight = Math.min(height, MAX_SCROLL);
  const maxOffset = Math.max(0, height - viewport);
  const maxScroll = Math.max(0, scrollHeight - viewport);
  return { rows, viewport, scrollHeight, maxOffset, scale: maxScroll > 0 ? maxOffset / maxScroll : 1 };
}

export function clampOffset(offset: number, { maxOffset }: Geometry): number {
  return Math.min(Math.max(0, offset), maxOffset);
}

export function scrollTopOf(offset: number, { scale }: Geometry): number {
  return offset / scale;
}

/** What the scrollbar's thumb says. Its ends are the ends of the rows, whatever fraction of a pixel a browser stops at. */
export function offsetOf(scrollTop: number, space: Geometry): number {
  if (scrollTop >= space.scrollHeight - space.viewport - 1) return space.maxOffset;
  return clampOffset(scrollTop * space.scale, space);
}

export function atEnd(offset: number, { maxOffset }: Geometry): boolean {
  return maxOffset > 0 && offset >= maxOffset - 1;
}

/** The row a point of the view is on, even above the first and below the last: for a drag that leaves the rows. */
export function rowOf(y: number, offset: number, { rows }: Geometry): number {
  return Math.min(Math.max(0, Math.floor((offset + y) / ROW)), rows - 1);
}

/** First and last row, of which at least a pixel is seen. Last is below first when there are none. */
export function rowsAt(offset: number, { rows, viewport }: Geometry): { first: number; last: number } {
  const first = Math.floor(offset / ROW);
  const last = Math.min(rows, Math.ceil((offset + viewport) / ROW)) - 1;
  return { first, last };
}

/** The place that puts a row in the middle of the view, for a row one jumps to. */
export function centred(row: number, space: Geometry): number {
  return clampOffset(Math.round(row * ROW - (space.viewport - ROW) / 2), space);
}

/** The smallest move that shows a whole row. */
export function reveal(row: number, offset: number, space: Geometry): number {
  const top = row * ROW;
  if (top < offset) return clampOffset(top, space);
  if (top + ROW > offset + space.viewport) return clampOffset(top + ROW - space.viewport, space);
  return offset;
}
