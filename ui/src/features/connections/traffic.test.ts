import { describe, expect, it } from "vitest";
import { lastMinute, points, SECONDS } from "./traffic";

const at = 1_000_000;

describe("the last minute", () => {
  it("is sixty seconds long however young the session is", () => {
    const minute = lastMinute({ per_second: [10, 20], at }, at + 300);
    expect(minute).toHaveLength(SECONDS);
    expect(minute.slice(-3)).toEqual([0, 10, 20]);
  });

  it("moves on by itself while nothing flows and nobody says so", () => {
    expect(lastMinute({ per_second: [10, 20], at }, at + 1400).slice(-1)).toEqual([20]);
    expect(lastMinute({ per_second: [10, 20], at }, at + 2600).slice(-4)).toEqual([10, 20, 0, 0]);
    expect(lastMinute({ per_second: [10, 20], at }, at + 3_600_000)).toEqual(Array(SECONDS).fill(0));
  });

  it("shows what is known although the clock here has not ticked yet", () => {
    expect(lastMinute({ per_second: [10], at }, at - 900).slice(-1)).toEqual([10]);
  });
});

describe("a plot's line", () => {
  it("spans the width, with nothing at the bottom and the most at the top", () => {
    expect(points([0, 2000], 96, 18)).toBe("0,17 96,2");
  });

  it("stays low for a few bytes", () => {
    expect(points([0, 100], 96, 18)).toBe("0,17 96,15.5");
  });
});
