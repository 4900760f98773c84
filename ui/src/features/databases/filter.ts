// Which databases are shown: what was typed, the environment, and whether one may use them.
import type { Database } from "../../ipc/contract";
import { reachable } from "../../lib/choices";

export interface Filter {
  text: string;
  env: string | null;
  onlyMine: boolean;
}

export const noFilter: Filter = { text: "", env: null, onlyMine: false };

/** Every word must be found somewhere: name, description, labels, users. */
export function matches(database: Database, filter: Filter): boolean {
  if (filter.env !== null && database.env !== filter.env) return false;
  if (filter.onlyMine && !reachable(database)) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = [
    database.name,
    database.description,
    ...database.labels.map(({ name, value }) => `${name}:${value}`),
    ...database.db_users.allowed,
  ]
    .join("\n")
    .toLowerCase();
  return words.every((word) => haystack.includes(word));
}

/** Environments in the order people think of them, with how many databases each has. */
export function facets(databases: Database[]): Array<{ env: string; count: number }> {
  const counts = new Map<string, number>();
  for (const { env } of databases) if (env) counts.set(env, (counts.get(env) ?? 0) + 1);
  const rank = (env: string) => {
    const at = ["prod", "stage", "dev"].indexOf(env);
    return at === -1 ? 3 : at;
  };
  return [...counts]
    .map(([env, count]) => ({ env, count }))
    .sort((a, b) => rank(a.env) - rank(b.env) || a.env.localeCompare(b.env));
}
