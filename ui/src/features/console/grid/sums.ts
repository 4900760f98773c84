// Sums of decimals as exact as the server wrote them: numbers of JavaScript would lose the cents of a large ledger.

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;
/** A float's exponent may ask for more digits than anybody reads. */
const MOST_DIGITS = 400;

export interface Totals {
  count: number;
  sum: string;
  average: string;
}

/** Adds one value after the other, so that a long column need not be held. */
export class Sum {
  private total = 0n;
  private scale = 0;
  private count = 0;
  private exact = true;

  /** NULL does not count. A text that is no number makes the sum unknown. */
  add(value: string | null): void {
    if (value === null || !this.exact) return;
    const found = decimal(value);
    if (!found) {
      this.exact = false;
      return;
    }
    const scale = Math.max(this.scale, found.scale);
    this.total = grown(this.total, scale - this.scale) + grown(found.digits, scale - found.scale);
    this.scale = scale;
    this.count += 1;
  }

  /** Null when nothing was added, or something that is no number. */
  totals(): Totals | null {
    if (!this.exact || this.count === 0) return null;
    const average = divide(grown(this.total, 2), BigInt(this.count));
    return {
      count: this.count,
      sum: text(this.total, this.scale),
      average: trimmed(text(average, this.scale + 2), this.scale),
    };
  }
}

/** Null unless every value is a number; NULLs do not count. */
export function totals(values: Array<string | null>): Totals | null {
  const sum = new Sum();
  for (const value of values) sum.add(value);
  return sum.totals();
}

function decimal(value: string): { digits: bigint; scale: number } | null {
  const found = DECIMAL.exec(value);
  if (!found) return null;
  const [, sign, whole = "", fraction = "", power = "0"] = found;
  const scale = fraction.length - Number(power);
  if (Math.abs(scale) > MOST_DIGITS) return null;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  return scale >= 0 ? { digits, scale } : { digits: grown(digits, -scale), scale: 0 };
}

function grown(value: bigint, digits: number): bigint {
  return digits === 0 ? value : value * 10n ** BigInt(digits);
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
