// What is watched in each database, and how that goes. The shell tells whenever it changes.
import { create } from "zustand";
import { backend } from "../../ipc/backend";
import type { Watch, Watching } from "../../ipc/contract";

interface Watches {
  /** null until it is known. */
  list: Watching[] | null;
  take: (list: Watching[]) => void;
  load: () => Promise<void>;
  set: (watch: Watch) => Promise<void>;
}

export const useWatches = create<Watches>((set) => ({
  list: null,
  take: (list) => set({ list }),
  load: async () => set({ list: await backend().call("watch_list", null) }),
  set: async (watch) => set({ list: await backend().call("watch_set", watch) }),
}));
