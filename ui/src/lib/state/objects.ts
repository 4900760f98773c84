// The catalogues of the logins: how far they are read, and what is open in the tree of each. The objects stay in Rust.
import { create } from "zustand";
import { backend } from "../../ipc/backend";
import type { ObjectsState, OpenObjects, Target } from "../../ipc/contract";
import { Told } from "./told";

interface Objects {
  states: Record<string, ObjectsState>;
  open: Record<string, OpenObjects>;
  take: (state: ObjectsState) => void;
  /** Has it read unless it is there or on its way; `again` reads it anew. */
  read: (target: Target, again: boolean) => Promise<void>;
  stop: (target: Target) => Promise<void>;
  setOpen: (target: Target, open: OpenObjects) => void;
  clear: () => void;
}

export const nothingOpen: OpenObjects = { database_closed: false, schemas: [], functions: [], tables: [] };

export function targetKey({ database, db_user, db_name }: Target): string {
  return JSON.stringify([database, db_user, db_name]);
}

const told = new Told();

export const useObjects = create<Objects>((set, get) => ({
  states: {},
  open: {},
  take: (state) => {
    told.hear(targetKey(state.target));
    set((before) => ({ states: { ...before.states, [targetKey(state.target)]: state } }));
  },
  read: (target, again) =>
    told.unlessTold(backend().call("objects_read", { target, again }), get().take, targetKey(target)),
  stop: async (target) => {
    await backend().call("objects_stop", target);
  },
  setOpen: (target, open) => set((state) => ({ open: { ...state.open, [targetKey(target)]: open } })),
  clear: () => set({ states: {}, open: {} }),
}));
