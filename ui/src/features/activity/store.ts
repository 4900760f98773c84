// What runs on one server, as last read. Kept while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Activity, Failure, Target } from "../../ipc/contract";
import { useCancels } from "./cancels";

/** How many finished queries are worth a page. */
const FINISHED = 50;

interface ActivityState {
  target: Target | null;
  snapshot: Activity | null;
  failure: Failure | null;
  /** When the answer that is awaited was asked for. */
  since: number | null;
  auto: boolean;
  selected: string | null;
  choose: (target: Target) => Promise<void>;
  refresh: () => Promise<void>;
  setAuto: (auto: boolean) => void;
  select: (query: string | null) => void;
  clear: () => void;
}

const nothing = { snapshot: null, failure: null, since: null, auto: false, selected: null };

/** Counts questions, so that a late answer about another server is dropped. */
let asked = 0;

export const useActivity = create<ActivityState>((set, get) => ({
  target: null,
  ...nothing,

  choose: async (target) => {
    asked += 1;
    useCancels.getState().clear();
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

  clear: () => {
    asked += 1;
    useCancels.getState().clear();
    set({ target: null, ...nothing });
  },
}));
