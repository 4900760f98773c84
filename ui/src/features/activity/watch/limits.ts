// The rules as a person sets them: a limit in a unit people think in, which the contract has in seconds or bytes.
import type { Target, Watch, WatchKind, WatchRule } from "../../../ipc/contract";

export const kinds = ["runs", "waits", "returns"] as const satisfies WatchKind[];

/** How much of the contract's unit is one of what is shown: minutes, seconds, gigabytes. */
const units = { runs: 60, waits: 1, returns: 1_000_000_000 } as const satisfies Record<WatchKind, number>;

/** A rule as it stands in the form. */
export interface Line {
  kind: WatchKind;
  on: boolean;
  /** As typed. */
  over: string;
  cancel: boolean;
}

const usual = { runs: "10", waits: "60", returns: "5" } as const satisfies Record<WatchKind, string>;

/** Rules as lines; what has no rule is off, with the usual limit. Without a watch everything is told and nothing canceled. */
export function linesOf(watch: Watch | null): Line[] {
  return kinds.map((kind) => {
    const rule = watch?.rules.find((one) => one.kind === kind);
    return {
      kind,
      on: watch ? rule !== undefined : true,
      over: rule ? String(rule.over / units[kind]) : usual[kind],
      cancel: rule?.cancel ?? false,
    };
  });
}

/** The rule of a line; null when its limit is none. */
export function ruleOf({ kind, over, cancel }: Line): WatchRule | null {
  const number = Number(over.trim());
  const limit = Math.round(number * units[kind]);
  return over.trim() !== "" && Number.isSafeInteger(limit) && limit > 0 ? { kind, over: limit, cancel } : null;
}

export const intervals = [5, 15, 30, 60, 300] as const;

/** Everything of the form as the contract has it; null while a limit is none, or nothing is left to watch for. */
export function watchOf(
  target: Target,
  form: Pick<Watch, "on" | "when" | "every_seconds">,
  lines: Line[],
): Watch | null {
  const rules: WatchRule[] = [];
  for (const line of lines.filter(({ on }) => on)) {
    const rule = ruleOf(line);
    if (!rule) return null;
    rules.push(rule);
  }
  if (form.on && rules.length === 0) return null;
  return { target, ...form, rules };
}
