// What a plot shows: the last minute, one value a second. The engine tells only of seconds in which something flowed.
import type { Traffic } from "../../ipc/contract";

export const SECONDS = 60;

/** Bytes of each of the last 60 seconds, the latest last. Still seconds since the last news are zeros. */
export function lastMinute({ per_second, at }: Traffic, now: number): number[] {
  // News of a second comes up to a second after the clock here has ticked: half of one is no gap yet.
  const still = Math.min(SECONDS, Math.max(0, Math.floor((now - at - 500) / 1000)));
  const known = [...per_second, ...Array<number>(still).fill(0)].slice(-SECONDS);
  return [...Array<number>(SECONDS - known.length).fill(0), ...known];
}

/** Below this many bytes a second a plot stays low: a ping must not look like a flood. */
const LOW = 1000;

/** The plot's line: `x,y` pairs, from the left edge to the right, 0 at the bottom. */
export function points(values: number[], width: number, height: number): string {
  const top = Math.max(LOW, ...values);
  const last = Math.max(1, values.length - 1);
  const y = (value: number) => height - 1 - (value / top) * (height - 3);
  return values.map((value, at) => `${round((at / last) * width)},${round(y(value))}`).join(" ");
}

const round = (value: number) => Math.round(value * 10) / 10;
