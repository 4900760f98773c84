import { describe, expect, it } from "vitest";
import { clampOffset, geometry, MAX_SCROLL, offsetOf, ROW, reveal, rowsAt, scrollTopOf } from "./geometry";

const VIEWPORT = 300;

describe("a short result", () => {
  const space = geometry(100, VIEWPORT);
  it("scrolls pixel by pixel", () => {
    expect(space.scale).toBe(1);
    expect(space.scrollHeight).toBe(100 * ROW);
    expect(offsetOf(120, space)).toBe(120);
  });
});

describe("a result of ten million rows", () => {
  const space = geometry(10_000_000, VIEWPORT);

  it("stays below what a browser clamps", () => {
    expect(space.scrollHeight).toBe(MAX_SCROLL);
  });

  it("reaches the last row exactly at the end of the scrollbar", () => {
    const offset = offsetOf(space.scrollHeight - VIEWPORT, space);
    expect(rowsAt(offset, space).last).toBe(9_999_999);
    expect(scrollTopOf(space.maxOffset, space)).toBeCloseTo(MAX_SCROLL - VIEWPORT);
  });

  it("moves by one row when a key asks for one row", () => {
    const offset = 5_000_000 * ROW;
    expect(rowsAt(clampOffset(offset + ROW, space), space).first).toBe(5_000_001);
  });

  it("comes back to the same row through scrollTop within the browser's pixel", () => {
    const offset = 5_000_000 * ROW;
    const back = offsetOf(Math.round(scrollTopOf(offset, space)), space);
    expect(Math.abs(back - offset)).toBeLessThanOrEqual(space.scale);
  });
});

describe("showing a row", () => {
  const space = geometry(1000, VIEWPORT);
  it("moves no more than needed, and not at all when it is seen", () => {
    expect(reveal(5, 0, space)).toBe(0);
    expect(reveal(20, 0, space)).toBe(21 * ROW - VIEWPORT);
    expect(reveal(3, 500, space)).toBe(3 * ROW);
  });
});

describe("an empty result", () => {
  it("has no rows and no place to scroll to", () => {
    const space = geometry(0, VIEWPORT);
    expect(rowsAt(0, space).last).toBe(-1);
    expect(space.maxOffset).toBe(0);
  });
});
