// The rows that are seen: as many elements as fit the view, used again for other rows as one scrolls.
import { attribute, element, fill, type PooledCell, place, pooledCell } from "./elements";
import { ROW } from "./geometry";
import { type GridTexts, leftOf, type Scene, sourceAt, widthAt } from "./scene";
import { contains } from "./selection";
import type { RowWindows } from "./windows";

interface PooledRow {
  element: HTMLElement;
  number: PooledCell;
  cells: PooledCell[];
  row: number;
}

const NULL_TEXT = "NULL";
const grouped = new Intl.NumberFormat("en-US");

export class RowLayer {
  readonly element = element("div", "dgrid__layer");
  private readonly pool: PooledRow[] = [];
  /** Whether a cell holds what is searched for. */
  hit: ((text: string) => boolean) | null = null;

  constructor(
    private readonly prefix: string,
    private readonly source: RowWindows,
    private readonly texts: GridTexts,
  ) {
    this.element.setAttribute("role", "presentation");
  }

  idOf(row: number, at: number): string {
    return `${this.prefix}-${row}-${at}`;
  }

  draw(scene: Scene): void {
    const { first, last } = scene;
    this.fit(scene.capacity, scene.places.length);
    for (let row = first; row <= last; row++) {
      const pooled = this.pool[row % this.pool.length];
      if (pooled) this.drawRow(pooled, row, scene);
    }
    for (const pooled of this.pool) pooled.element.hidden = pooled.row < first || pooled.row > last;
  }

  private fit(rows: number, cells: number): void {
    while (this.pool.length < rows) {
      const row = element("div", "dgrid__row");
      row.setAttribute("role", "row");
      const number = pooledCell("rowheader");
      number.element.setAttribute("aria-colindex", "1");
      row.append(number.element);
      this.element.append(row);
      this.pool.push({ element: row, number, cells: [], row: -1 });
    }
    for (const pooled of this.pool) {
      while (pooled.cells.length < cells) {
        const cell = pooledCell("gridcell");
        pooled.cells.push(cell);
        pooled.element.append(cell.element);
      }
      pooled.cells.forEach((cell, index) => {
        cell.element.hidden = index >= cells;
      });
    }
  }

  private drawRow(pooled: PooledRow, row: number, scene: Scene): void {
    pooled.element.style.transform = `translateY(${row * ROW - scene.offset}px)`;
    if (pooled.row !== row) {
      pooled.row = row;
      pooled.element.setAttribute("aria-rowindex", String(row + 2));
    }
    const { selected } = scene;
    const marked = selected && row >= selected.top && row <= selected.bottom;
    fill(pooled.number, grouped.format(row + 1), `grid__no${marked ? " is-in" : ""}`);
    place(pooled.number, 0, scene.numberWidth);
    const cells = this.source.row(row);
    scene.places.forEach((at, index) => {
      const cell = pooled.cells[index];
      if (!cell) return;
      const source = sourceAt(scene, at);
      const text = cells?.[source];
      fill(cell, shown(text), this.classOf(scene, row, at, source, text, cells === undefined));
      attribute(cell.element, "aria-colindex", String(at + 2));
      attribute(cell.element, "id", this.idOf(row, at));
      attribute(cell.element, "data-testid", `cell-${row}-${source}`);
      attribute(cell.element, "aria-selected", String(selected !== null && contains(selected, row, at)));
      attribute(cell.element, "aria-label", this.labelOf(scene, row, at, text));
      place(cell, leftOf(scene, at), widthAt(scene, at));
    });
  }

  private classOf(
    scene: Scene,
    row: number,
    at: number,
    source: number,
    text: string | null | undefined,
    missing: boolean,
  ): string {
    let name = "grid__cell";
    if (scene.columns[source]?.numeric) name += " right";
    if (at < scene.frozen) name += at === scene.frozen - 1 ? " is-frozen is-edge" : " is-frozen";
    if (missing) name += " is-missing";
    else if (text === null) name += " is-null";
    else if (text === "") name += " is-empty";
    if (text && this.hit?.(text)) name += " is-hit";
    if (this.source.cutBytes(row, source) !== undefined) name += " is-cut";
    if (scene.selected && contains(scene.selected, row, at)) name += " is-in";
    if (scene.headAt === null && scene.at?.row === row && scene.at.column === at) name += " is-at";
    return name;
  }

  /** Only where the keys are: value and row, or value and column, whichever changed; never both. */
  private labelOf(scene: Scene, row: number, at: number, text: string | null | undefined): string | null {
    if (scene.at?.row !== row || scene.at.column !== at) return null;
    const value = text === "" ? this.texts.empty : shown(text);
    return scene.newRow ? `${value}, ${this.texts.row(row)}` : `${value}, ${scene.columns[sourceAt(scene, at)]?.name}`;
  }
}

function shown(text: string | null | undefined): string {
  if (text === undefined) return "";
  if (text === null) return NULL_TEXT;
  // The server's empty text is a value; ours says so without looking like one.
  return text === "" ? "''" : text;
}
