// The result grid: a window of pooled DOM rows over a result of any length. It lives outside React, redraws at most once
// per frame, and holds nothing but what is seen.
import type { Column } from "../../../ipc/contract";
import { canvasMeasure, columnsAt, columnWidths, edges } from "./columns";
import { clampOffset, type Geometry, geometry, offsetOf, ROW, reveal, rowsAt, scrollTopOf } from "./geometry";
import { bounds, type Cell, contains, moved, type Selection } from "./selection";
import type { Row, RowWindows } from "./windows";

export interface GridTexts {
  label: string;
  rowNumber: string;
  resize: string;
}

export interface GridHooks {
  selected: (selection: Selection | null) => void;
  seen: (first: number, last: number) => void;
  open: (cell: Cell) => void;
  copy: () => void;
}

interface PooledCell {
  element: HTMLElement;
  text: string;
  className: string;
  column: number;
  left: number;
  width: number;
}

interface PooledRow {
  element: HTMLElement;
  number: PooledCell;
  cells: PooledCell[];
  row: number;
}

const NULL_TEXT = "NULL";
const HEAD_GRIP = 6;
const grouped = new Intl.NumberFormat("en-US");
let grids = 0;

export class GridView {
  private readonly prefix = `grid${++grids}`;
  private readonly head = element("div", "dgrid__head");
  private readonly headCells = element("div", "dgrid__headcells");
  private readonly corner = element("div", "grid__no grid__head dgrid__corner");
  private readonly scroller = element("div", "dgrid__scroll");
  private readonly content = element("div", "dgrid__content");
  private readonly layer = element("div", "dgrid__layer");
  private readonly resized: ResizeObserver | null;

