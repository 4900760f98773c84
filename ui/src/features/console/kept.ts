// Which results a tab shows: those of its last run, and before them those that were pinned.
import type { KeptResult, ResultInfo, Run, StatementRun } from "../../ipc/contract";
import { isOver, mayHaveNames } from "../../lib/state/consoles";
import { results } from "./run-state";

export interface ShownResult {
  result: ResultInfo;
  /** The statement of the last run that it is of; null for one of an earlier run. */
  statement: StatementRun | null;
  /** Place of its statement in the run, from 1. */
  number: number;
  pinned: boolean;
  growing: boolean;
  /** Its statement, for the tab's name and tooltip. */
  sql: string;
}

/** Characters of a statement that are kept beside its result. One that has as many may have been longer. */
const KEPT_CHARACTERS = 1000;

/** The statement of a result where it can be run again: not where only its beginning was kept, or where it had values for names. */
export function repeatable({ statement, sql }: ShownResult, runText: string): string | null {
  const whole = statement ? runText.slice(statement.from, statement.to) : sql;
  if (!statement && [...sql].length >= KEPT_CHARACTERS) return null;
  return mayHaveNames(whole) ? null : whole;
}

/** Pinned ones first, oldest first; then those of the last run, whose numbers are newer than what was asked for. */
export function shownResults(run: Run | null, kept: KeptResult[]): ShownResult[] {
  const current = results(run);
  const ours = new Set(current.map(({ statement }) => statement.result?.id));
  const earlier = kept
    .filter(({ result, pinned }) => pinned && !ours.has(result.id))
    .map(({ result, sql, growing }) => ({ result, statement: null, number: 0, pinned: true, growing, sql }));
  const now = current.flatMap(({ statement, index }) => {
    const known = kept.find(({ result }) => result.id === statement.result?.id);
    if (!statement.result) return [];
    return {
      result: statement.result,
      statement,
      number: index + 1,
      pinned: known?.pinned ?? false,
      growing: !isOver(statement.state),
      sql: known?.sql ?? "",
    };
  });
  return [...earlier, ...now];
}

/** A result by the first words of its statement, on one line, without comments at its head. */
export function nameOf(sql: string): string {
  const bare = sql
    .replace(/^(\s*(--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/))+/, "")
    .replace(/\s+/g, " ")
    .trim();
  const words = bare === "" ? sql.replace(/\s+/g, " ").trim() : bare;
  return words.length > 32 ? `${words.slice(0, 31)}…` : words;
}
