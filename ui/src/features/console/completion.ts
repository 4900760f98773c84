// What is offered while SQL is written. Names come from the shell, which knows the catalogue and reads the statement; words
// of the language, snippets and their order are settled here. Nothing waits for it: a key that is pressed meanwhile ends it.
import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSource,
  snippet,
} from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { backend, type Snippet } from "../../ipc/backend";
import type { Completion as Found, Offer, Target } from "../../ipc/contract";
import { words } from "./redshift";
import { shortType } from "./tree/open";

export interface CompletionSetup {
  target: () => Target | null;
  snippets: () => Snippet[];
  /** Names of kinds that have no detail of their own. */
  kind: (kind: Offer["kind"]) => string;
  /** Something is being written, so that a catalogue would help. */
  wanted: () => void;
}

/** What is sent at most: of a longer text the statement, as the highlighter sees it. */
const MOST = 64 * 1024;

/** A name as far as it is written. */
const NAME = /[\p{L}\p{N}_$]+$/u;

export function completions(setup: CompletionSetup): CompletionSource {
  return async (context) => {
    // Within a composition the text is not what it will be.
    if (context.view?.composing && !context.explicit) return null;
    const { state, pos } = context;
    const written = context.matchBefore(NAME)?.text ?? "";
    const before = state.sliceDoc(Math.max(0, pos - written.length - 1), pos - written.length);
    if (!context.explicit && written === "" && before !== "." && before !== '"') return null;
    setup.wanted();
    const target = setup.target();
    const { text, from } = around(state, pos);
    const found = target ? await ask(context, { target, text, at: pos - from }) : alone(pos - from, written);
    // Whoever has gone elsewhere meanwhile, to the rows or to another field, is not offered anything over the text.
    if (!found || context.aborted || context.view?.hasFocus === false) return null;
    return result(found, from, written, setup);
  };
}

async function ask(
  context: CompletionContext,
  request: { target: Target; text: string; at: number },
): Promise<Found | null> {
  try {
    return await backend().call("console_complete", request);
  } catch {
    // Whoever writes is not told of it at every key: the panel says what is wrong with the catalogue.
    return alone(request.at, context.matchBefore(NAME)?.text ?? "");
  }
}

/** Without the shell, words only. */
function alone(at: number, written: string): Found {
  return { from: at - written.length, offers: [], words: "all" };
}

export function around(state: EditorState, pos: number): { text: string; from: number } {
  const { doc } = state;
  if (doc.length <= MOST) return { text: doc.toString(), from: 0 };
  let node = syntaxTree(state).resolveInner(pos, -1);
  while (node.parent && node.name !== "Statement") node = node.parent;
  const half = MOST / 2;
  const from = Math.max(node.name === "Statement" ? node.from : 0, pos - half);
  const to = Math.min(node.name === "Statement" ? Math.max(node.to, pos) : doc.length, pos + half);
  return { text: doc.sliceString(from, to), from };
}

function result(found: Found, base: number, written: string, setup: CompletionSetup): CompletionResult | null {
  const lower = written.toLowerCase();
  const names = found.offers.map((offer) => ({ close: offer.close, option: named(offer, setup) }));
  const begins = (word: string) => lower !== "" && word.startsWith(lower);
  const options: Completion[] = [
    ...names.filter(({ close }) => close).map(({ option }) => option),
    ...(found.words === "all"
      ? [
          ...[...setup.snippets()].filter(({ name }) => begins(name.toLowerCase())).map(snippetOption),
          ...words.keywords.filter(begins).map((word) => ({ label: word.toUpperCase(), type: "keyword" })),
          ...words.functions
            .filter(begins)
            .map((word) => called(word.toUpperCase(), word.toUpperCase(), "function", "")),
        ]
      : []),
    ...(found.words === "types"
      ? words.types.filter((word) => word.startsWith(lower)).map((word) => ({ label: word, type: "type" }))
      : []),
    ...names.filter(({ close }) => !close).map(({ option }) => option),
  ];
  const alreadyThere = options.length === 1 && options[0]?.label.toLowerCase() === lower;
  if (options.length === 0 || alreadyThere) return null;
  return {
    from: base + found.from,
    options,
    // In this order, and asked anew at the next letter: the shell ranks, and there may be more than it gave.
    filter: false,
    getMatch: (option) => matched(option.displayLabel ?? option.label, lower),
  };
}

function named(offer: Offer, setup: CompletionSetup): Completion {
  const { kind, name, insert } = offer;
  const detail = (kind === "column" ? shortDetail(offer.detail) : offer.detail) || setup.kind(kind);
  if (kind === "function" || kind === "procedure") return called(insert, name, kind, detail);
  return { label: insert, displayLabel: name, type: kind, detail };
}

/** `o · character varying(16)`: whose it is, where that has to be said, and its type. */
function shortDetail(detail: string): string {
  return detail.split(" · ").map(shortType).join(" · ");
}

/** A function with its parentheses, and the cursor between them. */
function called(insert: string, name: string, type: string, detail: string): Completion {
  return {
    label: insert,
    displayLabel: name,
    type,
    detail,
    apply: (view: EditorView, _completion, from, to) => {
      const open = view.state.sliceDoc(to, to + 1) === "(";
      const bare = bareWords.has(insert.toLowerCase());
      const text = open || bare ? insert : `${insert}()`;
      const anchor = from + insert.length + (open || bare ? 0 : 1);
      view.dispatch({ changes: { from, to, insert: text }, selection: { anchor }, userEvent: "input.complete" });
    },
  };
}

/** Functions of the language that are written without parentheses. */
const bareWords = new Set([
  "current_date",
  "current_time",
  "current_timestamp",
  "current_user",
  "current_user_id",
  "session_user",
  "sysdate",
  "user",
  "approximate",
  "collate",
  "sortkey",
]);

function snippetOption({ name, text }: Snippet): Completion {
  return { label: name, type: "snippet", detail: text.split("\n")[0]?.slice(0, 40), apply: snippet(text) };
}

function matched(label: string, lower: string): readonly number[] {
  const at = lower === "" ? -1 : label.toLowerCase().indexOf(lower);
  return at < 0 ? [] : [at, at + lower.length];
}