  private rows = 0;
  private widths: number[] = [];
  private edge: number[] = [0];
  private sized = false;
  private numberWidth = 44;
  private space: Geometry = geometry(0, 0);
  private offset = 0;
  private left = 0;
  private width = 0;
  /** scrollTop as we set it; an event that reports it is an echo, not the person. */
  private expected = 0;
  private pool: PooledRow[] = [];
  private selection: Selection | null = null;
  private dragging = false;
  private frame = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly columns: Column[],
    private readonly source: RowWindows,
    private readonly texts: GridTexts,
    private readonly hooks: GridHooks,
  ) {
    root.setAttribute("role", "grid");
    root.setAttribute("aria-label", texts.label);
    root.setAttribute("aria-colcount", String(columns.length + 1));
    root.setAttribute("aria-multiselectable", "true");
    root.tabIndex = 0;
    this.head.setAttribute("role", "row");
    this.head.setAttribute("aria-rowindex", "1");
    // The grid is one Tab stop; what scrolls inside it must not be another.
    this.scroller.tabIndex = -1;
    this.scroller.setAttribute("role", "rowgroup");
    this.content.setAttribute("role", "presentation");
    this.layer.setAttribute("role", "presentation");
    this.corner.textContent = "#";
    this.corner.title = texts.rowNumber;
    this.corner.setAttribute("role", "columnheader");
    this.head.append(this.headCells, this.corner);
    this.content.append(this.layer);
    this.scroller.append(this.content);
    root.append(this.head, this.scroller);
    this.setWidths(columnWidths(columns, [], canvasMeasure(root)));

    this.scroller.addEventListener("scroll", this.onScroll);
    this.scroller.addEventListener("wheel", this.onWheel, { passive: false });
    this.layer.addEventListener("pointerdown", this.onPointerDown);
    this.layer.addEventListener("pointermove", this.onPointerMove);
    this.layer.addEventListener("dblclick", this.onDoubleClick);
    this.head.addEventListener("pointerdown", this.onHeadDown);
    root.addEventListener("keydown", this.onKey);
    window.addEventListener("pointerup", this.onPointerUp);
    this.resized = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.measure());
    this.resized?.observe(this.scroller);
    this.measure();
  }

  /** More rows are there, or the same ones are complete. The place one looks at does not move. */
  setRows(rows: number): void {
    this.rows = rows;
    this.root.setAttribute("aria-rowcount", String(rows + 1));
    // Sized for the last number, so that it does not widen on the way down.
    const digits = Math.max(2, grouped.format(Math.max(rows, 1)).length);
    this.numberWidth = Math.max(44, Math.ceil(digits * 7.4) + 20);
    this.measure();
  }

  /** Rows arrived, or a theme changed: draw what is seen again. */
  refresh = (): void => {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.draw);
  };

  focus(): void {
    this.root.focus({ preventScroll: true });
    if (!this.selection && this.rows > 0) this.select({ row: 0, column: 0 });
  }

  selectAll(): void {
    if (this.rows === 0) return;
    this.selection = {
      anchor: { row: 0, column: 0 },
      focus: { row: this.rows - 1, column: this.columns.length - 1 },
    };
    this.changed();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.resized?.disconnect();
    window.removeEventListener("pointerup", this.onPointerUp);
    this.root.removeEventListener("keydown", this.onKey);
    this.root.replaceChildren();
  }

  // Space

  private measure(): void {
    this.width = this.scroller.clientWidth;
    this.space = geometry(this.rows, this.scroller.clientHeight);
    this.offset = clampOffset(this.offset, this.space);
    const total = this.numberWidth + (this.edge[this.edge.length - 1] ?? 0);
    this.content.style.width = `${total}px`;
    this.content.style.height = `${this.space.scrollHeight}px`;
    this.layer.style.width = `${this.width}px`;
    this.layer.style.height = `${Math.min(this.space.viewport, this.space.scrollHeight)}px`;
    this.follow();
    this.refresh();
  }

  /** Puts the thumb where the offset says. */
  private follow(): void {
    this.expected = scrollTopOf(this.offset, this.space);
    if (Math.abs(this.scroller.scrollTop - this.expected) >= 1) this.scroller.scrollTop = this.expected;
  }

  private moveTo(offset: number): void {
    this.offset = clampOffset(offset, this.space);
    this.follow();
    this.refresh();
  }

  private setWidths(widths: number[]): void {
    this.widths = widths;
    this.edge = edges(widths);
  }

  // Drawing

  private readonly draw = (): void => {
    this.frame = 0;
    const { first, last } = rowsAt(this.offset, this.space);
    if (last >= first) this.source.want(first, last, this.rows);
    this.sizeOnce(first, last);
    const { first: from, last: to } = columnsAt(this.left, this.left + this.width - this.numberWidth, this.edge);
    this.drawHead(from, to);
    const needed = last - first + 1;
    this.fitPool(Math.max(needed, 0), to - from + 1);
    const selected = this.selection && bounds(this.selection);
    for (let row = first; row <= last; row++) {
      const pooled = this.pool[row % this.pool.length];
      if (pooled) this.drawRow(pooled, row, from, to, selected);
    }
    this.pool.forEach((pooled) => {
      pooled.element.hidden = pooled.row < first || pooled.row > last;
    });
    const at = this.selection?.focus;
    const seen = at && at.row >= first && at.row <= last && at.column >= from && at.column <= to;
    if (seen) this.root.setAttribute("aria-activedescendant", `${this.prefix}-${at.row}-${at.column}`);
    else this.root.removeAttribute("aria-activedescendant");
    this.hooks.seen(first, last);
  };

  /** Columns are sized from the first rows that arrive, then left alone. */
  private sizeOnce(first: number, last: number): void {
    if (this.sized) return;
    const rows: Row[] = [];
    for (let row = first; row <= last; row++) {
      const cells = this.source.row(row);
      if (cells) rows.push(cells);
    }
    if (rows.length === 0) return;
    this.sized = true;
    this.setWidths(columnWidths(this.columns, rows, canvasMeasure(this.root)));
    this.measure();
  }

  private drawHead(from: number, to: number): void {
    this.corner.style.width = `${this.numberWidth}px`;
    const inside = this.selection && bounds(this.selection);
    const cells = this.columns.slice(from, to + 1).map((column, index) => {
      const at = from + index;
      const cell = element("div", "grid__head dgrid__headcell");
      if (column.numeric) cell.classList.add("right");
      if (inside && at >= inside.left && at <= inside.right) cell.classList.add("is-in");
      cell.setAttribute("role", "columnheader");
      cell.setAttribute("aria-colindex", String(at + 2));
      cell.dataset.column = String(at);
      cell.title = `${column.name} ${column.type_name}`;
      const type = document.createElement("small");
      type.textContent = column.type_name;
      const grip = element("i", "dgrid__grip");
      grip.dataset.grip = String(at);
      grip.title = this.texts.resize;
      cell.append(column.name, type, grip);
      this.placeAt(cell, this.numberWidth + (this.edge[at] ?? 0) - this.left, this.widths[at] ?? 0);
      return cell;
    });
    this.headCells.replaceChildren(...cells);
  }

  private fitPool(rows: number, cells: number): void {
    // One spare: a row that is leaving and one that is coming are both seen by a pixel.
    const size = rows === 0 ? 0 : Math.max(rows + 1, this.pool.length);
    while (this.pool.length < size) {
      const row = element("div", "dgrid__row");
      row.setAttribute("role", "row");
      const number = pooledCell("rowheader");
      number.element.setAttribute("aria-colindex", "1");
      row.append(number.element);
      this.layer.append(row);
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

  private drawRow(
    pooled: PooledRow,
    row: number,
    from: number,
    to: number,
    selected: ReturnType<typeof bounds> | null,
  ): void {
    pooled.element.style.transform = `translateY(${row * ROW - this.offset}px)`;
    if (pooled.row !== row) {
      pooled.row = row;
      pooled.element.setAttribute("aria-rowindex", String(row + 2));
    }
    const cells = this.source.row(row);
    const marked = selected && row >= selected.top && row <= selected.bottom;
    this.fill(pooled.number, grouped.format(row + 1), `grid__no${marked ? " is-in" : ""}`);
    pooled.number.element.dataset.row = String(row);
    this.place(pooled.number, 0, this.numberWidth);
    for (let column = from; column <= to; column++) {
      const cell = pooled.cells[column - from];
      if (!cell) continue;
      const text = cells?.[column];
      this.fill(cell, shown(text), this.classOf(row, column, text, cells === undefined, selected));
      if (cell.column !== column) {
        cell.column = column;
        cell.element.setAttribute("aria-colindex", String(column + 2));
        cell.element.dataset.column = String(column);
      }
      cell.element.id = `${this.prefix}-${row}-${column}`;
      cell.element.dataset.testid = `cell-${row}-${column}`;
      cell.element.setAttribute("aria-selected", String(!!selected && contains(selected, row, column)));
      this.place(cell, this.numberWidth + (this.edge[column] ?? 0) - this.left, this.widths[column] ?? 0);
    }
  }

  private classOf(
    row: number,
    column: number,
    text: string | null | undefined,
    missing: boolean,
    selected: ReturnType<typeof bounds> | null,
  ): string {
    let name = "grid__cell";
    if (this.columns[column]?.numeric) name += " right";
    if (missing) name += " is-missing";
    else if (text === null) name += " is-null";
    else if (text === "") name += " faint";
    if (this.source.cutBytes(row, column) !== undefined) name += " is-cut";
    if (selected && contains(selected, row, column)) name += " is-in";
    const at = this.selection?.focus;
    if (at?.row === row && at.column === column) name += " is-at";
    return name;
  }

  private fill(cell: PooledCell, text: string, className: string): void {
    if (cell.text !== text) {
      cell.text = text;
      cell.element.textContent = text;
    }
    if (cell.className !== className) {
      cell.className = className;
      cell.element.className = className;
    }
  }

  private place(cell: PooledCell, left: number, width: number): void {
    if (cell.left === left && cell.width === width) return;
    cell.left = left;
    cell.width = width;
    this.placeAt(cell.element, left, width);
  }

  private placeAt(target: HTMLElement, left: number, width: number): void {
    target.style.left = `${left}px`;
    target.style.width = `${width}px`;
  }

  // The person

  private readonly onScroll = (): void => {
    this.left = this.scroller.scrollLeft;
    const top = this.scroller.scrollTop;
    if (Math.abs(top - this.expected) >= 1) {
      this.expected = top;
      this.offset = offsetOf(top, this.space);
    }
    this.refresh();
  };

  /** In compressed space a notch of the wheel would jump over thousands of rows, so it is counted in rows here. */
  private readonly onWheel = (event: WheelEvent): void => {
    if (this.space.scale === 1 || event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? ROW : event.deltaMode === 2 ? this.space.viewport : 1;
    if (event.deltaX !== 0) this.scroller.scrollLeft += event.deltaX;
    this.moveTo(this.offset + event.deltaY * unit);
  };

  private cellAt(event: MouseEvent): Cell | null {
    const target =
      event.target instanceof Element ? event.target.closest<HTMLElement>("[data-column],[data-row]") : null;
    const line = target?.closest<HTMLElement>(".dgrid__row");
    const row = this.pool.find(({ element: own }) => own === line)?.row;
    if (!target || row === undefined) return null;
    return { row, column: target.dataset.column === undefined ? -1 : Number(target.dataset.column) };
  }

  private readonly onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const cell = this.cellAt(event);
    if (!cell) return;
    event.preventDefault();
    this.root.focus({ preventScroll: true });
    if (cell.column < 0) {
      this.selection = {
        anchor: { row: event.shiftKey && this.selection ? this.selection.anchor.row : cell.row, column: 0 },
        focus: { row: cell.row, column: this.columns.length - 1 },
      };
      this.changed();
    } else {
      this.dragging = true;
      this.select(cell, event.shiftKey);
    }
  };

  private readonly onPointerMove = (event: PointerEvent): void => {
    if (!this.dragging) return;
    const cell = this.cellAt(event);
    if (cell && cell.column >= 0) this.select(cell, true);
  };

  private readonly onPointerUp = (): void => {
    this.dragging = false;
  };

  private readonly onDoubleClick = (event: MouseEvent): void => {
    const cell = this.cellAt(event);
    if (cell && cell.column >= 0) this.hooks.open(cell);
  };

  private readonly onHeadDown = (event: PointerEvent): void => {
    const target = event.target instanceof HTMLElement ? event.target : null;
    if (!target || event.button !== 0) return;
    event.preventDefault();
    if (target.dataset.grip !== undefined) this.resize(Number(target.dataset.grip), event);
    else if (target === this.corner) this.selectAll();
    else this.selectColumn(target);
  };

  private selectColumn(target: HTMLElement): void {
    const column = target.closest<HTMLElement>("[data-column]")?.dataset.column;
    if (column === undefined || this.rows === 0) return;
    this.root.focus({ preventScroll: true });
    this.selection = {
      anchor: { row: 0, column: Number(column) },
      focus: { row: this.rows - 1, column: Number(column) },
    };
    this.changed();
  }

  private resize(column: number, start: PointerEvent): void {
    const before = this.widths[column] ?? 0;
    this.sized = true;
    const move = (event: PointerEvent) => {
      const width = Math.max(HEAD_GRIP * 4, before + event.clientX - start.clientX);
      this.setWidths(this.widths.map((old, index) => (index === column ? width : old)));
      this.measure();
    };
    const done = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", done);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", done);
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.isComposing || event.altKey || this.rows === 0) return;
    const mod = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const page = Math.max(1, Math.floor(this.space.viewport / ROW) - 1);
    const extent = { rows: this.rows, columns: this.columns.length, page };
    const at = this.selection?.focus ?? { row: 0, column: 0 };
    const to = moved(at, key, mod, extent);
    if (to) this.select(this.selection ? to : at, event.shiftKey);
    else if (mod && key === "c") this.hooks.copy();
    else if (mod && key === "a") this.selectAll();
    else if (key === "Enter" && !mod) this.hooks.open(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private select(cell: Cell, extend = false): void {
    this.selection = { anchor: extend && this.selection ? this.selection.anchor : cell, focus: cell };
    this.offset = reveal(cell.row, this.offset, this.space);
    this.follow();
    this.revealColumn(cell.column);
    this.changed();
  }

  private revealColumn(column: number): void {
    const from = this.edge[column] ?? 0;
    const to = this.edge[column + 1] ?? from;
    const seen = this.width - this.numberWidth;
    if (from < this.left) this.scroller.scrollLeft = from;
    else if (to > this.left + seen) this.scroller.scrollLeft = Math.min(from, to - seen);
  }

  private changed(): void {
    this.hooks.selected(this.selection);
    this.refresh();
  }
}

function shown(text: string | null | undefined): string {
  if (text === undefined) return "";
  if (text === null) return NULL_TEXT;
  // The server's empty text is a value; ours says so without looking like one.
  return text === "" ? "''" : text;
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

function pooledCell(role: string): PooledCell {
  const made = element("div", "");
  made.setAttribute("role", role);
  return { element: made, text: "", className: "", column: -1, left: Number.NaN, width: Number.NaN };
}
