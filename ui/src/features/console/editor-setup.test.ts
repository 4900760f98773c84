import { completionStatus, startCompletion } from "@codemirror/autocomplete";
import { EditorView } from "@codemirror/view";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Completion } from "../../ipc/contract";
import { provideMemoryBackend } from "../../test/memory-backend";
import { extensions } from "./editor-setup";

const run = vi.fn();
let answer: (found: Completion) => void;
let view: EditorView;

/** Somebody writes, and what could stand there is asked for. */
beforeEach(async () => {
  run.mockClear();
  const memory = provideMemoryBackend().answer(
    "console_complete",
    () => new Promise<Completion>((resolve) => (answer = resolve)),
  );
  const completion = {
    target: () => ({ database: "d", db_user: "u", db_name: "n" }),
    snippets: () => [],
    kind: (kind: string) => kind,
    wanted: () => {},
  };
  const words = { label: "SQL", hint: "", phrases: {}, completion };
  const actions = { run, stop: vi.fn(), changed: vi.fn(), format: vi.fn() };
  view = new EditorView({ doc: "sel", selection: { anchor: 3 }, extensions: extensions(words, () => actions) });
  document.body.append(view.dom);
  view.focus();
  startCompletion(view);
  await vi.waitFor(() => expect(memory.requests("console_complete")).toHaveLength(1));
  expect(completionStatus(view.state)).toBe("pending");
});

afterEach(() => {
  view.destroy();
});

it("offers what fits once it is known", async () => {
  answer({ from: 0, offers: [], words: "all" });
  await vi.waitFor(() => expect(completionStatus(view.state)).toBe("active"));
});

it("offers nothing any more once the statement runs", () => {
  view.contentDOM.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 13, ctrlKey: true }));
  expect(run).toHaveBeenCalledOnce();
  expect(completionStatus(view.state)).toBeNull();
});

it("offers nothing to whoever has gone elsewhere when the answer comes", async () => {
  const elsewhere = document.body.appendChild(document.createElement("input"));
  elsewhere.focus();
  answer({ from: 0, offers: [], words: "all" });
  await vi.waitFor(() => expect(completionStatus(view.state)).toBeNull());
  elsewhere.remove();
});
