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
