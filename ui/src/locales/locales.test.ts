import { describe, expect, it } from "vitest";
import en from "./en.json";
import ko from "./ko.json";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, prefix = ""): Array<[key: string, text: string]> {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[`${prefix}${key}`, value] as [string, string]] : flat(value, `${prefix}${key}.`),
  );
}

const english = new Map(flat(en));
const korean = new Map(flat(ko));
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();

const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const components = import.meta.glob<string>("../{app,components,features}/**/*.tsx", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** `>Some words</`: text of ours between two tags. */
const LITERAL = /<\/?[\w.]+[^<>{}]*>\s*[A-Za-z가-힣]{3,}[^<>{}=;()]*<\//g;

describe("translations", () => {
  it("have the same keys in both languages, but for the singular that Korean does not have", () => {
    const keys = (of: Map<string, string>) => [...of.keys()].filter((key) => !key.endsWith("_one")).sort();
    expect(keys(korean)).toEqual(keys(english));
  });

  it("use the same values in both languages", () => {
    for (const [key, text] of korean) {
      // A whole sentence may leave a value out where the other language needs it for grammar, never invent one.
      expect(placeholders(english.get(key) ?? ""), key).toEqual(expect.arrayContaining(placeholders(text)));
    }
  });

  it("leave no text empty", () => {
    for (const [key, text] of [...english, ...korean]) expect(text.trim(), key).not.toBe("");
  });

  it("say nothing that the voice forbids", () => {
    for (const [key, text] of english) expect(text, key).not.toMatch(/please|oops|something went wrong|!/i);
  });

  it("hold no word that nobody says", () => {
    const text = Object.values(sources).join("\n");
    // Whole groups are reached by a name that is put together, and the shell reads its own.
    const composed =
      /^(error|notice|reason|sqlstate|tray|activity\.(scopeOwnOf|sourceOf|statusOf|story)|history\.outcomes|plan\.warnings|plot\.measures|watch\.unit)\.|_(note|one|other|zero|chain|unknown|document)$/;
    const said = (key: string) => {
      const [group, name = ""] = key.split(".");
      return (
        text.includes(key) ||
        (text.includes(`\`${group}.${"${"}`) && new RegExp(`["\`. ]${name}["\`:]|\\b${name}:`).test(text))
      );
    };
    expect([...english.keys()].filter((key) => !composed.test(key) && !said(key))).toEqual([]);
  });

  it("hold every word of the interface: no JSX has text of its own", () => {
    const offenders = Object.entries(components).flatMap(([file, text]) =>
      file.includes(".test.") ? [] : (text.match(LITERAL) ?? []).map((found) => `${file}: ${found}`),
    );
    expect(Object.keys(components).length).toBeGreaterThan(20);
    expect(offenders).toEqual([]);
  });
});
