// What became of the cancels asked for here, and the one that a person is asked about first. Kept while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { CancelOutcome, CancelReport, Failure } from "../../ipc/contract";
import type { ListedQuery } from "./listed";

/** What a person wants done to a query. */
export interface Wish {
  terminate: boolean;
  /** What its owner is told in place of the server's own sentence. */
  note: string | null;
  /** Why, for the audit log. */
  why: string | null;
}

export const plainWish: Wish = { terminate: false, note: null, why: null };

export interface Cancel {
  terminate: boolean;
  running: boolean;
  report: CancelReport | null;
  failure: Failure | null;
}

interface CancelsState {
  /** By the keys of their queries. */
  cancels: Record<string, Cancel>;
  /** Somebody else's query, before anything is done to it. */
  question: { query: ListedQuery; wish: Wish } | null;
  /** Cancels one's own query at once, and asks before another's. */
  cancel: (query: ListedQuery, wish?: Partial<Wish>) => Promise<void>;
  /** The answer to the question. */
  answer: (yes: boolean) => Promise<void>;
  /** Cancels without asking: somebody has been shown whose it is. */
  confirmed: (query: ListedQuery, wish?: Partial<Wish>) => Promise<CancelReport | null>;
  clear: () => void;
}

/** The query runs no more, by the server's word. */
export function isOver(outcome: CancelOutcome): boolean {
  return ["canceled", "terminated", "ended", "already_finished"].includes(outcome);
}

export const useCancels = create<CancelsState>((set, get) => {
  const ask = async (query: ListedQuery, wish: Wish, confirmed: boolean): Promise<CancelReport | null> => {
    const { key, target } = query;
    if (get().cancels[key]?.running) return null;
    const keep = (cancel: Partial<Cancel>) =>
      set(({ cancels }) => {
        const before = cancels[key] ?? { running: false, report: null, failure: null };
        return { cancels: { ...cancels, [key]: { ...before, terminate: wish.terminate, ...cancel } } };
      });
    keep({ running: true, failure: null });
    try {
      const report = await backend().call("activity_cancel", {
        target,
        session_id: query.session_id,
        query_id: query.query_id,
        ...wish,
        confirmed,
      });
      // The server knew better whose it is.
      if (report.outcome === "confirmation_needed") {
        const known = { ...query, user: report.user || query.user, text: report.text || query.text };
        set(({ cancels: { [key]: _, ...cancels } }) => ({ cancels, question: { query: known, wish } }));
      } else keep({ running: false, report });
      return report;
    } catch (reason) {
      keep({ running: false, failure: asFailure(reason) });
      return null;
    }
  };

  return {
    cancels: {},
    question: null,

    cancel: async (query, wish) => {
      const whole = { ...plainWish, ...wish };
      if (query.own) await ask(query, whole, false);
      else set({ question: { query, wish: whole } });
    },

    answer: async (yes) => {
      const { question } = get();
      set({ question: null });
      if (yes && question) await ask(question.query, question.wish, true);
    },

    confirmed: (query, wish) => ask(query, { ...plainWish, ...wish }, true),
    clear: () => set({ cancels: {}, question: null }),
  };
});
