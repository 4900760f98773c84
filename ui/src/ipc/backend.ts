// The one door to everything outside the page. Nothing else knows that Tauri exists; tests put a backend of their own here.
import type { Commands, Events, Failure } from "./contract";

export type CommandName = keyof Commands;
export type EventName = keyof Events;
export type Unsubscribe = () => void;

/** What the app remembers of a person's choices, and nothing else. */
export interface Preferences {
  theme: "system" | "light" | "dark" | "contrast";
  language: "system" | "en" | "ko";
  lastView: string;
  /** Keys of vim in the editor. */
  vim: boolean;
  /** A person's own, beside those of the app. */
  snippets: Snippet[];
  /** The schema tree is shown, */
  tree: boolean;
  /** so many pixels wide. */
  treeWidth: number;
}

/** A piece of SQL with a short name. `#{name}` in it is a place to fill in. */
export interface Snippet {
  name: string;
  text: string;
}

export const defaultPreferences: Preferences = {
  theme: "system",
  language: "system",
  lastView: "databases",
  vim: false,
  snippets: [],
  tree: true,
  treeWidth: 216,
};

export interface Backend {
  /** Rejects with a {@link Failure}, and with nothing else. */
  call<K extends CommandName>(name: K, request: Commands[K]["request"]): Promise<Commands[K]["response"]>;
  on<E extends EventName>(event: E, handler: (payload: Events[E]) => void): Unsubscribe;
  preferences: {
    load(): Promise<Preferences>;
    save(preferences: Preferences): Promise<void>;
  };
  clipboard: { write(text: string): Promise<void> };
}

let current: Backend | undefined;

/** Chosen once, before anything is drawn. */
export function provideBackend(backend: Backend): void {
  current = backend;
}

export function backend(): Backend {
  if (!current) throw new Error("no backend was provided");
  return current;
}

/** A rejected call as the failure it is. What is not one (a bug of ours, a shell that went away) becomes `internal`. */
export function asFailure(reason: unknown): Failure {
  if (isFailure(reason)) return reason;
  const detail = reason instanceof Error ? reason.message : String(reason);
  return { code: "internal", params: { detail }, message: detail, server: null, sql: null };
}

function isFailure(reason: unknown): reason is Failure {
  return typeof reason === "object" && reason !== null && "code" in reason && "params" in reason;
}
