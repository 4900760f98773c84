import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
// Vite gives neighbours as `./x`, everything else as `../x`.
const files = Object.entries(sources).map(([path, text]) => ({
  name: path.startsWith("./") ? `test/${path.slice(2)}` : path.replace("../", ""),
  text,
}));
const imports = (text: string) =>
  [...text.matchAll(/from "([^"]+)"|import "([^"]+)"/g)].map((found) => found[1] ?? found[2] ?? "");

describe("the layout of the front-end", () => {
  it("names Tauri in one file", () => {
    const naming = files.filter(({ text }) => imports(text).some((path) => path.startsWith("@tauri-apps/")));
    expect(naming.map(({ name }) => name)).toEqual(["ipc/tauri-backend.ts"]);
  });

  it("has no feature that imports another", () => {
    const offenders = files.flatMap(({ name, text }) => {
      const own = /^features\/(\w+)\//.exec(name)?.[1];
      if (!own) return [];
      return imports(text)
        .filter((path) => /(^|\/)features\//.test(path) || /^\.\.\/(?!\.\.)(?!grid)/.test(path))
        .filter((path) => !(name.split("/").length > 3 && path.startsWith("../")))
        .map((path) => `${name} imports ${path}`);
    });
    expect(offenders).toEqual([]);
  });

  it("lets components and lib know nothing of features and of the frame", () => {
    const offenders = files
      .filter(({ name }) => /^(components|lib|ipc)\//.test(name))
      .filter(({ text }) => imports(text).some((path) => /\/(features|app)\//.test(path)));
    expect(offenders.map(({ name }) => name)).toEqual([]);
  });

  it("brings nothing of the tests into the product", () => {
    const offenders = files
      .filter(({ name }) => !name.startsWith("test/") && !/\.test\.tsx?$/.test(name))
      .filter(({ text }) => imports(text).some((path) => /(^|\/)test\//.test(path)));
    expect(offenders.map(({ name }) => name)).toEqual([]);
  });
});
