import { isMac } from "../lib/platform";

/** A key binding as it is on this machine. Every hint that is shown is a real binding. */
export function keys(combination: string): string {
  return isMac ? combination.replace("Ctrl", "Cmd") : combination;
}

export function Keys({ of, className }: { of: string; className?: string }) {
  return <kbd className={className ? `kbd ${className}` : "kbd"}>{keys(of)}</kbd>;
}
