// Console tabs, their text and their runs. Text and results stay while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type {
  ConsoleTab,
  DangerousStatement,
  Draft,
  Failure,
  HistoryEntry,
  Parameter,
  ParameterKind,
  RestoredTab,
  Run,
  RunState,
  SqlFile,
  Target,
} from "../../ipc/contract";
import { forgetDraft, keepNow, keepSoon } from "./drafts";

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
  /** The file it belongs to. */
  file: SqlFile | null;
  /** What its file holds, as far as we know; null when the text differed when the tab came back. */
  saved: string | null;
  /** Selection or cursor, for when the tab comes back. */
  cursor: Cursor;
  /** Counts the times that its text was replaced as a whole, so that the editor begins anew. */
  revision: number;
  /** `:name`s of the text, in order. */
  names: string[];
  /** What was typed for them, and for names that the text had before. */
  values: Record<string, ParameterValue>;
  /** Names that the run just asked for has no value for. */
  missing: string[];
  /** How many runs were held back for want of a value. */
  heldBack: number;
  /** To be answered before what was asked for runs. */
  question: Question | null;
}

export interface ParameterValue {
  kind: ParameterKind;
  value: string;
}

/** A run that is not begun, because of what it would do. */
interface Asked {
  from: number;
  to: number;
  all: boolean;
  explain?: boolean;
}

export interface Question extends Asked {
  text: string;
  dangers: DangerousStatement[];
}

export interface Cursor {
  from: number;
  to: number;
}

/** What saving came to. */
export type Saved = "saved" | "canceled" | { changed: Failure };

interface Consoles {
  tabs: Tab[];
  active: string | null;
  /** Asks for the tabs, with those of the last time. Gives the files that should hold one and cannot be read. */
  load: () => Promise<string[]>;
  open: (target: Target, text?: string, readOnly?: boolean) => Promise<void>;
  close: (id: string) => Promise<void>;
  /** Another user or database of the same server: a new session, the same text. */
  retarget: (id: string, target: Target, readOnly?: boolean) => Promise<void>;
  select: (id: string) => void;
  setText: (id: string, text: string, cursor?: Cursor) => void;
  run: (id: string, from: number, to: number, all: boolean, explain?: boolean) => Promise<void>;
  /** Runs what a question was about, or lets it be. */
  answer: (id: string, yes: boolean) => Promise<void>;
  /** Looks for `:name`s in the text. */
  inspect: (id: string) => Promise<void>;
  setValue: (id: string, name: string, value: ParameterValue) => void;
  setManual: (id: string, manual: boolean) => Promise<void>;
  /** Resolves to whether it was committed: the server rolls back what has failed. */
  endTransaction: (id: string, commit: boolean) => Promise<boolean>;
  cancel: (id: string) => Promise<void>;
  take: (run: Run) => void;
  takeTab: (tab: ConsoleTab) => void;
  clear: () => void;
  /** Opens a file in a tab of its own; false when the person went back. */
  openFile: (target: Target) => Promise<RestoredTab | null>;
  save: (id: string, how: { elsewhere?: boolean; replace?: boolean; name: string }) => Promise<Saved>;
  /** Takes the text of the file in place of the tab's. */
  reload: (id: string) => Promise<RestoredTab>;
  /** Something that was run before, in a tab for its login. */
  openEntry: (entry: HistoryEntry, run: boolean) => Promise<void>;
}

let lastNumber = 0;

function fresh(tab: ConsoleTab, text = ""): Tab {
  lastNumber += 1;
  return {
    ...tab,
    number: lastNumber,
    text,
    run: null,
    runText: "",
    startedAt: 0,
    asking: false,
    failure: null,
    names: [],
    values: {},
    missing: [],
    heldBack: 0,
    question: null,
    file: null,
    saved: null,
    cursor: { from: 0, to: 0 },
    revision: 0,
  };
}

/** Whether a value can be sent. An empty text has to be chosen as text: a field that was left empty is not one. */
export function isGiven(value: ParameterValue | undefined): boolean {
  if (!value) return false;
  return value.kind === "null" || value.kind === "text" || value.value.trim() !== "";
}

function given(tab: Tab): Parameter[] {
  return Object.entries(tab.values)
    .filter(([, value]) => isGiven(value))
    .map(([name, { kind, value }]) => ({ name, kind, value: kind === "null" ? "" : value }));
}

/** Beyond this a text is a script for a program, and is looked at when it runs. */
const INSPECTED = 200_000;

/** Whether a text may have `:name`s. Most have none, and are not worth a question to the shell. */
export function mayHaveNames(text: string): boolean {
  return /(?<!:):[\p{L}_]/u.test(text);
}

