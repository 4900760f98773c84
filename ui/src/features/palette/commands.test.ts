import i18next from "i18next";
import { describe, expect, it, vi } from "vitest";
import { connections, databases } from "../../test/fixture/warehouse";
import { type Actions, commands, marked, narrow } from "./commands";

const actions = new Proxy({} as Actions, { get: () => vi.fn() });
const all = commands(databases, connections, actions, i18next.t);

describe("the palette", () => {
  it("puts opening a console on what was typed first", () => {
    expect(narrow(all, "analytics-prod")[0]?.label).toBe("Open console on analytics-prod");
  });

  it("needs every word, in any order", () => {
    expect(narrow(all, "stop stage").map(({ id }) => id)).toEqual(["stop-proxy-analytics-stage"]);
    expect(narrow(all, "zzz")).toEqual([]);
  });

  it("offers views first while nothing is typed", () => {
    expect(narrow(all, "")[0]?.id).toBe("go-databases");
  });

  it("leaves out databases that no role reaches", () => {
    expect(all.some(({ id }) => id === "open-marketing-prod")).toBe(false);
  });

  it("says when a user must be chosen first", () => {
    expect(all.find(({ id }) => id === "open-analytics-dev")?.note).toBe("choose a user");
  });

  it("marks what matched", () => {
    expect(marked("Open console on analytics-prod", "analy")).toEqual(["Open console on ", "analy", "tics-prod"]);
  });
});
