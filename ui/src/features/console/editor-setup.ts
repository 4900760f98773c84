// How the SQL editor looks and behaves. Its colours are the design's classes and tokens, so themes need no word here.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintKeymap, setDiagnostics } from "@codemirror/lint";
import {
  EditorState,
  type Extension,
  Prec,
  RangeSetBuilder,
  StateEffect,
  StateField,
  type Transaction,
} from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  GutterMarker,
  gutterLineClass,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { Redshift } from "./redshift";

export interface EditorActions {
  run: (from: number, to: number, all: boolean) => void;
  stop: () => void;
  changed: (text: string) => void;
}

const highlighter = tagHighlighter([
  { tag: tags.keyword, class: "tok-k" },
  { tag: [tags.standard(tags.name), tags.function(tags.name)], class: "tok-f" },
  { tag: [tags.string, tags.special(tags.string)], class: "tok-s" },
  { tag: [tags.number, tags.bool, tags.null], class: "tok-n" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], class: "tok-c" },
  { tag: tags.typeName, class: "tok-t" },
  { tag: tags.special(tags.name), class: "tok-p" },
  {
    tag: [tags.operator, tags.punctuation, tags.paren, tags.brace, tags.squareBracket, tags.separator],
    class: "tok-o",
  },
]);

const theme = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--bg-surface)", color: "var(--text-1)", fontSize: "var(--code-md)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "var(--lh-code)", fontVariantLigatures: "none" },
  ".cm-content": { padding: "7px 0", caretColor: "var(--text-1)" },
  ".cm-line": { padding: "0 16px 0 10px" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--text-3)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "46px", padding: "0 14px 0 0", fontSize: "var(--text-xs)" },
  ".cm-activeLine": { backgroundColor: "var(--syn-line)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--syn-line)", color: "var(--text-1)" },
  ".cm-gutterElement.cm-ran": { boxShadow: "inset -2px 0 0 var(--accent-line)" },
  ".cm-cursor": { borderLeftColor: "var(--text-1)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--bg-selected)",
  },
  ".cm-placeholder": { color: "var(--text-3)", fontFamily: "var(--font-ui)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--bg-active)", outline: "none" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--syn-mark)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    backgroundColor: "var(--syn-mark)",
    borderRadius: "2px",
    textDecoration: "underline wavy var(--bad) 1px",
    textUnderlineOffset: "3px",
    paddingBottom: "0",
  },
  ".cm-tooltip": {
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-2)",
    backgroundColor: "var(--bg-raised)",
    color: "var(--text-1)",
    boxShadow: "var(--shadow-2)",
    fontFamily: "var(--font-ui)",
    fontSize: "var(--text-md)",
    overflow: "hidden",
  },
  ".cm-tooltip-lint .cm-diagnostic": { borderLeft: "none", padding: "6px 10px", whiteSpace: "pre-wrap" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)", fontSize: "var(--code-sm)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--bg-selected)",
    color: "var(--text-1)",
  },
  ".cm-completionIcon": { display: "none" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent-text)", fontWeight: "600" },
});

/** The lines that the last run covered, until the next one. */
const setRan = StateEffect.define<Array<{ from: number; to: number }>>();
const ranMarker = new (class extends GutterMarker {
  override elementClass = "cm-ran";
})();
const ranLines = StateField.define({
  create: () => new RangeSetBuilder<GutterMarker>().finish(),
  update(marks, transaction: Transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setRan)) continue;
      const builder = new RangeSetBuilder<GutterMarker>();
      const { doc } = transaction.state;
      let after = 0;
      for (const { from, to } of effect.value) {
        const last = doc.lineAt(Math.min(to, doc.length)).number;
        for (let number = doc.lineAt(Math.min(from, doc.length)).number; number <= last; number++) {
          if (number <= after) continue;
          const line = doc.line(number);
          builder.add(line.from, line.from, ranMarker);
          after = number;
        }
      }
      next = builder.finish();
    }
    return next;
  },
  provide: (field) => gutterLineClass.from(field),
});

/** Tauri writes its nonce on this element; without one (tests, the dev server) there is no policy to satisfy. */
function styleNonce(): string {
  const element = document.getElementById("style-nonce");
  return element?.nonce || element?.getAttribute("nonce") || "";
}

export function extensions(label: string, hint: string, actions: () => EditorActions): Extension {
  const run = (all: boolean) => (view: EditorView) => {
    if (view.composing) return true;
    const { from, to } = view.state.selection.main;
    actions().run(from, to, all);
    return true;
  };
  const stop = () => {
    actions().stop();
    return true;
  };
  return [
    EditorView.cspNonce.of(styleNonce()),
    EditorView.contentAttributes.of({ "aria-label": label, "data-testid": "console-editor", spellcheck: "false" }),
    Prec.highest(
      keymap.of([
        { key: "Mod-Enter", run: run(false) },
        { key: "Mod-Shift-Enter", run: run(true) },
        { key: "Mod-.", run: stop },
      ]),
    ),
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    // Words of the language only, so it waits to be asked (Ctrl+Space): an Enter must not become a keyword.
    autocompletion({ icons: false, activateOnTyping: false }),
    EditorState.tabSize.of(4),
    indentUnit.of("    "),
    sql({ dialect: Redshift, upperCaseKeywords: true }),
    syntaxHighlighting(highlighter),
    ranLines,
    theme,
    placeholder(hint),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) actions().changed(update.state.doc.toString());
    }),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...lintKeymap,
      ...historyKeymap,
      ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter"),
      indentWithTab,
    ]),
  ];
}

export interface Mark {
  from: number;
  to: number;
  message: string;
}

/** Shows what ran and which token the server marked. Places outside the text are left out. */
export function showRun(view: EditorView, ran: Array<{ from: number; to: number }>, marks: Mark[]): void {
  const { length } = view.state.doc;
  const diagnostics = marks
    .filter(({ from }) => from <= length)
    .map(({ from, to, message }): Diagnostic => ({ from, to: Math.min(to, length), severity: "error", message }));
  view.dispatch(setDiagnostics(view.state, diagnostics), { effects: setRan.of(ran) });
}