/** A tab as it was: its text and its file. It is not connected, and runs nothing by itself. */
function revived({ tab, draft, file }: RestoredTab): Tab {
  if (!draft) return fresh(tab);
  const { text, from, to, unsaved } = draft;
  const before = lastNumber;
  const made = fresh(tab, text);
  const number = draft.number > 0 ? draft.number : made.number;
  lastNumber = Math.max(before, number);
  return { ...made, number, file, saved: unsaved ? null : text, cursor: { from, to } };
}

/** A text that is not what its file holds. A tab without a file has nothing to be saved to. */
export function isUnsaved(tab: Pick<Tab, "file" | "saved" | "text">): boolean {
  return tab.file !== null && tab.saved !== tab.text;
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
  const draftOf = (id: string): Draft | null => {
    const place = get().tabs.findIndex((tab) => tab.id === id);
    const tab = get().tabs[place];
    if (!tab) return null;
    const { number, text, cursor } = tab;
    return { number, place, text, ...cursor, unsaved: isUnsaved(tab) };
  };
  const keep = (id: string) => keepSoon(id, () => draftOf(id));
  /** Takes a tab that came with its text, in its place when it is here already. */
  const receive = (restored: RestoredTab) => {
    const { id } = restored.tab;
    const known = find(id);
    if (!known) {
      const tab = revived(restored);
      set(({ tabs }) => ({ tabs: [...tabs, tab], active: id }));
      keep(id);
    } else set({ active: id });
  };
  const failed = (id: string, reason: unknown) => {
    const failure = asFailure(reason);
    change(id, { asking: false, run: null, failure: failure.code === "canceled" ? null : failure });
  };
  const begin = async (id: string, text: string, what: Asked, confirmed: boolean) => {
    const tab = find(id);
    if (!tab) return;
    const { from, to, all, explain = false } = what;
    change(id, { asking: true, failure: null, runText: text, startedAt: Date.now() });
    try {
      const request = { tab: id, text, from, to, all, explain, parameters: given(tab), confirmed };
      get().take(await backend().call("console_run", request));
      change(id, { asking: false });
    } catch (reason) {
      failed(id, reason);
    }
  };

  return {
    tabs: [],
    active: null,

    load: async () => {
      const before = new Set(get().tabs.map(({ id }) => id));
      const { tabs: open, unreadable } = await backend().call("console_restore", null);
      set(({ tabs, active }) => {
        // A tab opened while we asked is not in the answer.
        const since = tabs.filter(({ id }) => !before.has(id) && !open.some(({ tab }) => tab.id === id));
        const kept = [
          ...open.map((one) => {
            const known = tabs.find(({ id }) => id === one.tab.id);
            return known ? { ...known, ...one.tab } : revived(one);
          }),
          ...since,
        ];
        const still = kept.some((tab) => tab.id === active) ? active : (kept[0]?.id ?? null);
        return { tabs: kept, active: still };
      });
      return unreadable;
    },

    open: async (target, text, readOnly = false) => {
      const tab = fresh(await backend().call("console_open", { target, read_only: readOnly }), text);
      set(({ tabs }) => ({ tabs: [...tabs, tab], active: tab.id }));
      keep(tab.id);
    },

    close: async (id) => {
      forgetDraft(id);
      const at = get().tabs.findIndex((tab) => tab.id === id);
      set(({ tabs, active }) => {
        const left = tabs.filter((tab) => tab.id !== id);
        const neighbour = left[Math.min(at, left.length - 1)]?.id ?? null;
        return { tabs: left, active: active === id ? neighbour : active };
      });
      await backend().call("console_close", id);
    },

    retarget: async (id, target, readOnly) => {
      const before = find(id);
      const read_only = readOnly ?? before?.read_only ?? false;
      let opened = await backend().call("console_retarget", { tab: id, target, read_only });
      if (before?.manual) opened = await backend().call("console_set_manual", { tab: opened.id, manual: true });
      forgetDraft(id);
      const old = find(id);
      if (old)
        set(({ tabs, active }) => ({
          tabs: tabs.map((tab) => (tab.id === id ? moved(old, opened) : tab)),
          active: active === id ? opened.id : active,
        }));
      keep(opened.id);
    },

    select: (id) => set({ active: id }),
    setText: (id, text, cursor) => {
      change(id, cursor ? { text, cursor } : { text });
      keep(id);
    },

    run: async (id, from, to, all, explain = false) => {
      const tab = find(id);
      if (!tab || isRunning(tab)) return;
      const { text } = tab;
      change(id, { asking: true, missing: [], question: null, startedAt: Date.now() });
      try {
        const request = { tab: id, text, from, to, all, explain, parameters: [], confirmed: false };
        const { parameters, dangers } = await backend().call("console_check", request);
        const missing = parameters.filter((name) => !isGiven(find(id)?.values[name]));
        if (missing.length > 0) {
          const names = [...new Set([...(find(id)?.names ?? []), ...parameters])];
          return change(id, { asking: false, names, missing, heldBack: tab.heldBack + 1 });
        }
        if (dangers.length > 0) return change(id, { asking: false, question: { from, to, all, text, dangers } });
      } catch (reason) {
        return failed(id, reason);
      }
      await begin(id, text, { from, to, all, explain }, false);
    },

    answer: async (id, yes) => {
      const question = find(id)?.question;
      if (!question) return;
      change(id, { question: null });
      if (yes) await begin(id, question.text, question, true);
    },

    inspect: async (id) => {
      const tab = find(id);
      if (!tab) return;
      const { text } = tab;
      if (text.length > INSPECTED || !mayHaveNames(text)) {
        if (tab.names.length > 0) change(id, { names: [], missing: [] });
        return;
      }
      const request = { tab: id, text, from: 0, to: 0, all: true, explain: false, parameters: [], confirmed: false };
      const { parameters } = await backend().call("console_check", request);
      const now = find(id);
      // It may have been edited while we asked; then the next look is on its way.
      if (now && now.text === text && parameters.join(":") !== now.names.join(":")) change(id, { names: parameters });
    },

    setValue: (id, name, value) => {
      const tab = find(id);
      if (!tab) return;
      const missing = isGiven(value) ? tab.missing.filter((one) => one !== name) : tab.missing;
      change(id, { values: { ...tab.values, [name]: value }, missing });
    },

    setManual: async (id, manual) => {
      const before = find(id)?.manual;
      // At once, so that the choice stays as it was made; back again where it does not come to be.
      change(id, { manual });
      try {
        get().takeTab(await backend().call("console_set_manual", { tab: id, manual }));
      } catch (reason) {
        if (before !== undefined) change(id, { manual: before });
        throw reason;
      }
    },

    endTransaction: async (id, commit) => {
      const { committed } = await backend().call("console_end_transaction", { tab: id, commit });
      return committed;
    },

    cancel: async (id) => {
      await backend().call("console_cancel", id);
    },

    take: (run) => {
      const tab = find(run.tab);
      if (tab && newer(tab, run)) change(run.tab, { run });
    },

    openFile: async (target) => {
      const restored = await backend().call("sql_open", target);
      if (restored) receive(restored);
      return restored;
    },

    save: async (id, { elsewhere = false, replace = false, name }) => {
      const draft = draftOf(id);
      if (!draft) return "canceled";
      try {
        const file = await backend().call("sql_save", { tab: id, draft, elsewhere, replace, name });
        if (!file) return "canceled";
        // What was typed meanwhile is not in the file.
        change(id, { file, saved: draft.text });
        keep(id);
        return "saved";
      } catch (reason) {
        const failure = asFailure(reason);
        if (failure.code === "file_changed") return { changed: failure };
        throw failure;
      }
    },

    reload: async (id) => {
      const restored = await backend().call("sql_reload", id);
      const text = restored.draft?.text ?? "";
      const revision = (find(id)?.revision ?? 0) + 1;
      change(id, { text, saved: text, cursor: { from: 0, to: 0 }, revision });
      return restored;
    },

    openEntry: async (entry, run) => {
      const text = entry.cut ? await backend().call("history_sql", entry.id) : entry.sql;
      const here = find(get().active ?? "");
      const unused =
        here && here.text.trim() === "" && !here.file && !isRunning(here) && same(here.target, entry.target);
      if (unused) {
        change(here.id, { text, revision: here.revision + 1 });
        keep(here.id);
      } else await get().open(entry.target, text);
      const { active } = get();
      if (run && active) await get().run(active, 0, text.length, true);
    },

    takeTab: ({ id, ...tab }) => change(id, tab),

    clear: () => {
      for (const { id } of get().tabs) {
        keepNow(id, () => draftOf(id));
        forgetDraft(id);
      }
      lastNumber = 0;
      set({ tabs: [], active: null });
    },
  };
});

/** The same text and file, on its way to another login. */
function moved(old: Tab, opened: ConsoleTab): Tab {
  const { number, text, names, values, file, saved, cursor } = old;
  return { ...fresh(opened, text), number, names, values, file, saved, cursor };
}

function same(a: Target, b: Target): boolean {
  return a.database === b.database && a.db_user === b.db_user && a.db_name === b.db_name;
}
