// How the SQL editor looks and behaves. Its colours are the design's classes and tokens, so themes need no word here.
import {
  acceptCompletion,
  autocompletion,
  type Completion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  moveCompletionSelection,
  selectedCompletionIndex,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import {
  Compartment,
  EditorState,
  type Extension,
  Prec,
  RangeSetBuilder,
  StateEffect,
  StateField,
  type Transaction,
} from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  EditorView,
  GutterMarker,
  gutterLineClass,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
  rectangularSelection,
} from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { type CompletionSetup, completions } from "./completion";
import { Redshift } from "./redshift";

export interface EditorActions {
  run: (from: number, to: number, all: boolean) => void;
  stop: () => void;
  changed: (text: string) => void;
  format: () => void;
}

/** What the editor is told when its state is made. */
export interface EditorWords {
  label: string;
  hint: string;
  /** The words of search and of lint, in the language of the interface. */
  phrases: Record<string, string>;
  completion: CompletionSetup;
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
  ".cm-tooltip.cm-offers > ul": { maxHeight: "240px", minWidth: "260px", maxWidth: "560px" },
  ".cm-tooltip.cm-offers > ul > li": {
    display: "flex",
    alignItems: "center",
    gap: "7px",
    height: "24px",
    lineHeight: "24px",
    padding: "0 10px 0 8px",
  },
  ".cm-offer-icon": { flex: "none", width: "14px", height: "14px", color: "var(--text-3)" },
  ".cm-completionLabel": { overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-completionDetail": {
    marginLeft: "auto",
    paddingLeft: "16px",
    color: "var(--text-3)",
    fontStyle: "normal",
    fontSize: "var(--text-xs)",
    overflow: "hidden",
    textOverflow: "ellipsis",
  },
  ".cm-snippetField": { backgroundColor: "var(--bg-active)", borderRadius: "2px" },
  ".cm-selectionMatch": { backgroundColor: "var(--bg-active)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn-line)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--bg-selected)", outline: "1px solid var(--accent-line)" },
  ".cm-panels": { backgroundColor: "var(--bg-app)", color: "var(--text-1)", borderColor: "var(--line)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "6px",
    padding: "6px 32px 6px 12px",
    fontFamily: "var(--font-ui)",
    fontSize: "var(--text-sm)",
  },
  ".cm-panel.cm-search br": { flexBasis: "100%", height: "0", content: "''" },
  ".cm-panel.cm-search label": { display: "inline-flex", alignItems: "center", gap: "4px", fontSize: "var(--text-sm)" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label": { margin: "0" },
  ".cm-textfield": {
    height: "var(--control-sm)",
    width: "220px",
    padding: "0 8px",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    backgroundColor: "var(--bg-field)",
    color: "var(--text-1)",
    fontFamily: "var(--font-mono)",
    fontSize: "var(--code-sm)",
  },
  ".cm-panel .cm-button": {
    height: "var(--control-sm)",
    padding: "0 8px",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    backgroundImage: "none",
    backgroundColor: "var(--bg-surface)",
    color: "var(--text-1)",
    fontSize: "var(--text-sm)",
  },
  ".cm-panel .cm-button:hover": { backgroundColor: "var(--bg-hover)" },
  ".cm-panel.cm-search [name=close]": {
    top: "6px",
    right: "8px",
    width: "24px",
    height: "24px",
    color: "var(--text-2)",
    fontSize: "16px",
    cursor: "pointer",
  },
  ".cm-panel.cm-vim-panel": { padding: "2px 12px", fontFamily: "var(--font-mono)", fontSize: "var(--code-sm)" },
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

/** Holds the keys of vim, which come and go. */
export const vimKeys = new Compartment();

/** Loaded only for whoever wants it. */
export async function loadVim(): Promise<Extension> {
  const { vim } = await import("@replit/codemirror-vim");
  return vim({ status: true });
}

const shapes: Record<string, string> = {
  column: "M5 3.5v9M11 3.5v9",
  alias: "M6.5 3H3v10h10V9.5M9 2.5h4.5V7M13.2 2.8 7.5 8.5",
  cte: "M2 8h12M2 4h12M2 12h12",
  schema: "m8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
  table: "M2 3h12v10H2zM2 6.4h12M6.4 6.4V13",
  view: "M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8zM6.2 8a1.8 1.8 0 1 0 3.6 0 1.8 1.8 0 1 0-3.6 0",
  function: "M10.5 2.6c-1.6-.4-2.5.4-2.8 2L6.3 12c-.3 1.4-1 1.9-2.3 1.5M5 7h5",
  snippet: "M5.5 4 2 8l3.5 4M10.5 4 14 8l-3.5 4",
};

function shape(type: string): string | undefined {
  if (type.endsWith("schema")) return shapes.schema;
  if (type.endsWith("view")) return shapes.view;
  if (type.endsWith("table")) return shapes.table;
  return shapes[type === "procedure" ? "function" : type];
}

/** The icon of what is offered, as the tree draws it. */
function offerIcon({ type = "" }: Completion): Node {
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("class", "icon icon--sm cm-offer-icon");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shape(type) ?? "");
  icon.append(path);
  return icon;
}

/** Tab takes the first offer, or the one that is chosen. Enter takes only what was chosen with the arrows: it mostly ends a line. */
const takeOffer = {
  key: "Tab",
  run: (view: EditorView) => {
    if (completionStatus(view.state) !== "active") return false;
    if (selectedCompletionIndex(view.state) === null) moveCompletionSelection(true)(view);
    return acceptCompletion(view);
  },
};

export function extensions(words: EditorWords, actions: () => EditorActions): Extension {
  const { label, hint, phrases, completion } = words;
  const run = (all: boolean) => (view: EditorView) => {
    if (view.composing) return true;
    // An offer that is still on its way would lie over the text from now on.
    closeCompletion(view);
    const { from, to } = view.state.selection.main;
    actions().run(from, to, all);
    return true;
  };
  const stop = () => {
    actions().stop();
    return true;
  };
  const format = (view: EditorView) => {
    if (!view.composing) actions().format();
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
        { key: "Shift-Alt-f", run: format },
        takeOffer,
      ]),
    ),
    vimKeys.of([]),
    EditorState.phrases.of(phrases),
    EditorState.allowMultipleSelections.of(true),
    rectangularSelection(),
    crosshairCursor(),
    search({ top: true }),
    highlightSelectionMatches({ minSelectionLength: 2 }),
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({
      override: [completions(completion)],
      icons: false,
      // An Enter must not become a name: see takeOffer.
      selectOnOpen: false,
      interactionDelay: 0,
      addToOptions: [{ render: offerIcon, position: 20 }],
      tooltipClass: () => "cm-offers",
    }),
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
      ...searchKeymap,
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
