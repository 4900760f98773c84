// What was read from each server, kept while one looks at another view. Servers are read side by side: none waits for another, and the
// failure of one hides nothing of the others.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Activity, Failure, Target } from "../../ipc/contract";
import { isRunning, useConsoles } from "../../lib/state/consoles";
import { type ListedQuery, listed, merged, OVERLAP_MS } from "./listed";
import { ranges } from "./timeline";

/** A server is asked for so many ended queries at most. */
const FINISHED = 10_000;
/** Longer texts are read for the query that somebody looks at. */
const TEXT = 400;

export const intervals = [5000, 15_000, 60_000] as const;

export interface Read {
  target: Target;
  /** The last answer without its queries; null until there is one. */
  about: Omit<Activity, "queries"> | null;
  queries: ListedQuery[];
  failure: Failure | null;
  /** When the answer that is awaited was asked for. */
  since: number | null;
  /** How far back `queries` go. */
  range: number;
}

interface Reads {
  /** One login for each server, in the order in which they were chosen. */
  targets: Target[];
  /** By the name of the database. */
  reads: Record<string, Read>;
  /** How far back is looked. */
  range: number;
  /** Milliseconds between two reads, when it is read again by itself. */
  every: number;
  /** Somebody has asked for that. */
  auto: boolean;
  /** Looks at this server alone. */
  choose: (target: Target) => Promise<void>;
  /** Looks at this server too. */
  add: (target: Target) => Promise<void>;
  remove: (database: string) => void;
  /** Reads what is new at one server, or at all. */
  refresh: (database?: string) => Promise<void>;
  setRange: (range: number) => Promise<void>;
  setEvery: (every: number) => void;
  setAuto: (auto: boolean) => void;
  clear: () => void;
}

const nothing = { targets: [], reads: {}, auto: false };

/** Counts questions, so that a late answer to one that nobody asks anymore is dropped. */
let asked = 0;
const awaited = new Map<string, number>();

export const useReads = create<Reads>((set, get) => {
  const change = (database: string, part: Partial<Read>) =>
    set(({ reads }) => {
      const before = reads[database];
      return before ? { reads: { ...reads, [database]: { ...before, ...part } } } : {};
    });

  /** Asks for all of the range, or where that is known already for what came since. */
  const read = async (database: string) => {
    const before = get().reads[database];
    if (!before || before.since !== null) return;
    const { range } = get();
    asked += 1;
    const mine = asked;
    awaited.set(database, mine);
    change(database, { since: Date.now() });
    const known = before.about !== null && before.range >= range;
    const latest = known ? Date.now() - (before.about?.as_of ?? 0) + OVERLAP_MS : range;
    try {
      const activity = await backend().call("activity_list", {
        target: before.target,
        finished: FINISHED,
        last_ms: Math.min(latest, range),
        text: TEXT,
      });
      if (awaited.get(database) !== mine) return;
      const { queries: _, ...about } = activity;
      const part = known && latest < range;
      const fresh = listed(before.target, activity);
      change(database, {
        about: part ? { ...about, cut: about.cut || (before.about?.cut ?? false) } : about,
        queries: part ? merged(before.queries, fresh, about.as_of - range) : fresh,
        failure: null,
        since: null,
        range,
      });
      // Somebody has asked for more meanwhile.
      if (get().range > range) await read(database);
    } catch (reason) {
      // What was read stays, and says when.
      if (awaited.get(database) === mine) change(database, { failure: asFailure(reason), since: null });
      // Asking again and again what fails helps nobody; the others go on.
      if (Object.values(get().reads).every(({ failure }) => failure)) set({ auto: false });
    }
  };

  const empty = (target: Target): Read => ({
    target,
    about: null,
    queries: [],
    failure: null,
    since: null,
    range: 0,
  });

  return {
    ...nothing,
    range: ranges[1],
    every: intervals[0],

    choose: async (target) => {
      awaited.clear();
      set({ ...nothing, targets: [target], reads: { [target.database]: empty(target) } });
      await read(target.database);
    },

    add: async (target) => {
      awaited.delete(target.database);
      set(({ targets, reads }) => ({
        targets: [...targets.filter(({ database }) => database !== target.database), target],
        reads: { ...reads, [target.database]: empty(target) },
      }));
      await read(target.database);
    },

    remove: (database) => {
      awaited.delete(database);
      set(({ targets, reads }) => {
        const { [database]: _, ...rest } = reads;
        return { targets: targets.filter((target) => target.database !== database), reads: rest };
      });
    },

    refresh: async (database) => {
      const names = database === undefined ? get().targets.map((target) => target.database) : [database];
      await Promise.all(names.map(read));
    },

    setRange: async (range) => {
      set({ range });
      const short = Object.values(get().reads).filter((known) => known.range < range);
      await Promise.all(short.map(({ target }) => read(target.database)));
    },

    setEvery: (every) => set({ every }),
    setAuto: (auto) => set({ auto }),

    clear: () => {
      awaited.clear();
      set(nothing);
    },
  };
});

/** Something that runs through Postern is worth watching without being asked to. */
export function oursRuns(reads: Record<string, Read>): boolean {
  return Object.values(reads).some(({ queries }) => queries.some(({ live, ours }) => live && ours !== null));
}

/** The same, also where what a tab runs came too late for the last answer. */
export function useOursRun(): boolean {
  const reads = useReads((state) => state.reads);
  const runs = useConsoles(({ tabs }) => tabs.some((tab) => tab.target.database in reads && isRunning(tab)));
  return runs || oursRuns(reads);
}

/** The queries of all servers, live ones first, then those that began last. */
export function allQueries(targets: Target[], reads: Record<string, Read>): ListedQuery[] {
  const lists = targets.map(({ database }) => reads[database]?.queries ?? []);
  if (lists.length === 1) return lists[0] ?? [];
  return lists.flat().sort((a, b) => (a.live === b.live ? b.start - a.start : a.live ? -1 : 1));
}

/** When the oldest of the answers that are shown was read. */
export function readAt(reads: Record<string, Read>): number | null {
  const times = Object.values(reads).flatMap(({ about }) => (about ? [about.as_of] : []));
  return times.length > 0 ? Math.min(...times) : null;
}
