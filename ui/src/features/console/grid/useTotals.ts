// Sum and average of the selected numbers. Rows that are not here are fetched, up to a limit, once the selection rests.
import { useEffect, useState } from "react";
import type { Column } from "../../../ipc/contract";
import type { Rows } from "./copying";
import type { Bounds } from "./selection";
import { Sum, type Totals } from "./sums";

/** Longer columns have their statistics. */
export const MOST_SUMMED_ROWS = 100_000;
const PAGE = 1000;
/** Selecting by keys or by a drag passes over many selections. */
const REST_MS = 120;

export type Summed =
  | { state: "none" }
  | { state: "adding" }
  | { state: "done"; totals: Totals }
  | { state: "too_many" };

/** Numbers only: an id in a text column is no number. */
export function summable(columns: Column[], order: number[], box: Bounds): number[] {
  return order.slice(box.left, box.right + 1).filter((source) => columns[source]?.numeric);
}

export function useTotals(rows: Rows, columns: Column[], order: number[], box: Bounds | null): Summed {
  const [summed, setSummed] = useState<Summed>({ state: "none" });
  const key = box ? `${box.top} ${box.bottom} ${summable(columns, order, box).join()}` : "";

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says which cells
  useEffect(() => {
    const sources = box ? summable(columns, order, box) : [];
    const lines = box ? box.bottom - box.top + 1 : 0;
    if (!box || sources.length === 0 || lines * sources.length < 2) return setSummed({ state: "none" });
    if (lines > MOST_SUMMED_ROWS) return setSummed({ state: "too_many" });
    const own = new AbortController();
    setSummed((before) => (before.state === "done" && lines <= PAGE ? before : { state: "adding" }));
    const timer = setTimeout(() => {
      addUp(rows, box.top, lines, sources, own.signal).then(
        (totals) => setSummed(totals ? { state: "done", totals } : { state: "none" }),
        () => own.signal.aborted || setSummed({ state: "none" }),
      );
    }, REST_MS);
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [rows, key]);

  return summed;
}

async function addUp(rows: Rows, first: number, lines: number, sources: number[], signal: AbortSignal) {
  const sum = new Sum();
  for (let done = 0; done < lines; ) {
    const page = await rows.window(first + done, Math.min(PAGE, lines - done));
    signal.throwIfAborted();
    if (page.rows.length === 0) return null;
    for (const cells of page.rows) for (const source of sources) sum.add(cells[source] ?? null);
    done += page.rows.length;
  }
  return sum.totals();
}
