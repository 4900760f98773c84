// Where the bars of a timeline stand: the part of time that is shown, its ticks, and which lane each query has. Pure, so that it is
// tested as functions.
import type { ListedQuery } from "./listed";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How far back one can look. Redshift keeps seven days. */
export const ranges = [15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR, 7 * 24 * HOUR] as const;

/** From this on a query is slow enough to stand out. */
export const SLOW_MS = MINUTE;

/** A part of time, in milliseconds by our clock. */
export interface Span {
  from: number;
  to: number;
}

/** Nothing is shown closer than this. */
const CLOSEST = SECOND;
/** So much of a picture is left free after now, for the end of what lives to be seen. */
const AHEAD = 0.025;

export function width({ from, to }: Span): number {
  return to - from;
}

/** All of the time that was read. */
export function whole(range: number, now: number): Span {
  return { from: now - range, to: now + (range * AHEAD) / (1 - AHEAD) };
}

/** As much of it as there are queries in, so that what began a minute ago is not a dot in an hour. */
export function fitting(queries: ListedQuery[], range: number, now: number): Span {
  const all = whole(range, now);
  let first = now - MINUTE;
  for (const { start, end } of queries) {
    if ((end ?? now) >= all.from && start < first) first = start;
  }
  const step = tickStep(now - first);
  const from = Math.max(all.from, Math.floor((first - width({ from: first, to: now }) * AHEAD) / step) * step);
  return { from, to: now + ((now - from) * AHEAD) / (1 - AHEAD) };
}

/** Closer (a factor below 1) or farther, with what is at one moment left in its place. */
export function zoomed(span: Span, at: number, factor: number, limits: Span): Span {
  const size = Math.min(width(limits), Math.max(CLOSEST, width(span) * factor));
  const share = width(span) > 0 ? (at - span.from) / width(span) : 0.5;
  return within({ from: at - size * share, to: at + size * (1 - share) }, limits);
}

/** Earlier or later by a share of what is shown. */
export function panned(span: Span, share: number, limits: Span): Span {
  const by = width(span) * share;
  return within({ from: span.from + by, to: span.to + by }, limits);
}

/** As long as it was, and not beyond the limits. */
export function within(span: Span, limits: Span): Span {
  const size = Math.min(width(limits), Math.max(CLOSEST, width(span)));
  const from = Math.min(Math.max(span.from, limits.from), limits.to - size);
  return { from, to: from + size };
}

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
];

/** About five ticks, at times people read easily. */
export function tickStep(span: number): number {
  const wanted = span / 5 / SECOND;
  return (STEPS.find((step) => step >= wanted) ?? 172_800) * SECOND;
}

/** Moments of round local time within a span. */
export function ticks(span: Span): { step: number; at: number[] } {
  const step = tickStep(width(span));
  // Hours and days are round where the person is.
  const shift = new Date(span.from).getTimezoneOffset() * MINUTE;
  const at: number[] = [];
  for (let next = Math.ceil((span.from - shift) / step) * step + shift; next <= span.to; next += step) at.push(next);
  return { step, at };
}

export interface Bar {
  query: ListedQuery;
  lane: number;
  /** Pixels from the left of the plot; of the part that is shown. */
  left: number;
  width: number;
}

export interface Lanes {
  bars: Bar[];
  /** How many lanes are used. */
  count: number;
  /** Queries of the span that have no place in so few lanes. */
  left: number;
}

/** No bar is narrower: a query of a millisecond is there too. */
export const NARROWEST = 3;
/** Pixels between two bars of a lane. */
const GAP = 2;

/** Those that matter first: what lives, what failed, then the longest. */
export function ranked(queries: ListedQuery[]): ListedQuery[] {
  const weight = (query: ListedQuery) => (query.live ? 2 : query.status === "failed" ? 1 : 0);
  return [...queries].sort(
    (a, b) => weight(b) - weight(a) || (a.live ? a.start - b.start : b.elapsed_ms - a.elapsed_ms),
  );
}

/**
 * Which bars of {@link ranked} queries are shown, and where. With a lane for each query they stand in the order in which they began;
 * where there are more than lanes, those that matter come first.
 */
