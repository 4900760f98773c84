// What became of the cancels asked for here, and the one that a person is asked about first. Kept while one looks at another view.
import { create } from "zustand";
import { asFailure, backend } from "../../ipc/backend";
import type { CancelOutcome, CancelReport, Failure, Query, Target } from "../../ipc/contract";

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

/** A query at a server. */
export interface Meant {
  target: Target;
  query: Query;
}

interface CancelsState {
  /** By `cancelKey`. */
  cancels: Record<string, Cancel>;
  /** Somebody else's query, before anything is done to it. */
  question: (Meant & { wish: Wish }) | null;
  /** Cancels one's own query at once, and asks before another's. */
  cancel: (meant: Meant, wish?: Partial<Wish>) => Promise<void>;
  /** The answer to the question. */
  answer: (yes: boolean) => Promise<void>;
  /** Cancels without asking: somebody has been shown whose it is. */
  confirmed: (meant: Meant, wish?: Partial<Wish>) => Promise<CancelReport | null>;
  clear: () => void;
}

/** Two servers may give two queries the same number, and one that numbers nothing two of its sessions. */
export function cancelKey(target: Pick<Target, "database">, query: Pick<Query, "query_id" | "session_id">): string {
  return `${target.database}/${query.session_id}/${query.query_id}`;
}

/** The query runs no more, by the server's word. */
export function isOver(outcome: CancelOutcome): boolean {
  return ["canceled", "terminated", "ended", "already_finished"].includes(outcome);
}

export const useCancels = create<CancelsState>((set, get) => {
  const ask = async ({ target, query }: Meant, wish: Wish, confirmed: boolean): Promise<CancelReport | null> => {
    const key = cancelKey(target, query);
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
        set(({ cancels: { [key]: _, ...cancels } }) => ({ cancels, question: { target, query: known, wish } }));
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

    cancel: async (meant, wish) => {
      const whole = { ...plainWish, ...wish };
      if (meant.query.own) await ask(meant, whole, false);
      else set({ question: { ...meant, wish: whole } });
    },

    answer: async (yes) => {
      const { question } = get();
      set({ question: null });
      if (yes && question) await ask(question, question.wish, true);
    },

    confirmed: (meant, wish) => ask(meant, { ...plainWish, ...wish }, true),
    clear: () => set({ cancels: {}, question: null }),
  };
});
