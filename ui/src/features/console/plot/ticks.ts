// Where an axis has its marks, and how they are written. Pure, so that it is tested as functions.
import type { PlotScale } from "../../../ipc/contract";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that a person reads as one. */
const TIMES = [
  1,
  10,
  100,
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
];
const MONTHS = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 12_000];
const MONTH = 30.44 * DAY;

export interface Ticks {
  at: number[];
  /** Distance between two of them. */
  step: number;
}

/** About `wanted` round values from `low` to `high`. */
export function ticks(scale: PlotScale, low: number, high: number, wanted: number): Ticks {
  if (!(high > low)) return { at: [low], step: 1 };
  const parts = Math.max(1, wanted);
  // Divided first: the distance of two numbers may be more than a number holds.
  const rough = high / parts - low / parts;
  if (scale === "number") return evenly(low, high, roundStep(rough));
  if (scale === "duration" || scale === "clock") {
    return evenly(low, high, TIMES.find((step) => step >= rough) ?? roundStep(rough / DAY) * DAY);
  }
  const least = scale === "date" ? DAY : 0;
  const step = TIMES.find((time) => time >= rough && time >= least);
  return step ? evenly(low, high, step) : monthly(low, high, rough / MONTH);
}

/** 1, 2 or 5 and zeros, at least as large. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((digit) => digit * power >= rough * (1 - 1e-9)) ?? 10;
  return step * power;
}

function evenly(low: number, high: number, step: number): Ticks {
  const at: number[] = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let index = first; index * step <= high + step * 1e-9 && at.length < 200; index++) {
    // Not -0, and not 0.30000000000000004.
    at.push(index === 0 ? 0 : Number((index * step).toPrecision(15)));
  }
  return { at, step };
}

function monthly(low: number, high: number, rough: number): Ticks {
  const months = MONTHS.find((step) => step >= rough) ?? 120_000;
  const start = new Date(low);
  const at: number[] = [];
  const first = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;
  for (let month = first; at.length < 200; month += months) {
    const date = new Date(0);
    date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    const time = date.getTime();
    if (!(time <= high)) break;
    if (time >= low) at.push(time);
  }
  return { at, step: months * MONTH };
}

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });
const grouped = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 12 });
const two = (value: number) => String(Math.trunc(value)).padStart(2, "0");

/** A value at a mark of the axis, no more exact than its step. */
export function tickText(scale: PlotScale, value: number, step: number): string {
  switch (scale) {
    case "number":
      if (value !== 0 && (Math.abs(value) >= 1e15 || Math.abs(value) < 1e-6)) return value.toExponential(2);
      return Math.abs(value) >= 10_000 ? compact.format(value) : grouped.format(value);
    case "date":
    case "moment":
      if (step >= 365 * DAY) return dayOf(value).slice(0, -6);
      if (step >= 28 * DAY) return dayOf(value).slice(0, -3);
      if (step >= DAY) return dayOf(value).slice(-5);
      return clockOf(value - Math.floor(value / DAY) * DAY, step < MINUTE);
    case "clock":
      return clockOf(value, step < MINUTE);
    case "duration":
      return durationOf(value);
  }
}

/** A value with all that is known of it. */
export function valueText(scale: PlotScale, value: number): string {
  switch (scale) {
    case "number":
      if (value !== 0 && (Math.abs(value) >= 1e15 || Math.abs(value) < 1e-6)) return value.toExponential(4);
      return grouped.format(Number(value.toPrecision(9)));
    case "date":
      return dayOf(value);
    case "moment":
      return `${dayOf(value)} ${clockOf(value - Math.floor(value / DAY) * DAY, true)}`;
    case "clock":
      return clockOf(value, true);
    case "duration":
      return durationOf(value);
  }
}

/** 2026-01-31; years beyond what a calendar of the machine knows stay a number. */
function dayOf(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return grouped.format(Math.round(ms / (365.2425 * DAY)) + 1970);
  const year = date.getUTCFullYear();
  const written = year >= 0 ? String(year).padStart(4, "0") : `-${String(-year).padStart(4, "0")}`;
  return `${written}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

function clockOf(ms: number, withSeconds: boolean): string {
  const text = `${two(ms / HOUR)}:${two((ms / MINUTE) % 60)}`;
  return withSeconds ? `${text}:${two((ms / SECOND) % 60)}` : text;
}

function durationOf(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size >= DAY) return `${sign}${grouped.format(Number((size / DAY).toPrecision(4)))} d`;
  return `${sign}${clockOf(size, true)}`;
}
