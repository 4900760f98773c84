import { describe, expect, it } from "vitest";
import { firstOptions, problem, proposedName, request } from "./options";

const source = { tab: "t1", result: "r1", sql: "select 1", name: "sales" };

describe("an export's options", () => {
  it("name the columns that are chosen by their place", () => {
    const options = { ...firstOptions(3), chosen: [true, false, true] };
    expect(request(options, source).columns).toEqual([0, 2]);
    expect(request(options, source).source).toEqual({ from: "result", result: "r1" });
  });

  it("hand over the statement only to run it again", () => {
    const options = { ...firstOptions(1), from: "statement" as const };
    expect(request(options, source).source).toEqual({ from: "statement", tab: "t1", sql: "select 1" });
  });

  it("say what is missing before anything begins", () => {
    expect(problem(firstOptions(2))).toBeNull();
    expect(problem({ ...firstOptions(1), chosen: [false] })).toBe("noColumn");
    expect(problem({ ...firstOptions(1, "sql"), table: " " })).toBe("noTable");
    expect(problem({ ...firstOptions(1), nullText: "a,b" })).toBe("badNull");
    expect(problem({ ...firstOptions(1, "json"), nullText: "a,b" })).toBeNull();
  });

  it("propose a name with the day", () => {
    expect(proposedName("sales", new Date(2026, 10, 4))).toBe("sales-2026-11-04");
  });
});
