// Sums of decimals as exact as the server wrote them: numbers of JavaScript would lose the cents of a large ledger.

const DECIMAL = /^-?\d+(\.\d+)?$/;

export interface Totals {
  sum: string;
  average: string;
}

/** Null unless every value is a plain decimal; NULLs do not count. */
export function totals(values: Array<string | null>): Totals | null {
  const present = values.filter((value) => value !== null);
  if (present.length === 0 || !present.every((value) => DECIMAL.test(value))) return null;
  const scale = Math.max(...present.map((value) => value.split(".")[1]?.length ?? 0));
  const sum = present.reduce((all, value) => all + scaled(value, scale), 0n);
  const more = scale + 2;
  const average = divide(sum * 10n ** 2n, BigInt(present.length));
  return { sum: text(sum, scale), average: trimmed(text(average, more), scale) };
}

function scaled(value: string, scale: number): bigint {
  const [whole = "0", fraction = ""] = value.replace("-", "").split(".");
  const digits = BigInt(whole + fraction.padEnd(scale, "0"));
  return value.startsWith("-") ? -digits : digits;
}

/** Rounds half away from zero, as people do. */
function divide(value: bigint, by: bigint): bigint {
  const half = by / 2n;
  return value >= 0n ? (value + half) / by : (value - half) / by;
}

function text(value: bigint, scale: number): string {
  const negative = value < 0n;
  const digits = (negative ? -value : value).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = scale > 0 ? `.${digits.slice(digits.length - scale)}` : "";
  return `${negative ? "-" : ""}${whole}${fraction}`;
}

/** Drops zeros beyond the values' own scale. */
function trimmed(value: string, scale: number): string {
  const point = value.indexOf(".");
  if (point < 0) return value;
  let end = value.length;
  const keep = scale === 0 ? point : point + 1 + scale;
  while (end > keep && value[end - 1] === "0") end -= 1;
  return value.slice(0, value[end - 1] === "." ? end - 1 : end);
}
