// Which query is looked at, and what became of the cancels. Kept while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { CancelReport, Failure } from "../../ipc/contract";
import type { ListedQuery } from "./listed";
import { useReads } from "./reads";

export interface Cancel {
  terminate: boolean;
  running: boolean;
  report: CancelReport | null;
  failure: Failure | null;
}

interface ActivityState {
  /** By its key. */
  selected: string | null;
  /** By the keys of their queries. */
  cancels: Record<string, Cancel>;
  select: (key: string | null) => void;
  cancel: (query: ListedQuery, terminate: boolean) => Promise<void>;
  clear: () => void;
}

const nothing = { selected: null, cancels: {} };

export const useActivity = create<ActivityState>((set, get) => ({
  ...nothing,

  select: (selected) => set({ selected }),

  cancel: async (query, terminate) => {
    const { key, target } = query;
    if (get().cancels[key]?.running) return;
    const keep = (cancel: Partial<Cancel>) =>
      set(({ cancels }) => {
        const before = cancels[key] ?? { terminate, running: false, report: null, failure: null };
        return { cancels: { ...cancels, [key]: { ...before, terminate, ...cancel } } };
      });
    set({ selected: key });
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
    await useReads.getState().refresh(target.database);
  },

  clear: () => {
    useReads.getState().clear();
    set(nothing);
  },
}));
