// Where a query's time went, and where its bar stands. Pure, so that it is tested as functions.
import type { Query } from "../../ipc/contract";

export const phaseNames = ["lock", "queue", "planning", "compile", "execution", "returning"] as const;
export type PhaseName = (typeof phaseNames)[number];

export interface Phase {
  /** `unknown` is time that the server has not put under any name. */
  name: PhaseName | "unknown";
  ms: number;
}

/** How long it has been running: live queries go on after the moment they were read. */
export function elapsedNow(query: Query, asOf: number, now: number): number {
  return query.live ? query.elapsed_ms + Math.max(0, now - asOf) : query.elapsed_ms;
}

/** Same order for every query. Time without a name belongs to the phase its status names, if it names one. */
export function phases(query: Query, elapsed: number): Phase[] {
  const ms: Record<PhaseName, number> = {
    lock: query.lock_wait_ms,
    queue: query.queue_ms,
    planning: query.planning_ms,
    compile: query.compile_ms,
    execution: query.execution_ms,
    returning: 0,
  };
  const named = phaseNames.reduce((sum, name) => sum + ms[name], 0);
  const rest = Math.max(0, elapsed - named);
  const owner = restOwner(query.status);
  if (owner) ms[owner] += rest;
  const list: Phase[] = phaseNames.map((name) => ({ name, ms: ms[name] }));
  if (!owner) list.push({ name: "unknown", ms: rest });
  return list.filter((phase) => phase.ms > 0);
}

function restOwner(status: string): PhaseName | null {
  switch (status) {
    case "queued":
      return "queue";
    case "planning":
      return "planning";
    case "running":
      return "execution";
    case "returning":
    case "success":
      return "returning";
    default:
      return null;
  }
}

export function longest(list: Phase[]): Phase | undefined {
  return list.reduce<Phase | undefined>((best, phase) => (best && best.ms >= phase.ms ? best : phase), undefined);
}

const LANES = 8;
const RECENT_MS = 15 * 60_000;

export interface Lane {
  query: Query;
  /** Percent of the plot. */
  left: number;
  width: number;
  phases: Phase[];
}

export interface Timeline {
  lanes: Lane[];
  ticks: Array<{ at: number; left: number }>;
  /** Milliseconds between two ticks. */
  step: number;
  nowLeft: number;
}

/** All that live, then the latest that ended, by when they began; at most eight lanes. Null when there is nothing recent. */
export function timeline(queries: Query[], asOf: number, now: number): Timeline | null {
  const end = (query: Query) => query.end_time ?? now;
  const live = queries.filter((query) => query.live);
  const recent = queries.filter((query) => !query.live && now - end(query) < RECENT_MS);
  const chosen = [...live, ...recent].slice(0, LANES).sort((a, b) => a.start_time - b.start_time);
  if (chosen.length === 0) return null;
  const first = Math.min(...chosen.map(({ start_time }) => start_time));
  const step = tickStep(now - first);
  const from = Math.floor(first / step) * step;
  const span = Math.max(now - from, 1000) / 0.975;
  const percent = (ms: number) => (Math.max(0, ms) / span) * 100;
  const lanes = chosen.map((query) => {
    const took = elapsedNow(query, asOf, now);
    return {
      query,
      left: percent(query.start_time - from),
      width: percent(Math.max(end(query) - query.start_time, 0)),
      phases: phases(query, took),
    };
  });
  const ticks = [];
  for (let at = from; at <= now; at += step) ticks.push({ at, left: percent(at - from) });
  return { lanes, ticks, step, nowLeft: percent(now - from) };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/** About five ticks, at times people read easily. */
function tickStep(span: number): number {
  const wanted = span / 5 / 1000;
  return (STEPS.find((step) => step >= wanted) ?? 86_400) * 1000;
}

/** What lets a login see everybody's queries. Names are quoted as the server writes them. */
export function monitorGrant(dbUser: string): string {
  return `GRANT ROLE sys:monitor TO "${dbUser.replaceAll('"', '""')}";`;
}
