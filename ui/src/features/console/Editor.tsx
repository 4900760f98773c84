// CodeMirror in React: one view, and a state per tab that keeps text, cursor and undo while the tab lives.
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import type { TFunction } from "i18next";
import { type RefObject, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { keys } from "../../components/Keys";
import { asFailure } from "../../ipc/backend";
import type { ObjectKind } from "../../ipc/contract";
import { allSnippets } from "../../lib/snippets";
import type { Tab } from "../../lib/state/consoles";
import { targetKey, useObjects } from "../../lib/state/objects";
import { usePreferences } from "../../lib/state/preferences";
import { useToasts } from "../../lib/state/toasts";
import { type EditorActions, type EditorWords, extensions, loadVim, type Mark, showRun, vimKeys } from "./editor-setup";
import { ChangedMeaning, formatSql, LONGEST } from "./formatting";

interface Kept {
  state: EditorState;
  language: string;
}

const states = new Map<string, Kept>();

/** A closed tab leaves nothing behind. */
export function forgetEditor(tab: string): void {
  states.delete(tab);
  appended.delete(tab);
}

export interface EditorHandle {
  focus: () => void;
  /** What Run would run: the selection, or the cursor twice. */
  selection: () => { from: number; to: number };
  goTo: (offset: number) => void;
  /** Writes at the cursor, in place of what is selected. */
  insert: (text: string) => void;
  /** Writes a statement at the end, in place of the one that was written there so before, and says where it is. */
  append: (sql: string) => { from: number; to: number };
  /** Lays out what is selected, or all. */
  format: () => Promise<void>;
}

interface Props {
  tab: Tab;
  actions: EditorActions;
  ran: Array<{ from: number; to: number }>;
  marks: Mark[];
  handle: RefObject<EditorHandle | null>;
}

export function Editor({ tab, actions, ran, marks, handle }: Props) {
  const { t, i18n } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(actions);
  latest.current = actions;
  const { id, text, runText, cursor } = tab;
  const vim = usePreferences((state) => state.vim);
  const initial = useRef(text);
  initial.current = text;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new language redraws the label and the hint
  useEffect(() => {
    if (!host.current) return;
    const saved = states.get(id);
    const setup = extensions(wordsOf(tab, t), () => latest.current);
    const same = saved?.state.doc.toString() === initial.current;
    // The label and the hint live in the state, so another language begins a new one and keeps only the cursor.
    const state =
      saved && same && saved.language === i18n.language
        ? saved.state
        : EditorState.create({
            doc: initial.current,
            selection: same ? saved?.state.selection : cursorIn(initial.current, cursor),
            extensions: setup,
          });
    const { language } = i18n;
    const editor = new EditorView({ state, parent: host.current });
    view.current = editor;
    handle.current = {
      focus: () => editor.focus(),
      selection: () => {
        const { from, to } = editor.state.selection.main;
        return { from, to };
      },
      goTo: (offset) => {
        const at = Math.min(offset, editor.state.doc.length);
        editor.dispatch({ selection: { anchor: at }, scrollIntoView: true });
        editor.focus();
      },
      insert: (written) => {
        editor.dispatch(editor.state.replaceSelection(written), { userEvent: "input.paste", scrollIntoView: true });
        editor.focus();
      },
      append: (sql) => append(editor, id, sql),
      format: () => format(editor, t),
    };
    editor.focus();
    return () => {
      states.set(id, { state: editor.state, language });
      handle.current = null;
      view.current = null;
      editor.destroy();
    };
  }, [id, i18n.language, handle]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another state comes without the keys of the last
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    let over = false;
    const set = (extension: Awaited<ReturnType<typeof loadVim>>) => {
      if (!over) editor.dispatch({ effects: vimKeys.reconfigure(extension) });
    };
    if (vim) loadVim().then(set, (reason) => useToasts.getState().fail(asFailure(reason)));
    else set([]);
    return () => {
      over = true;
    };
  }, [vim, id, i18n.language]);

  useEffect(() => {
    const editor = view.current;
    // Offsets are into the text that ran. Once it was edited they would point at something else.
    if (!editor || editor.state.doc.toString() !== runText) return;
    showRun(editor, ran, marks);
  }, [ran, marks, runText]);

  return <div className="con__editor" ref={host} data-testid="console-editor-box" />;
}

