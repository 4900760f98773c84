// A query as this view lists it: with the login it was read through, and its times by this machine's clock.
import type { Activity, Query, Target } from "../../ipc/contract";

export interface ListedQuery extends Query {
  /** Names it among the queries of all servers. */
  key: string;
  /** Through which login it was read, and through which it is canceled. */
  target: Target;
  /** When it was read, by our clock. */
  asOf: number;
  /** When it began, by our clock. */
  start: number;
  /** When it ended, by our clock; null while it lives. */
  end: number | null;
  /** It is of the user who reads it, or runs through Postern. */
  mine: boolean;
}

/** Two servers may number alike, and a list without numbers names queries within their session. */
export function queryKey(database: string, query: Pick<Query, "query_id" | "session_id">): string {
  return `${query.query_id} ${query.session_id} ${database}`;
}

/** How far a server's clock is behind ours. What lies between is mostly the way of its answer. */
export function behind(activity: Activity): number {
  return activity.as_of - activity.server_now;
}

/** What was read, by our clock. A query that lives began so long ago as the server says it runs, whatever either clock says. */
export function listed(target: Target, activity: Activity): ListedQuery[] {
  const shift = behind(activity);
  return activity.queries.map((query) => ({
    ...query,
    key: queryKey(target.database, query),
    target,
    asOf: activity.as_of,
    start: query.live ? activity.as_of - query.elapsed_ms : query.start_time + shift,
    end: query.live ? null : (query.end_time ?? query.start_time + query.elapsed_ms) + shift,
    mine: query.ours !== null || (activity.me !== "" && query.user === activity.me),
  }));
}

/** Answers overlap by so much: what a server has recorded late is not missed. */
export const OVERLAP_MS = 5 * 60_000;

/** What is known after a read of the latest part only. What lived before and is not in it anymore was forgotten by the server. */
export function merged(before: ListedQuery[], latest: ListedQuery[], from: number): ListedQuery[] {
  const fresh = new Set(latest.map(({ key }) => key));
  const old = before.filter((query) => !query.live && !fresh.has(query.key) && (query.end ?? query.start) >= from);
  return [...latest, ...old].sort(byAge);
}

/** Live ones first, then those that began last. */
function byAge(a: ListedQuery, b: ListedQuery): number {
  if (a.live !== b.live) return a.live ? -1 : 1;
  return b.start - a.start;
}
