// Which view is in front, and what it was asked to point at.
import { create } from "zustand";

export const views = ["databases", "connections", "console", "activity", "settings"] as const;
export type View = (typeof views)[number];

export function isView(name: string): name is View {
  return (views as readonly string[]).includes(name);
}

interface Navigation {
  view: View;
  /** A database the view should point at; it takes this once, by `taken`. */
  database: string | null;
  /** A query of that database, likewise, by `queryTaken`. */
  query: string | null;
  paletteOpen: boolean;
  railNarrow: boolean;
  /** The question which proxy to start is open, in the Connections view. */
  startingProxy: boolean;
  go: (view: View, database?: string | null, query?: string | null) => void;
  taken: () => void;
  queryTaken: () => void;
  setPalette: (open: boolean) => void;
  toggleRail: () => void;
  startProxy: (open: boolean) => void;
}

export const useNavigation = create<Navigation>((set) => ({
  view: "databases",
  database: null,
  query: null,
  paletteOpen: false,
  railNarrow: false,
  startingProxy: false,
  go: (view, database = null, query = null) => set({ view, database, query, paletteOpen: false }),
  taken: () => set({ database: null }),
  queryTaken: () => set({ query: null }),
  setPalette: (paletteOpen) => set({ paletteOpen }),
  startProxy: (startingProxy) =>
    set(startingProxy ? { view: "connections", startingProxy, paletteOpen: false } : { startingProxy }),
  toggleRail: () => set((state) => ({ railNarrow: !state.railNarrow })),
}));
