// Which query is looked at. Kept while one looks at another view.
import { create } from "zustand";
import { useCancels } from "./cancels";
import { useReads } from "./reads";

interface ActivityState {
  /** By its key. */
  selected: string | null;
  select: (key: string | null) => void;
  clear: () => void;
}

export const useActivity = create<ActivityState>((set) => ({
  selected: null,
  select: (selected) => set({ selected }),
  clear: () => {
    useReads.getState().clear();
    useCancels.getState().clear();
    set({ selected: null });
  },
}));
