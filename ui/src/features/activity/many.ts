// Which of the queries on the screen are meant when several are canceled at once. Pure, so that it is tested as functions.
import type { ListedQuery } from "./listed";

export interface Choice {
  /** Empty for everybody's. */
  user: string;
  /** Those that have taken longer than so many minutes; 0 for all. */
  minutes: number;
}

/** Live ones that fit, the longest first. */
export function chosen(all: ListedQuery[], choice: Choice): ListedQuery[] {
  return all
    .filter(({ live }) => live)
    .filter(({ user }) => choice.user === "" || user === choice.user)
    .filter(({ elapsed_ms }) => choice.minutes === 0 || elapsed_ms > choice.minutes * 60_000)
    .sort((a, b) => b.elapsed_ms - a.elapsed_ms);
}

/** Whose live queries there are. */
export function users(all: ListedQuery[]): string[] {
  return [...new Set(all.filter(({ live }) => live).map(({ user }) => user))].sort();
}

/** Does something with all of a list, so many at a time. */
export async function eachOf<T>(list: T[], atOnce: number, act: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...list];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
