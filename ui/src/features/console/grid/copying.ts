// Copying a selection of any size up to a limit: rows are fetched page by page, cells that the grid shows cut are fetched
// whole, and what cannot be copied whole is not copied at all.
import type { Column, Cell as FullCell, RowWindow } from "../../../ipc/contract";
import { type CopyFormat, type CopyOptions, writerFor } from "./formats";
import { indexIn, type Row } from "./windows";

/** Copying more is an export. */
export const MOST_ROWS = 200_000;
/** UTF-16 units. Beyond this the window and the program that pastes are busy for long. */
export const MOST_TEXT = 64_000_000;
const PAGE = 1000;

/** The rows of a result, wherever they are. */
export interface Rows {
  window: (first: number, count: number) => Promise<RowWindow>;
  cell: (row: number, column: number) => Promise<FullCell>;
}

export interface Range {
  first: number;
  count: number;
  /** Columns of the result, in the order they are copied. */
  sources: number[];
}

export type Refusal =
  | { kind: "rows"; rows: number }
  | { kind: "size" }
  | { kind: "cell"; row: number; source: number; bytes: number }
  | { kind: "ended"; rows: number };

export class CopyRefused extends Error {
  constructor(readonly why: Refusal) {
    super(`copying was refused: ${why.kind}`);
  }
}

export interface Copied {
  text: string;
  /** NULLs the format left out. */
  nulls: number;
}

/**
 * Throws `CopyRefused` when it is too much, whatever `rows` throws, and the signal's reason when it is stopped.
 * `progress` is told rows done.
 */
export async function copyText(
  rows: Rows,
  range: Range,
  columns: Column[],
  format: CopyFormat,
  options: CopyOptions,
  signal: AbortSignal,
  progress: (rows: number) => void,
): Promise<Copied> {
  if (range.count > MOST_ROWS) throw new CopyRefused({ kind: "rows", rows: range.count });
  // One cell is copied as it is: whoever copies an id does not want quotes.
  if (format === "tsv" && !options.head && range.count === 1 && range.sources.length === 1) {
    const [only] = await readPage(rows, range, 0, signal);
    return { text: only?.[0] ?? "", nulls: 0 };
  }
  const picked = range.sources.flatMap((source) => columns[source] ?? []);
  const writer = writerFor(format, picked, options);
  const pieces = [writer.begin()];
  let size = 0;
  for (let done = 0; done < range.count; ) {
    const page = await readPage(rows, range, done, signal);
    const piece = page.map((cells, index) => writer.row(cells, done + index)).join("");
    size += piece.length;
    if (size > MOST_TEXT) throw new CopyRefused({ kind: "size" });
    pieces.push(piece);
    done += page.length;
    progress(done);
  }
  pieces.push(writer.end());
  return { text: pieces.join(""), nulls: writer.nulls() };
}

/** The next page of the range, with every cell whole. */
async function readPage(
  rows: Rows,
  { first, count, sources }: Range,
  done: number,
  signal: AbortSignal,
): Promise<Row[]> {
  const page = await rows.window(first + done, Math.min(PAGE, count - done));
  signal.throwIfAborted();
  if (page.rows.length === 0) throw new CopyRefused({ kind: "ended", rows: done });
  const wanted = new Set(sources);
  for (const { row, column } of page.cut) {
    const cells = page.rows[indexIn(page, row)];
    if (!cells || !wanted.has(column)) continue;
    const whole = await rows.cell(row, column);
    signal.throwIfAborted();
    if (whole.cut) throw new CopyRefused({ kind: "cell", row, source: column, bytes: whole.bytes });
    cells[column] = whole.text;
  }
  return page.rows.map((cells) => sources.map((source) => cells[source] ?? null));
}
