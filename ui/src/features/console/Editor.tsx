// CodeMirror in React: one view, and a state per tab that keeps text, cursor and undo while the tab lives.
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { type RefObject, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { keys } from "../../components/Keys";
import type { Tab } from "../../lib/state/consoles";
import { type EditorActions, extensions, type Mark, showRun } from "./editor-setup";

interface Kept {
  state: EditorState;
  language: string;
}

const states = new Map<string, Kept>();

/** A closed tab leaves nothing behind. */
export function forgetEditor(tab: string): void {
  states.delete(tab);
}

export interface EditorHandle {
  focus: () => void;
  /** What Run would run: the selection, or the cursor twice. */
  selection: () => { from: number; to: number };
  goTo: (offset: number) => void;
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
  const initial = useRef(text);
  initial.current = text;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new language redraws the label and the hint
  useEffect(() => {
    if (!host.current) return;
    const hint = t("console.hint", { key: keys("Ctrl Enter") }).replace(/<\/?k>/g, "");
    const saved = states.get(id);
    const setup = extensions(t("console.editor"), hint, () => latest.current);
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
    };
    editor.focus();
    return () => {
      states.set(id, { state: editor.state, language });
      handle.current = null;
      view.current = null;
      editor.destroy();
    };
  }, [id, i18n.language, handle]);

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
