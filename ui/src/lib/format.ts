// Numbers, times and sizes as the interface writes them: separated thousands, decimal units, 24 h.

const grouped = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return grouped.format(value);
}

/** 1.84 GB, 9.2 KB, 512 B. Three significant digits are enough to compare rows by eye. */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${value} B`;
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${size.toFixed(digits)} ${units[unit]}`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** 00:41, 1:02:03. For things that last. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** 00:41.4 while it runs; 00:00.214 once it is known. */
export function elapsed(ms: number, digits: 1 | 3): string {
  const whole = Math.max(0, Math.floor(ms));
  const fraction = String(whole % 1000).padStart(3, "0");
  return `${age(whole)}.${fraction.slice(0, digits)}`;
}

/** 214 ms, 8.2 s, then 08:32: how long something took, as exact as it matters. */
export function took(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : age(ms);
}

/** 14:27:37, local. */
export function clock(ms: number): string {
  const time = new Date(ms);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** 18:40, local. */
export function hourMinute(ms: number): string {
  return clock(ms).slice(0, 5);
}

/** 18:40 of today, 2026-11-19 18:40 of another day. */
export function moment(ms: number, now: number): string {
  const day = (at: number) => {
    const date = new Date(at);
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  };
  return day(ms) === day(now) ? hourMinute(ms) : `${day(ms)} ${hourMinute(ms)}`;
}

/** 11-19 18:40, local: for times of some days. */
export function monthDay(ms: number): string {
  const time = new Date(ms);
  return `${two(time.getMonth() + 1)}-${two(time.getDate())} ${hourMinute(ms)}`;
}

/** 3.74 s: how long a proof took. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

/** One line, for a table cell. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
