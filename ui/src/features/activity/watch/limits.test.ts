import { describe, expect, it } from "vitest";
import type { Watch } from "../../../ipc/contract";
import { linesOf, ruleOf, watchOf } from "./limits";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const form = { on: true, when: "while_ours_run", every_seconds: 15 } as const;

describe("the limits of a watch", () => {
  it("start with everything told and nothing canceled", () => {
    expect(watchOf(target, form, linesOf(null))?.rules).toEqual([
      { kind: "runs", over: 600, cancel: false },
      { kind: "waits", over: 60, cancel: false },
      { kind: "returns", over: 5_000_000_000, cancel: false },
    ]);
  });

  it("come back as they were set, in units of people", () => {
    const watch: Watch = { target, ...form, rules: [{ kind: "returns", over: 250_000_000, cancel: true }] };
    const lines = linesOf(watch);
    expect(lines.map(({ on, over, cancel }) => [on, over, cancel])).toEqual([
      [false, "10", false],
      [false, "60", false],
      [true, "0.25", true],
    ]);
    expect(watchOf(target, form, lines)).toEqual(watch);
  });

  it("are numbers above nothing", () => {
    const line = (over: string) => ruleOf({ kind: "runs", on: true, over, cancel: false });
    expect(line("0.5")?.over).toBe(30);
    for (const over of ["", " ", "0", "-1", "ten", "1e400"]) expect(line(over)).toBeNull();
  });

  it("cannot all be off while it watches", () => {
    const off = linesOf(null).map((line) => ({ ...line, on: false }));
    expect(watchOf(target, form, off)).toBeNull();
    expect(watchOf(target, { ...form, on: false }, off)?.rules).toEqual([]);
  });
});
