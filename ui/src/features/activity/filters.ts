// Which queries are shown, in which order, and together with which others. Pure, so that it is tested as functions.

import type { ListedQuery } from "./listed";
import { isWaiting, SLOW_MS } from "./timeline";

export const statusChoices = ["all", "live", "waiting", "slow", "failed", "canceled", "success"] as const;
export type StatusChoice = (typeof statusChoices)[number];

export const durations = [0, 1000, 10_000, 60_000, 600_000] as const;

export interface Filters {
  text: string;
  status: StatusChoice;
  /** Exactly this user; empty for all. */
  user: string;
  /** Only this server; empty for all. */
  database: string;
  /** At least so many milliseconds. */
  longer: number;
  onlyMine: boolean;
  /** Only queries that differ from each other in their literals; empty for all. */
  hash: string;
}

export const noFilters: Filters = {
  text: "",
  status: "all",
  user: "",
  database: "",
  longer: 0,
  onlyMine: false,
  hash: "",
};

export function isFiltered(filters: Filters): boolean {
  return (Object.keys(noFilters) as Array<keyof Filters>).some((name) => filters[name] !== noFilters[name]);
}

export function filtered(queries: ListedQuery[], filters: Filters): ListedQuery[] {
  if (!isFiltered(filters)) return queries;
  const words = filters.text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return queries.filter(
    (query) =>
      hasStatus(query, filters.status) &&
      (filters.user === "" || query.user === filters.user) &&
      (filters.database === "" || query.target.database === filters.database) &&
      query.elapsed_ms >= filters.longer &&
      (!filters.onlyMine || query.mine) &&
      (filters.hash === "" || hashOf(query) === filters.hash) &&
      (words.length === 0 || has(query, words)),
  );
}

function hasStatus(query: ListedQuery, status: StatusChoice): boolean {
  switch (status) {
    case "all":
      return true;
    case "live":
      return query.live;
    case "waiting":
      return isWaiting(query);
    case "slow":
      return query.elapsed_ms >= SLOW_MS;
    default:
      return query.status === status;
  }
}

/** Every word somewhere: in the text, the error, the user, the program or one of the numbers. */
function has(query: ListedQuery, words: string[]): boolean {
  const { text, error, user, query_id, session_id, ours } = query;
  const all = `${text}\n${error ?? ""}\n${user}\n${query_id} ${session_id}\n${ours?.program ?? ""}`.toLocaleLowerCase();
  return words.every((word) => all.includes(word));
}

export function usersOf(queries: ListedQuery[]): string[] {
  return [...new Set(queries.map(({ user }) => user))].filter(Boolean).sort((a, b) => a.localeCompare(b));
}

export const sortKeys = ["status", "database", "query", "start", "elapsed", "user", "rows", "bytes", "text"] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Sort {
  by: SortKey;
  down: boolean;
}

/** As they come: live ones first, then the latest. Null is that order. */
export function sorted(queries: ListedQuery[], sort: Sort | null): ListedQuery[] {
  if (!sort) return queries;
  const sign = sort.down ? -1 : 1;
  const compare = comparisons[sort.by];
  return [...queries].sort((a, b) => sign * compare(a, b));
}

const order = ["running", "returning", "planning", "queued", "failed", "canceled", "success", "done"];
const rank = ({ status }: ListedQuery) => (order.indexOf(status) + order.length + 1) % (order.length + 1);
/** Numbers of 64 bits are text here. */
const byNumber = (a: string, b: string) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

const comparisons: Record<SortKey, (a: ListedQuery, b: ListedQuery) => number> = {
  status: (a, b) => rank(a) - rank(b),
  database: (a, b) => a.target.database.localeCompare(b.target.database),
  query: (a, b) => byNumber(a.query_id, b.query_id),
  start: (a, b) => a.start - b.start,
  elapsed: (a, b) => a.elapsed_ms - b.elapsed_ms,
  user: (a, b) => a.user.localeCompare(b.user),
  rows: (a, b) => a.rows - b.rows,
  bytes: (a, b) => a.bytes - b.bytes,
  text: (a, b) => a.text.localeCompare(b.text),
};

/** The order after a click on a head: one way, the other, none. Numbers are wanted the largest first. */
export function nextSort(sort: Sort | null, by: SortKey): Sort | null {
  const first = by === "start" || by === "elapsed" || by === "rows" || by === "bytes";
  if (sort?.by !== by) return { by, down: first };
  return sort.down === first ? { by, down: !first } : null;
}

export type Grouping = "none" | "user" | "hash";

export interface Group {
  key: string;
  /** A user's name, or the text of one of the queries. */
  label: string;
  count: number;
  live: number;
  failed: number;
  /** Milliseconds of all together, and of the longest. */
  total: number;
  longest: number;
  rows: number;
  bytes: number;
}

/** What differs in its literals only. A server that tells no hash is grouped by its text. */
export function hashOf(query: ListedQuery): string {
  return query.hash ?? query.text.replace(/\s+/g, " ").trim();
}

/** Those that took most come first. */
export function groups(queries: ListedQuery[], by: Exclude<Grouping, "none">): Group[] {
  const found = new Map<string, Group>();
  for (const query of queries) {
    const key = by === "user" ? query.user : hashOf(query);
    let group = found.get(key);
    if (!group) {
      const label = by === "user" ? query.user : query.text;
      group = { key, label, count: 0, live: 0, failed: 0, total: 0, longest: 0, rows: 0, bytes: 0 };
      found.set(key, group);
    }
    group.count += 1;
    group.live += query.live ? 1 : 0;
    group.failed += query.status === "failed" ? 1 : 0;
    group.total += query.elapsed_ms;
    group.longest = Math.max(group.longest, query.elapsed_ms);
    group.rows += query.rows;
    group.bytes += query.bytes;
  }
  return [...found.values()].sort((a, b) => b.total - a.total);
}
