// A query of a list that nothing is special about.
import type { ListedQuery } from "../features/activity/listed";
import type { Activity, Query } from "../ipc/contract";

export function anyQuery(more: Partial<Query> = {}): Query {
  return {
    query_id: "1",
    session_id: 10,
    user: "IAMR:ro",
    db_name: "dev",
    status: "running",
    live: true,
    query_type: "SELECT",
    start_time: 0,
    end_time: null,
    elapsed_ms: 1000,
    queue_ms: 0,
    lock_wait_ms: 0,
    planning_ms: 0,
    compile_ms: 0,
    execution_ms: 0,
    waits_for_lock: false,
    rows: 0,
    bytes: 0,
    cache_hit: false,
    hash: null,
    error: null,
    text: "select 1",
    own: true,
    ours: null,
    ...more,
  };
}

export function anyActivity(more: Partial<Activity> = {}): Activity {
  return {
    source: "history",
    scope: "all",
    me: "IAMR:ro",
    grant: null,
    hidden: 0,
    as_of: 0,
    server_now: 0,
    cut: false,
    queries: [],
    ...more,
  };
}

/** One that ended, unless `end` is null. */
export function anyListed(
  key: string,
  start: number,
  end: number | null,
  more: Partial<ListedQuery> = {},
): ListedQuery {
  const live = end === null;
  return {
    ...anyQuery({
      query_id: key,
      live,
      status: live ? "running" : "success",
      start_time: start,
      end_time: end,
      elapsed_ms: live ? 1000 : end - start,
    }),
    key,
    target: { database: "sales", db_user: "ro", db_name: "dev" },
    asOf: 0,
    start,
    end,
    mine: false,
    ...more,
  };
}
