// Console tabs, their text and their runs. Text and results stay while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { ConsoleTab, Failure, Run, RunState, Target } from "../../ipc/contract";

export interface Tab extends ConsoleTab {
  /** For people: Untitled 1, 2, … */
  number: number;
  text: string;
  run: Run | null;
  /** The text that was handed to `run`; offsets of the run are into this. */
  runText: string;
  /** When the run was asked for, for the ticking clock. */
  startedAt: number;
  /** Asked, and the shell has not answered yet. */
  asking: boolean;
  /** The run could not even be asked for. */
  failure: Failure | null;
}

interface Consoles {
  tabs: Tab[];
  active: string | null;
  load: () => Promise<void>;
  open: (target: Target, text?: string) => Promise<void>;
  close: (id: string) => Promise<void>;
  /** Another user or database of the same server: a new session, the same text. */
  retarget: (id: string, target: Target) => Promise<void>;
  select: (id: string) => void;
  setText: (id: string, text: string) => void;
  run: (id: string, from: number, to: number, all: boolean) => Promise<void>;
  cancel: (id: string) => Promise<void>;
  take: (run: Run) => void;
  clear: () => void;
}

let lastNumber = 0;

function fresh(tab: ConsoleTab, text = ""): Tab {
  lastNumber += 1;
  return { ...tab, number: lastNumber, text, run: null, runText: "", startedAt: 0, asking: false, failure: null };
}

export function isOver(state: RunState): boolean {
  return state === "done" || state === "failed" || state === "canceled";
}

export function isRunning(tab: Tab): boolean {
  return tab.asking || (tab.run !== null && !isOver(tab.run.state));
}

/**
 * Which of two reports of a tab to keep. Events and the answer to `console_run` arrive in any order: an ended run never
 * wakes up again, and a report of the run before the one being asked for is old news.
 */
export function newer(tab: Pick<Tab, "run" | "asking">, report: Run): boolean {
  const known = tab.run;
  if (!known) return true;
  if (known.id !== report.id) return tab.asking || isOver(known.state);
  if (isOver(known.state)) return isOver(report.state) && report.elapsed_ms >= known.elapsed_ms;
  return isOver(report.state) || report.elapsed_ms >= known.elapsed_ms;
}

export const useConsoles = create<Consoles>((set, get) => {
  const change = (id: string, patch: Partial<Tab>) =>
    set(({ tabs }) => ({ tabs: tabs.map((tab) => (tab.id === id ? { ...tab, ...patch } : tab)) }));
  const find = (id: string) => get().tabs.find((tab) => tab.id === id);

  return {
    tabs: [],
    active: null,

    load: async () => {
      const before = new Set(get().tabs.map(({ id }) => id));
      const open = await backend().call("console_tabs", null);
      set(({ tabs, active }) => {
        // A tab opened while we asked is not in the answer.
        const since = tabs.filter(({ id }) => !before.has(id) && !open.some((tab) => tab.id === id));
        const kept = [...open.map((tab) => tabs.find((known) => known.id === tab.id) ?? fresh(tab)), ...since];
        const still = kept.some((tab) => tab.id === active) ? active : (kept[0]?.id ?? null);
        return { tabs: kept, active: still };
      });
    },

    open: async (target, text) => {
      const tab = fresh(await backend().call("console_open", target), text);
      set(({ tabs }) => ({ tabs: [...tabs, tab], active: tab.id }));
    },

    close: async (id) => {
      const at = get().tabs.findIndex((tab) => tab.id === id);
      set(({ tabs, active }) => {
        const left = tabs.filter((tab) => tab.id !== id);
        const neighbour = left[Math.min(at, left.length - 1)]?.id ?? null;
        return { tabs: left, active: active === id ? neighbour : active };
      });
      await backend().call("console_close", id);
    },

    retarget: async (id, target) => {
      const opened = await backend().call("console_open", target);
      const old = find(id);
      if (old)
        set(({ tabs, active }) => ({
          tabs: tabs.map((tab) => (tab.id === id ? { ...fresh(opened, old.text), number: old.number } : tab)),
          active: active === id ? opened.id : active,
        }));
      await backend().call("console_close", id);
    },

    select: (id) => set({ active: id }),
    setText: (id, text) => change(id, { text }),

    run: async (id, from, to, all) => {
      const tab = find(id);
      if (!tab || isRunning(tab)) return;
      change(id, { asking: true, failure: null, runText: tab.text, startedAt: Date.now() });
      try {
        const run = await backend().call("console_run", { tab: id, text: tab.text, from, to, all });
        get().take(run);
        change(id, { asking: false });
      } catch (reason) {
        const failure = asFailure(reason);
        change(id, { asking: false, run: null, failure: failure.code === "canceled" ? null : failure });
      }
    },

    cancel: async (id) => {
      await backend().call("console_cancel", id);
    },

    take: (run) => {
      const tab = find(run.tab);
      if (tab && newer(tab, run)) change(run.tab, { run });
    },

    clear: () => {
      lastNumber = 0;
      set({ tabs: [], active: null });
    },
  };
});
