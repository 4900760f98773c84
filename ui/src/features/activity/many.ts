// Which of the queries on the screen are meant when several are canceled at once. Pure, so that it is tested as functions.
import { cancelKey, type Meant } from "./cancels";

export interface Choice {
  /** Empty for everybody's. */
  user: string;
  /** Those that have taken longer than so many minutes; 0 for all. */
  minutes: number;
}

/** Live ones that fit, the longest first. */
export function chosen(all: Meant[], choice: Choice): Meant[] {
  return all
    .filter(({ query }) => query.live)
    .filter(({ query }) => choice.user === "" || query.user === choice.user)
    .filter(({ query }) => choice.minutes === 0 || query.elapsed_ms > choice.minutes * 60_000)
    .sort((a, b) => b.query.elapsed_ms - a.query.elapsed_ms);
}

/** Whose live queries there are. */
export function users(all: Meant[]): string[] {
  return [...new Set(all.filter(({ query }) => query.live).map(({ query }) => query.user))].sort();
}

export function keyOf({ target, query }: Meant): string {
  return cancelKey(target, query);
}

/** Does something with all of a list, so many at a time. */
export async function eachOf<T>(list: T[], atOnce: number, act: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...list];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
