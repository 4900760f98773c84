// A tab with an open transaction that somebody wants to leave. One at a time, asked about in a dialog.
import { create } from "zustand";
import type { Target } from "../../ipc/contract";
import { useConsoles } from "../../lib/state/consoles";

export type Leaving = { id: string } & ({ how: "close" } | { how: "switch"; target: Target; readOnly: boolean });

interface State {
  leaving: Leaving | null;
  ask: (leaving: Leaving) => void;
  stay: () => void;
}

export const useLeaving = create<State>((set) => ({
  leaving: null,
  ask: (leaving) => set({ leaving }),
  stay: () => set({ leaving: null }),
}));

/** Whether leaving a tab now would roll something back. */
export function hasTransaction(id: string): boolean {
  return useConsoles.getState().tabs.find((tab) => tab.id === id)?.transaction != null;
}
