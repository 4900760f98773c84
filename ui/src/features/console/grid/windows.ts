// The rows that are here. Windows of a fixed size are asked for as they are needed and kept least-recently-used, so that
// memory stays the same however long the result is.
import { asFailure } from "../../../ipc/backend";
import type { Failure, RowWindow } from "../../../ipc/contract";

export type Row = Array<string | null>;

interface Held {
  rows: Row[];
  /** Row of the result of each, where they are another order or fewer. */
  numbers: number[] | null;
  cut: Map<number, number>;
  /** How many rows the result had when this was asked for; more may be had since. */
  askedAt: number;
}

const SIZE = 256;
const KEEP = 64;
/** More at once would make the rows in view wait behind rows that were scrolled past. */
const AT_ONCE = 2;
/** A cell's key within its window; wider than any server's column limit. */
const STRIDE = 4096;

/** Where a row of the result is among the rows of an answer. */
export function indexIn({ first, numbers }: RowWindow, row: number): number {
  return numbers ? numbers.indexOf(row) : row - first;
}

export class RowWindows {
  /** The last failure, until something arrives. */
  failure: Failure | null = null;

  private readonly held = new Map<number, Held>();
  private readonly asking = new Set<number>();
  private wanted: number[] = [];
  private total = 0;
  private over = false;

  constructor(
    private readonly fetch: (first: number, count: number) => Promise<RowWindow>,
    private readonly arrived: () => void,
  ) {}

  row(index: number): Row | undefined {
    return this.held.get(Math.floor(index / SIZE))?.rows[index % SIZE];
  }

  /** Which row of the result this is; itself unless the rows are sorted or filtered. Undefined while it is not here. */
  number(index: number): number | undefined {
    const held = this.held.get(Math.floor(index / SIZE));
    if (!held || held.rows[index % SIZE] === undefined) return undefined;
    return held.numbers ? held.numbers[index % SIZE] : index;
  }

  /** Real size in bytes of a cell that was cut for the grid. */
  cutBytes(index: number, column: number): number | undefined {
    return this.held.get(Math.floor(index / SIZE))?.cut.get((index % SIZE) * STRIDE + column);
  }

  /** These rows are looked at now. What was wanted before and has not been asked for yet is forgotten. */
  want(first: number, last: number, total: number): void {
    this.total = total;
    this.wanted = [];
    for (let window = Math.floor(first / SIZE); window <= Math.floor(last / SIZE); window++) {
      const held = this.held.get(window);
      if (held) {
        // Move to the young end.
        this.held.delete(window);
        this.held.set(window, held);
      }
      if (!this.enough(window)) this.wanted.push(window);
    }
    this.pump();
  }

  /** Asks again for what failed. */
  retry(): void {
    this.failure = null;
    this.arrived();
  }

  close(): void {
    this.over = true;
    this.wanted = [];
    this.held.clear();
  }

  private enough(window: number): boolean {
    const held = this.held.get(window);
    if (!held) return false;
    return held.rows.length >= Math.min(SIZE, this.total - window * SIZE) || held.askedAt >= this.total;
  }

  private pump(): void {
    if (this.failure) return;
    for (const window of this.wanted) {
      if (this.asking.size >= AT_ONCE) return;
      if (!this.asking.has(window) && !this.enough(window)) void this.ask(window);
    }
  }

  private async ask(window: number): Promise<void> {
    this.asking.add(window);
    const askedAt = this.total;
    try {
      const answer = await this.fetch(window * SIZE, SIZE);
      if (this.over) return;
      const cut = new Map(answer.cut.map(({ row, column, bytes }) => [indexIn(answer, row) * STRIDE + column, bytes]));
      this.held.delete(window);
      this.held.set(window, { rows: answer.rows, numbers: answer.numbers ?? null, cut, askedAt });
      this.forgetOldest();
    } catch (reason) {
      this.failure = asFailure(reason);
    } finally {
      this.asking.delete(window);
      if (!this.over) {
        this.arrived();
        this.pump();
      }
    }
  }

  private forgetOldest(): void {
    for (const window of this.held.keys()) {
      if (this.held.size <= KEEP) return;
      this.held.delete(window);
    }
  }
}
