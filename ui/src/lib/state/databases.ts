// The databases a person may see.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { Database, Failure } from "../../ipc/contract";

interface Databases {
  /** Absent until the first answer. */
  list: Database[] | null;
  failure: Failure | null;
  load: () => Promise<void>;
  clear: () => void;
}

export const useDatabases = create<Databases>((set) => ({
  list: null,
  failure: null,
  load: async () => {
    try {
      set({ list: await backend().call("databases_list", null), failure: null });
    } catch (reason) {
      // What was there stays: a list that could not be renewed is still worth reading.
      set({ failure: asFailure(reason) });
    }
  },
  clear: () => set({ list: null, failure: null }),
}));
