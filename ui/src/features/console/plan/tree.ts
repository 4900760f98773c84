// The steps of a plan as a tree. Pure, so that it is tested as functions.
import type { PlanNode } from "../../../ipc/contract";

type Node = Pick<PlanNode, "depth" | "cost">;

/** How many steps are below one, at whatever depth. */
export function childrenOf(nodes: Node[], index: number): number {
  const depth = nodes[index]?.depth ?? 0;
  let end = index + 1;
  while (end < nodes.length && (nodes[end]?.depth ?? 0) > depth) end += 1;
  return end - index - 1;
}

/** The steps that are seen when those below the closed ones are not. */
export function shownNodes(nodes: Node[], closed: ReadonlySet<number>): number[] {
  const shown: number[] = [];
  for (let index = 0; index < nodes.length; index++) {
    shown.push(index);
    if (closed.has(index)) index += childrenOf(nodes, index);
  }
  return shown;
}

/**
 * How much of the whole cost a step adds to those below it, 0 to 1. Costs are sums: a step's holds what is below. Redshift
 * puts a penalty on some (10^15 on a merge), so the largest cost of all is the whole.
 */
export function ownShare(nodes: Node[], index: number): number | null {
  const node = nodes[index];
  const whole = Math.max(0, ...nodes.map(({ cost }) => cost ?? 0));
  if (!node || node.cost === null || whole === 0) return null;
  let below = 0;
  const end = index + childrenOf(nodes, index);
  for (let at = index + 1; at <= end; at++) {
    if (nodes[at]?.depth === node.depth + 1) below += nodes[at]?.cost ?? 0;
  }
  return Math.min(1, Math.max(0, node.cost - below) / whole);
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });

/** 1,724.56; 1,015T for what nobody reads digit by digit. */
export function amount(value: number): string {
  if (Math.abs(value) >= 1e18) return value.toExponential(2);
  return Math.abs(value) >= 1e9 ? compact.format(value) : grouped.format(value);
}
