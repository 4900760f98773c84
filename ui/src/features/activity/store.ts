// What runs on one server, as last read, and what became of the cancels. Kept while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Activity, CancelReport, Failure, Query, Target } from "../../ipc/contract";

/** How many finished queries are worth a page. */
const FINISHED = 50;

export interface Cancel {
  terminate: boolean;
  running: boolean;
  report: CancelReport | null;
  failure: Failure | null;
}

interface ActivityState {
  target: Target | null;
  snapshot: Activity | null;
  failure: Failure | null;
  /** When the answer that is awaited was asked for. */
  since: number | null;
  auto: boolean;
  selected: string | null;
  cancels: Record<string, Cancel>;
  choose: (target: Target) => Promise<void>;
  refresh: () => Promise<void>;
  setAuto: (auto: boolean) => void;
  select: (query: string | null) => void;
  cancel: (query: Query, terminate: boolean) => Promise<void>;
  clear: () => void;
}

const nothing = { snapshot: null, failure: null, since: null, auto: false, selected: null, cancels: {} };

/** Counts questions, so that a late answer about another server is dropped. */
let asked = 0;

export const useActivity = create<ActivityState>((set, get) => ({
  target: null,
  ...nothing,

  choose: async (target) => {
    asked += 1;
    set({ target, ...nothing });
    await get().refresh();
  },

  refresh: async () => {
    const { target, since } = get();
    if (!target || since !== null) return;
    asked += 1;
    const mine = asked;
    set({ since: Date.now() });
    try {
      const snapshot = await backend().call("activity_list", { target, finished: FINISHED });
      if (mine === asked) set({ snapshot, failure: null, since: null });
    } catch (reason) {
      // What was read stays, and says when; asking again and again what fails helps nobody.
      if (mine === asked) set({ failure: asFailure(reason), since: null, auto: false });
    }
  },

  setAuto: (auto) => set({ auto }),
  select: (selected) => set({ selected }),

  cancel: async (query, terminate) => {
    const { target } = get();
    if (!target || get().cancels[query.query_id]?.running) return;
    const keep = (cancel: Partial<Cancel>) =>
      set(({ cancels }) => {
        const before = cancels[query.query_id] ?? { terminate, running: false, report: null, failure: null };
        return { cancels: { ...cancels, [query.query_id]: { ...before, terminate, ...cancel } } };
      });
    set({ selected: query.query_id });
    keep({ running: true, failure: null });
    try {
      const report = await backend().call("activity_cancel", {
        target,
        session_id: query.session_id,
        query_id: query.query_id,
        terminate,
      });
      keep({ running: false, report });
    } catch (reason) {
      keep({ running: false, failure: asFailure(reason) });
    }
    await get().refresh();
  },

  clear: () => {
    asked += 1;
    set({ target: null, ...nothing });
  },
}));