export function lanes(queries: ListedQuery[], span: Span, now: number, pixels: number, most: number): Lanes {
  const scale = pixels / width(span);
  const shown = queries.filter(({ start, end }) => start <= span.to && (end ?? now) >= span.from);
  const bar = (query: ListedQuery, lane: number): Bar => {
    const from = Math.max(query.start, span.from);
    const to = Math.min(query.end ?? now, span.to);
    const left = Math.max(0, Math.min((from - span.from) * scale, pixels - NARROWEST));
    return { query, lane, left, width: Math.max(NARROWEST, (to - from) * scale) };
  };
  if (shown.length <= most) {
    const bars = shown.sort((a, b) => a.start - b.start).map(bar);
    return { bars, count: bars.length, left: 0 };
  }
  const taken = Array.from({ length: most }, () => new Uint8Array(Math.ceil(pixels) + 1));
  const bars: Bar[] = [];
  let count = 0;
  for (const query of shown) {
    const place = bar(query, 0);
    const from = Math.floor(place.left);
    const to = Math.min(Math.ceil(place.left + place.width) + GAP, pixels);
    const lane = taken.findIndex((pixelsOf) => isFree(pixelsOf, from, to));
    if (lane < 0) continue;
    taken[lane]?.fill(1, from, to + 1);
    bars.push({ ...place, lane });
    count = Math.max(count, lane + 1);
  }
  return { bars, count, left: shown.length - bars.length };
}

function isFree(pixels: Uint8Array, from: number, to: number): boolean {
  // Most bars that have no place meet another at an end.
  if (pixels[to] === 1) return false;
  for (let at = from; at <= to; at += 1) if (pixels[at] === 1) return false;
  return true;
}

/** How many queries were alive in each of so many parts of a span, and how many of those failed or waited. */
export interface Density {
  all: number[];
  failed: number[];
  waiting: number[];
  most: number;
}

export function density(queries: ListedQuery[], span: Span, parts: number, now: number): Density {
  const count = () => new Array<number>(parts + 1).fill(0);
  const [all, failed, waiting] = [count(), count(), count()];
  const part = width(span) / parts;
  const add = (counts: number[], from: number, to: number) => {
    counts[from] = (counts[from] ?? 0) + 1;
    counts[to + 1] = (counts[to + 1] ?? 0) - 1;
  };
  for (const query of queries) {
    const end = query.end ?? now;
    if (query.start > span.to || end < span.from) continue;
    const from = Math.min(parts - 1, Math.max(0, Math.floor((query.start - span.from) / part)));
    const to = Math.min(parts - 1, Math.max(from, Math.floor((end - span.from) / part)));
    add(all, from, to);
    if (query.status === "failed") add(failed, from, to);
    if (isWaiting(query)) add(waiting, from, to);
  }
  const summed = (counts: number[]) => {
    let sum = 0;
    return counts.slice(0, parts).map((change) => {
      sum += change;
      return sum;
    });
  };
  const total = summed(all);
  return {
    all: total,
    failed: summed(failed),
    waiting: summed(waiting),
    most: total.reduce((a, b) => Math.max(a, b), 0),
  };
}

/** Queued, or held up by a lock. */
export function isWaiting(
  query: Pick<ListedQuery, "status" | "waits_for_lock" | "live" | "lock_wait_ms" | "execution_ms">,
): boolean {
  if (query.status === "queued" || query.waits_for_lock) return true;
  return query.live && query.lock_wait_ms > query.execution_ms;
}

/** The bar under a point, or the nearest one of its lane that is almost under it. */
export function barAt(bars: Bar[], x: number, lane: number): Bar | undefined {
  const SLACK = 3;
  let best: Bar | undefined;
  let distance = SLACK + 1;
  for (const bar of bars) {
    if (bar.lane !== lane) continue;
    const away = Math.max(bar.left - x, x - bar.left - bar.width, 0);
    if (away < distance) {
      best = bar;
      distance = away;
    }
  }
  return best;
}

/** The bars in the order in which their queries began: for going from one to the next by keys. */
export function inOrder(bars: Bar[]): Bar[] {
  return [...bars].sort((a, b) => a.query.start - b.query.start || a.lane - b.lane);
}
