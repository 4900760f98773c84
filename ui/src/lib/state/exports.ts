// Rows on their way into files. The shell does it and tells; what has ended stays listed until somebody closes it.
import { create } from "zustand";
import { backend } from "../../ipc/backend";
import type { Export, ExportState, StartExport } from "../../ipc/contract";
import { Told } from "./told";

interface Exports {
  list: Export[];
  take: (list: Export[]) => void;
  load: () => Promise<void>;
  /** Answers whether a file was chosen: the shell asks for it. */
  start: (request: StartExport) => Promise<boolean>;
  stop: (id: string) => Promise<void>;
  forget: (id: string) => Promise<void>;
  reveal: (id: string) => Promise<void>;
  clear: () => void;
}

export function hasEnded(state: ExportState): boolean {
  return state === "done" || state === "failed" || state === "stopped";
}

/** From 0 to 1, or null while nobody knows how much there will be. */
export function share({ rows, total }: Pick<Export, "rows" | "total">): number | null {
  if (total === null) return null;
  return total === 0 ? 1 : Math.min(1, rows / total);
}

const told = new Told();

export const useExports = create<Exports>((set) => ({
  list: [],
  take: (list) => {
    told.hear();
    set({ list });
  },
  load: () => told.unlessTold(backend().call("exports_list", null), (list) => set({ list })),
  start: async (request) => (await backend().call("export_start", request)) !== null,
  stop: async (id) => {
    await backend().call("export_stop", id);
  },
  forget: async (id) => {
    await backend().call("export_forget", id);
  },
  reveal: async (id) => {
    await backend().call("export_reveal", id);
  },
  clear: () => set({ list: [] }),
}));
