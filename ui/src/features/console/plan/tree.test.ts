import { describe, expect, it } from "vitest";
import { amount, childrenOf, ownShare, shownNodes } from "./tree";

const nodes = [
  { depth: 0, cost: 100 },
  { depth: 1, cost: 80 },
  { depth: 2, cost: 30 },
  { depth: 2, cost: 20 },
  { depth: 1, cost: null },
];

describe("a plan as a tree", () => {
  it("hides what is below a closed step", () => {
    expect(childrenOf(nodes, 1)).toBe(2);
    expect(shownNodes(nodes, new Set([1]))).toEqual([0, 1, 4]);
    expect(shownNodes(nodes, new Set([0]))).toEqual([0]);
  });

  it("gives each step the share that is its own", () => {
    expect(ownShare(nodes, 0)).toBeCloseTo(0.2);
    expect(ownShare(nodes, 1)).toBeCloseTo(0.3);
    expect(ownShare(nodes, 2)).toBeCloseTo(0.3);
    expect(ownShare(nodes, 4)).toBeNull();
  });

  it("writes costs to be compared by eye", () => {
    expect(amount(1724.564)).toBe("1,724.56");
    expect(amount(1_015_345_167_544.46)).toBe("1.015T");
  });
});
