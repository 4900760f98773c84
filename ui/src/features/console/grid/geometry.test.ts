import { describe, expect, it } from "vitest";
import {
  atEnd,
  centred,
  clampOffset,
  geometry,
  MAX_SCROLL,
  offsetOf,
  ROW,
  reveal,
  rowOf,
  rowsAt,
  scrollTopOf,
} from "./geometry";

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

  it("shows every single row whole when it is asked for, from above, from below and in the middle", () => {
    const whole = (row: number, offset: number) => row * ROW >= offset && (row + 1) * ROW <= offset + VIEWPORT;
    const lost: number[] = [];
    for (let row = 0; row < space.rows; row++) {
      const seen =
        whole(row, reveal(row, 0, space)) &&
        whole(row, reveal(row, space.maxOffset, space)) &&
        whole(row, centred(row, space));
      if (!seen) lost.push(row);
    }
    expect(lost).toEqual([]);
  });

  it("is at its ends where the bar is, whatever fraction of a pixel a browser stops at", () => {
    const end = space.scrollHeight - VIEWPORT;
    for (const top of [end, end - 0.4, end - 1]) expect(offsetOf(top, space)).toBe(space.maxOffset);
    expect(offsetOf(0, space)).toBe(0);
    expect(atEnd(space.maxOffset, space)).toBe(true);
    expect(atEnd(space.maxOffset - ROW, space)).toBe(false);
  });

  it("puts a wheel's pixels on the rows and not on the bar", () => {
    let offset = 0;
    for (let notch = 0; notch < 1000; notch++) offset = clampOffset(offset + 120, space);
    expect(rowsAt(offset, space).first).toBe(5000);
  });

  it("knows the row below a point, and the nearest one outside", () => {
    const offset = 5_000_000 * ROW;
    expect(rowOf(30, offset, space)).toBe(5_000_001);
    expect(rowOf(-1e9, offset, space)).toBe(0);
    expect(rowOf(1e9, offset, space)).toBe(9_999_999);
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