/** Where the cursor was when the tab was last kept. */
function cursorIn(text: string, { from, to }: Tab["cursor"]) {
  return { anchor: Math.min(from, text.length), head: Math.min(to, text.length) };
}

/** What the editor's own panels say, and our word for it. */
const PHRASES = {
  Find: "find",
  Replace: "replaceWith",
  next: "next",
  previous: "previous",
  all: "all",
  "match case": "matchCase",
  regexp: "regexp",
  "by word": "byWord",
  replace: "replaceOne",
  "replace all": "replaceAll",
  close: "closeSearch",
  "current match": "currentMatch",
  "on line": "onLine",
  "replaced match on line $": "replacedOnLine",
  "replaced $ matches": "replacedMany",
  "Go to line": "goToLine",
  go: "goThere",
  Completions: "completions",
  Diagnostics: "diagnostics",
  "No diagnostics": "noDiagnostics",
} as const;

function wordsOf({ target }: Tab, t: TFunction): EditorWords {
  const kind = (kind: ObjectKind) => t(`objectKind.${kind}`);
  return {
    label: t("console.editor"),
    hint: t("console.hint", { key: keys("Ctrl Enter") }).replace(/<\/?k>/g, ""),
    phrases: Object.fromEntries(Object.entries(PHRASES).map(([phrase, key]) => [phrase, t(`phrases.${key}`)])),
    completion: {
      target: () => target,
      snippets: () => allSnippets(usePreferences.getState().snippets),
      kind,
      // Whoever writes is about to run it: the workgroup is woken anyway.
      wanted: () => {
        const { states, read } = useObjects.getState();
        if (!states[targetKey(target)]) void read(target, false).catch(() => {});
      },
    },
  };
}

/** The statement that was appended last to each tab. While it is still at the end as it was, the next takes its place. */
const appended = new Map<string, string>();

function append(editor: EditorView, id: string, sql: string): { from: number; to: number } {
  const before = editor.state.doc.toString();
  const former = appended.get(id);
  const ends = former !== undefined && before.trimEnd().endsWith(former);
  const kept = (ends ? before.trimEnd().slice(0, -former.length) : before).trimEnd();
  appended.set(id, `${sql};`);
  // Without a semicolon the two would be one statement; behind a comment it would be part of it.
  const comment = kept.slice(kept.lastIndexOf("\n") + 1).includes("--");
  const gap = kept === "" ? "" : kept.endsWith(";") ? "\n\n" : comment ? "\n;\n\n" : ";\n\n";
  const from = kept.length + gap.length;
  editor.dispatch({
    changes: { from: kept.length, to: before.length, insert: `${gap}${sql};` },
    selection: { anchor: from + sql.length },
    scrollIntoView: true,
    userEvent: "input.paste",
  });
  return { from, to: from + sql.length };
}

async function format(editor: EditorView, t: TFunction): Promise<void> {
  const { state } = editor;
  const { main } = state.selection;
  const from = main.empty ? 0 : main.from;
  const to = main.empty ? state.doc.length : main.to;
  const { tell } = useToasts.getState();
  if (to - from > LONGEST) return tell(t("editor.formatTooLong"));
  try {
    const { text, cursor } = await formatSql(state.sliceDoc(from, to), main.head - from);
    // Written on meanwhile: what was laid out is not what is there.
    if (!editor.state.doc.eq(state.doc)) return;
    const selection = main.empty ? { anchor: from + cursor } : { anchor: from, head: from + text.length };
    editor.dispatch({ changes: { from, to, insert: text }, selection, scrollIntoView: true, userEvent: "format" });
    editor.focus();
  } catch (reason) {
    tell(t(reason instanceof ChangedMeaning ? "editor.formatChanges" : "editor.formatFailed"));
  }
}
