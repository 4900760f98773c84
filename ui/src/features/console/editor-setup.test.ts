import { completionStatus, startCompletion } from "@codemirror/autocomplete";
import { EditorView } from "@codemirror/view";
import { expect, it, vi } from "vitest";
import type { Completion } from "../../ipc/contract";
import { provideMemoryBackend } from "../../test/memory-backend";
import { extensions } from "./editor-setup";

it("offers nothing any more once the statement runs, also when the offer was still on its way", async () => {
  let answer: (found: Completion) => void = () => {};
  provideMemoryBackend().answer("console_complete", () => new Promise<Completion>((resolve) => (answer = resolve)));
  const run = vi.fn();
  const completion = {
    target: () => ({ database: "d", db_user: "u", db_name: "n" }),
    snippets: () => [],
    kind: (kind: string) => kind,
    wanted: () => {},
  };
  const words = { label: "SQL", hint: "", phrases: {}, completion };
  const actions = { run, stop: vi.fn(), changed: vi.fn(), format: vi.fn() };
  const view = new EditorView({ doc: "sel", selection: { anchor: 3 }, extensions: extensions(words, () => actions) });
  document.body.append(view.dom);
  startCompletion(view);
  await vi.waitFor(() => expect(completionStatus(view.state)).toBe("pending"));

  view.contentDOM.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 13, ctrlKey: true }));
  expect(run).toHaveBeenCalledOnce();
  expect(completionStatus(view.state)).toBeNull();
  answer({ from: 0, offers: [], words: "all" });
  // Whoever waits for the answer has had it.
  await Promise.resolve().then(() => {});
  expect(completionStatus(view.state)).toBeNull();
  view.destroy();
});
