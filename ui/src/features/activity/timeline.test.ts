import { describe, expect, it } from "vitest";
import { anyListed } from "../../test/query";
import {
  barAt,
  density,
  fitting,
  inOrder,
  lanes,
  panned,
  ranked,
  ticks,
  whole,
  width,
  within,
  zoomed,
} from "./timeline";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const now = 100 * HOUR;

describe("the part of time that is shown", () => {
  const limits = whole(HOUR, now);

  it("ends a little after now", () => {
    expect(limits.from).toBe(now - HOUR);
    expect((now - limits.from) / width(limits)).toBeCloseTo(0.975, 5);
  });

  it("fits what there is in it", () => {
    const span = fitting([anyListed("a", now - 4 * MINUTE, now - MINUTE)], HOUR, now);
    expect(span.from).toBeLessThan(now - 4 * MINUTE);
    expect(span.from).toBeGreaterThan(now - 6 * MINUTE);
    expect(fitting([], HOUR, now).from).toBeGreaterThan(now - 3 * MINUTE);
    expect(fitting([anyListed("long", now - 9 * HOUR, null)], HOUR, now).from).toBe(limits.from);
  });

  it("keeps what is under the pointer in its place", () => {
    const span = { from: now - 40 * MINUTE, to: now - 20 * MINUTE };
    const at = now - 35 * MINUTE;
    const closer = zoomed(span, at, 0.5, limits);
    expect(width(closer)).toBe(10 * MINUTE);
    expect((at - closer.from) / width(closer)).toBeCloseTo((at - span.from) / width(span), 9);
  });

  it("goes neither beyond what was read nor closer than a second", () => {
    expect(zoomed(limits, now, 100, limits)).toEqual(limits);
    expect(width(zoomed({ from: now - 2000, to: now }, now, 0.0001, limits))).toBe(1000);
    const early = panned({ from: limits.from, to: limits.from + MINUTE }, -5, limits);
    expect(early).toEqual({ from: limits.from, to: limits.from + MINUTE });
    expect(within({ from: now + HOUR, to: now + 2 * HOUR }, limits).to).toBe(limits.to);
  });

  it("has about five ticks, at round times", () => {
    const { step, at } = ticks({ from: now - HOUR, to: now });
    expect(step).toBe(15 * MINUTE);
    expect(at.every((moment) => moment % step === 0)).toBe(true);
    expect(ticks({ from: now - 7 * 24 * HOUR, to: now }).at.length).toBeLessThan(8);
  });
});

describe("lanes", () => {
  const span = { from: now - HOUR, to: now };

  it("are one for each query, in the order in which they began, as long as there are enough", () => {
    const { bars, left } = lanes(
      [anyListed("b", now - 10 * MINUTE, null), anyListed("a", now - 20 * MINUTE, now - 15 * MINUTE)],
      span,
      now,
      600,
      9,
    );
    expect(bars.map(({ query, lane }) => [query.key, lane])).toEqual([
      ["a", 0],
      ["b", 1],
    ]);
    expect(bars[0]).toMatchObject({ left: 400, width: 50 });
    expect(left).toBe(0);
  });

  it("never overlap, and leave out the shortest first", () => {
    const short = Array.from({ length: 500 }, (_, index) =>
      anyListed(`s${index}`, now - HOUR + index * 6000, now - HOUR + index * 6000 + 20_000),
    );
    const failed = anyListed("failed", now - 30 * MINUTE, now - 30 * MINUTE + 10, { status: "failed" });
    const live = anyListed("live", now - 50 * MINUTE, null);
    const { bars, count, left } = lanes(ranked([...short, failed, live]), span, now, 600, 3);
    expect(count).toBe(3);
    expect(bars.length + left).toBe(502);
    expect(left).toBeGreaterThan(0);
    const keys = bars.map(({ query }) => query.key);
    expect(keys).toContain("live");
    expect(keys).toContain("failed");
    for (const lane of [0, 1, 2]) {
      const own = bars.filter((bar) => bar.lane === lane).sort((a, b) => a.left - b.left);
      for (const [index, bar] of own.entries()) {
        const next = own[index + 1];
        if (next) expect(next.left).toBeGreaterThanOrEqual(bar.left + bar.width);
      }
    }
  });

  it("hold ten thousand queries without a pause", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      anyListed(`q${index}`, now - HOUR + index * 350, now - HOUR + index * 350 + (index % 97) * 300),
    );
    const began = performance.now();
    const { bars, left } = lanes(ranked(many), span, now, 900, 9);
    expect(performance.now() - began).toBeLessThan(500);
    expect(bars.length + left).toBe(10_000);
  });

  it("show a query that reaches into the span from both sides, and none that does not", () => {
    const across = anyListed("across", now - 9 * HOUR, null);
    const before = anyListed("before", now - 9 * HOUR, now - 8 * HOUR);
    const { bars } = lanes(ranked([across, before]), span, now, 600, 9);
    expect(bars).toHaveLength(1);
    expect(bars[0]).toMatchObject({ left: 0, width: 600 });
  });
});

describe("the strip of everything", () => {
  it("counts what was alive in each part, and apart what failed or waited", () => {
    const span = { from: 0, to: 100 };
    const counts = density(
      [
        anyListed("a", 0, 49),
        anyListed("b", 20, 29, { status: "failed" }),
        anyListed("c", 90, null, { status: "queued" }),
      ],
      span,
      10,
      100,
    );
    expect(counts.all).toEqual([1, 1, 2, 1, 1, 0, 0, 0, 0, 1]);
    expect(counts.failed[2]).toBe(1);
    expect(counts.waiting[9]).toBe(1);
    expect(counts.most).toBe(2);
  });
});

describe("a point of the picture", () => {
  const { bars } = lanes(
    [anyListed("a", now - 30 * MINUTE, now - 20 * MINUTE), anyListed("b", now - 10 * MINUTE, null)],
    { from: now - HOUR, to: now },
    now,
    600,
    9,
  );

  it("is of the bar that is there or almost there", () => {
    expect(barAt(bars, 350, 0)?.query.key).toBe("a");
    expect(barAt(bars, 402, 0)?.query.key).toBe("a");
    expect(barAt(bars, 420, 0)).toBeUndefined();
    expect(barAt(bars, 350, 1)).toBeUndefined();
  });

  it("is followed by keys in the order of time", () => {
    expect(inOrder([...bars].reverse()).map(({ query }) => query.key)).toEqual(["a", "b"]);
  });
});
