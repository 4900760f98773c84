// How each result is looked at: as rows, as a plot, or as the plan that it is.
import { create } from "zustand";
import type { ResultInfo } from "../../ipc/contract";

export type Look = "rows" | "plot" | "plan";

interface Looks {
  looks: Record<string, Look>;
  look: (result: string, look: Look) => void;
}

export const useLooks = create<Looks>((set) => ({
  looks: {},
  look: (result, look) => set(({ looks }) => ({ looks: { ...looks, [result]: look } })),
}));

/** What EXPLAIN brings, in Redshift and in PostgreSQL. */
export function isPlan({ columns }: Pick<ResultInfo, "columns">): boolean {
  return columns.length === 1 && columns[0]?.name.toUpperCase() === "QUERY PLAN";
}

export function looksOf(result: ResultInfo): Look[] {
  return isPlan(result) ? ["plan", "rows"] : ["rows", "plot"];
}
