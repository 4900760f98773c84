// What is watched in each database, and how that goes. The shell tells whenever it changes.
import { create } from "zustand";
import { backend } from "../../ipc/backend";
import type { Watch, Watching } from "../../ipc/contract";
import { Told } from "./told";

interface Watches {
  /** null until it is known. */
  list: Watching[] | null;
  take: (list: Watching[]) => void;
  load: () => Promise<void>;
  set: (watch: Watch) => Promise<void>;
}

const told = new Told();

export const useWatches = create<Watches>((set) => ({
  list: null,
  take: (list) => {
    told.hear();
    set({ list });
  },
  load: () => told.unlessTold(backend().call("watch_list", null), (list) => set({ list })),
  set: (watch) => told.unlessTold(backend().call("watch_set", watch), (list) => set({ list })),
}));
