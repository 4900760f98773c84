import { CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { sql } from "@codemirror/lang-sql";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { describe, expect, it, vi } from "vitest";
import type { Completion as Found, Offer } from "../../ipc/contract";
import { failure, provideMemoryBackend } from "../../test/memory-backend";
import { around, type CompletionSetup, completions } from "./completion";
import { Redshift } from "./redshift";

const target = { database: "d", db_user: "u", db_name: "n" };

function offer(name: string, close: boolean, more: Partial<Offer> = {}): Offer {
  return { kind: "column", name, insert: name, detail: "int8", close, ...more };
}

function state(text: string): EditorState {
  return EditorState.create({ doc: text, extensions: [sql({ dialect: Redshift })] });
}

/** Asks where `|` is. */
async function ask(text: string, setup: Partial<CompletionSetup> = {}, explicit = false) {
  const at = text.indexOf("|");
  const context = new CompletionContext(state(text.replace("|", "")), at, explicit);
  const source = completions({
    target: () => target,
    snippets: () => [{ name: "sel", text: "SELECT #{x}" }],
    kind: (kind) => kind,
    wanted: () => {},
    ...setup,
  });
  return (await source(context)) as CompletionResult | null;
}

function labels(result: CompletionResult | null): string[] {
  return (result?.options ?? []).map(({ label }) => label);
}

describe("completion", () => {
  it("puts names that begin so before words, and those that merely hold it behind", async () => {
    provideMemoryBackend().answer("console_complete", ({ at }): Found => {
      return { from: at - 2, offers: [offer("seller", true), offer("use_date", false)], words: "all" };
    });
    const result = await ask("select se|");
    expect(labels(result).slice(0, 3)).toEqual(["seller", "sel", "SELECT"]);
    expect(labels(result).at(-1)).toBe("use_date");
    expect(result).toMatchObject({ from: 7, filter: false });
  });

  it("keeps words out of where only names go", async () => {
    provideMemoryBackend().answer("console_complete", ({ at }): Found => {
      return { from: at, offers: [offer("select_id", true)], words: "none" };
    });
    expect(labels(await ask("select o.|"))).toEqual(["select_id"]);
  });

  it("offers types behind a cast", async () => {
    provideMemoryBackend().answer(
      "console_complete",
      ({ at }): Found => ({ from: at - 3, offers: [], words: "types" }),
    );
    expect(labels(await ask("select a::big|"))).toEqual(["bigint"]);
  });

  it("asks nothing before something is written, unless it is told to", async () => {
    const memory = provideMemoryBackend().answer("console_complete", ({ at }): Found => {
      return { from: at, offers: [offer("a", true)], words: "all" };
    });
    const wanted = vi.fn();
    expect(await ask("select |", { wanted })).toBeNull();
    expect(wanted).not.toHaveBeenCalled();
    expect(memory.calls).toEqual([]);
    expect(labels(await ask("select |", { wanted }, true))).toEqual(["a"]);
    expect(wanted).toHaveBeenCalledOnce();
  });

  it("falls back to words when the shell fails", async () => {
    provideMemoryBackend().answer("console_complete", () => {
      throw failure("internal");
    });
    expect(labels(await ask("sele|"))).toContain("SELECT");
  });

  it("does not offer what is written already", async () => {
    provideMemoryBackend().answer("console_complete", ({ at }): Found => ({ from: at - 7, offers: [], words: "all" }));
    expect(await ask("QUALIFY|")).toBeNull();
  });

  it("sends the statement alone from a text of megabytes", () => {
    const filler = "select 1 as one from somewhere;\n".repeat(4000);
    const text = `${filler}select x from orders;\n${filler}`;
    const big = state(text);
    ensureSyntaxTree(big, text.length, 20_000);
    const at = text.indexOf(" from orders");
    const sent = around(big, at);
    expect(sent.text.length).toBeLessThanOrEqual(64 * 1024);
    expect(sent.text.slice(at - sent.from).startsWith(" from orders")).toBe(true);
  });
});
