// The result grid: a window of pooled DOM rows over a result of any length. It lives outside React, redraws at most once
// per frame, and holds nothing but what is seen.
import type { Column } from "../../../ipc/contract";
import { canvasMeasure, columnsAt, columnWidths, fittedWidth } from "./columns";
import { dragSelection } from "./drag";
import { attribute, element } from "./elements";
import {
  atEnd,
  centred,
  clampOffset,
  type Geometry,
  geometry,
  offsetOf,
  ROW,
  reveal,
  rowOf,
  rowsAt,
  scrollTopOf,
} from "./geometry";
import { type ColumnMark, HeadLayer } from "./head";
import { type HeadDo, inHead, inRows, keyName, type RowsDo } from "./keys";
import {
  arranged,
  edgesOf,
  frozenIn,
  type Layout,
  movedColumn,
  resized,
  withAllColumns,
  withColumn,
  withoutColumn,
} from "./layout";
import { RowLayer } from "./rows";
import { columnAtX, type GridTexts, type Scene } from "./scene";
import { bounds, type Cell, moved, type Selection } from "./selection";
import type { Row, RowWindows } from "./windows";

export interface GridHooks {
  selected: (selection: Selection | null) => void;
  seen: (first: number, last: number, following: boolean) => void;
  arranged: (layout: Layout) => void;
  open: (cell: Cell) => void;
  copy: (head: boolean) => void;
  copyName: (source: number) => void;
  columnMenu: (at: number, x: number, y: number) => void;
  cellMenu: (x: number, y: number) => void;
  sort: (source: number, also: boolean) => void;
  goTo: () => void;
  find: () => void;
  findNext: (back: boolean) => void;
  /** For a screen reader: what a key did to a column. */
  did: (what: "moved" | "resized" | "hidden", source: number, at: number) => void;
}

/** What a grid looks like now, to come back to. */
export interface GridPlace {
  layout: Layout;
  /** Widths were set from rows, or by hand. */
  sized: boolean;
  offset: number;
  left: number;
  selection: Selection | null;
}

const grouped = new Intl.NumberFormat("en-US");
let grids = 0;

export class GridView {
  private readonly prefix = `grid${++grids}`;
  private readonly head: HeadLayer;
  private readonly layer: RowLayer;
  private readonly scroller = element("div", "dgrid__scroll");
  private readonly content = element("div", "dgrid__content");
  private readonly resizes: ResizeObserver | null;

  private rows = 0;
  private growing = false;
  private layout: Layout;
  private edge: number[] = [0];
  private sized = false;
  private numberWidth = 44;
  private space: Geometry = geometry(0, 0);
  private offset = 0;
  private left = 0;
  private width = 0;
  /** scrollTop as we set it; an event that reports it is an echo, not the person. */
  private expected = 0;
  private selection: Selection | null = null;
  private headAt: number | null = null;
  private newRow = true;
  private endDrag: (() => void) | null = null;
  private frame = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly columns: Column[],
    private readonly source: RowWindows,
    texts: GridTexts,
    private readonly hooks: GridHooks,
    place: GridPlace | null = null,
  ) {
    root.setAttribute("role", "grid");
    root.setAttribute("aria-label", texts.label);
    root.setAttribute("aria-multiselectable", "true");
    root.setAttribute("aria-readonly", "true");
    root.tabIndex = 0;
    this.layer = new RowLayer(this.prefix, source, texts);
    this.head = new HeadLayer(this.prefix, texts, {
      resize: (column, width) => this.arrange(resized(this.layout, column, width), true),
      fit: (column) => this.fit(column),
      move: (from, to) => this.arrange(movedColumn(this.layout, from, to)),
      pick: (at, extend) => this.pickColumn(at, extend),
      pickAll: () => this.selectAll(),
      menu: (at) => this.openColumnMenu(at),
    });
    // The grid is one Tab stop; what scrolls inside it must not be another.
    this.scroller.tabIndex = -1;
    this.scroller.setAttribute("role", "rowgroup");
    this.content.setAttribute("role", "presentation");
    this.content.append(this.layer.element);
    this.scroller.append(this.content);
    root.append(this.head.element, this.scroller);
    this.layout = place?.layout ?? arranged(columnWidths(columns, [], canvasMeasure(root)));
    this.edge = edgesOf(this.layout);
    if (place) {
      this.sized = place.sized;
      this.offset = place.offset;
      this.left = place.left;
      this.selection = place.selection;
    }
    // What was chosen is told before anything is drawn, so that nothing speaks of the grid before.
    hooks.arranged(this.layout);
    hooks.selected(this.selection);

    this.scroller.addEventListener("scroll", this.onScroll);
    this.scroller.addEventListener("wheel", this.onWheel, { passive: false });
    this.scroller.addEventListener("pointerdown", this.onPointerDown);
    this.scroller.addEventListener("dblclick", this.onDoubleClick);
    root.addEventListener("contextmenu", this.onContextMenu);
    root.addEventListener("keydown", this.onKey);
    this.resizes = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.measure());
    this.resizes?.observe(this.scroller);
    this.measure();
  }

  /**
   * More rows are there, or the same ones are complete. The place one looks at does not move, unless one looks at the
   * end of a result that grows: then the end is followed.
   */
  setRows(rows: number, growing: boolean): void {
    const follow = this.following && growing;
    this.rows = rows;
    this.growing = growing;
    this.root.setAttribute("aria-rowcount", String(rows + 1));
    // Sized for the last number, so that it does not widen on the way down.
    const digits = Math.max(2, grouped.format(Math.max(rows, 1)).length);
    this.numberWidth = Math.max(44, Math.ceil(digits * 7.4) + 20);
    if (this.selection && rows > 0) this.selection = within(this.selection, rows, this.layout.order.length);
    this.measure();
    if (follow) this.moveTo(this.space.maxOffset);
  }

  setMarks(marks: ReadonlyMap<number, ColumnMark>): void {
    this.head.marks = marks;
    this.refresh();
  }

  /** Marks the cells that are searched for, among those that are seen. */
  setHit(hit: ((text: string) => boolean) | null): void {
    this.layer.hit = hit;
    this.refresh();
  }

  /** Rows arrived, or a theme changed: draw what is seen again. */
  refresh = (): void => {
    if (this.frame === 0) this.frame = requestAnimationFrame(this.draw);
  };

  focus(): void {
    this.root.focus({ preventScroll: true });
    if (!this.selection && this.rows > 0) this.select({ row: 0, column: 0 });
  }

  /** Puts a row in the middle of the view and the keys on it. */
  goTo(row: number, source?: number): void {
    if (this.rows === 0) return;
    const target = Math.min(Math.max(0, row), this.rows - 1);
    const { first, last } = rowsAt(this.offset, this.space);
    if (target <= first || target >= last) this.moveTo(centred(target, this.space));
    // What is pointed at must be seen, even where its column was hidden.
    if (source !== undefined) this.arrange(withColumn(this.layout, source));
    const shown = source === undefined ? -1 : this.layout.order.indexOf(source);
    this.select({ row: target, column: shown >= 0 ? shown : (this.selection?.focus.column ?? 0) });
  }

  selectAll(): void {
    if (this.rows === 0) return;
    this.setSelection({
      anchor: { row: 0, column: 0 },
      focus: { row: this.rows - 1, column: this.layout.order.length - 1 },
    });
  }

  /** Another order, other columns shown, another width. What was selected is kept where it still exists. */
  arrange(layout: Layout, byHand = false): void {
    if (layout === this.layout) return;
    if (byHand) this.sized = true;
    const order = layout.order;
    if (order !== this.layout.order && this.selection) {
      const focus = this.layout.order[this.selection.focus.column] ?? -1;
      const at = Math.max(0, order.indexOf(focus));
      const cell = { row: this.selection.focus.row, column: at };
      this.selection = { anchor: cell, focus: cell };
      this.hooks.selected(this.selection);
    }
    if (this.headAt !== null) this.headAt = Math.min(this.headAt, order.length - 1);
    this.layout = layout;
    this.edge = edgesOf(layout);
    this.hooks.arranged(layout);
    this.measure();
  }

  showAllColumns(): void {
    this.arrange(withAllColumns(this.layout));
  }

  /** As wide as the rows that are here need it. */
  fit(source: number): void {
    const column = this.columns[source];
    if (!column) return;
    const { first, last } = rowsAt(this.offset, this.space);
    const width = fittedWidth(column, source, this.here(first, last), canvasMeasure(this.root));
    this.arrange(resized(this.layout, source, width), true);
  }

  place(): GridPlace {
    const { layout, sized, offset, left, selection } = this;
    return { layout, sized, offset, left, selection };
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.endDrag?.();
    this.head.destroy();
    this.resizes?.disconnect();
    this.root.removeEventListener("keydown", this.onKey);
    this.root.removeEventListener("contextmenu", this.onContextMenu);
    this.root.replaceChildren();
  }

  // Space

  private get following(): boolean {
    return this.growing && atEnd(this.offset, this.space);
  }

  private measure(): void {
    this.width = this.scroller.clientWidth;
    this.space = geometry(this.rows, this.scroller.clientHeight);
    this.offset = clampOffset(this.offset, this.space);
    this.root.setAttribute("aria-colcount", String(this.layout.order.length + 1));
    const total = this.numberWidth + (this.edge[this.edge.length - 1] ?? 0);
    this.content.style.width = `${total}px`;
    this.content.style.height = `${this.space.scrollHeight}px`;
    this.layer.element.style.width = `${this.width}px`;
    this.layer.element.style.height = `${Math.min(this.space.viewport, this.space.scrollHeight)}px`;
    this.follow();
    if (Math.abs(this.scroller.scrollLeft - this.left) >= 1) this.scrollTo(this.left);
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

  private scrollTo(left: number): void {
    this.scroller.scrollLeft = left;
    // Where there are fewer pixels than asked for, it stops earlier.
    this.left = this.scroller.scrollLeft;
    this.refresh();
  }

  private frozen(): number {
    return frozenIn(this.layout, this.edge, this.width - this.numberWidth);
  }

  // Drawing

  private scene(): Scene {
    const frozen = this.frozen();
    const seen = this.width - this.numberWidth;
    const { first, last } = rowsAt(this.offset, this.space);
    const scrolled = columnsAt(this.left + (this.edge[frozen] ?? 0), this.left + seen, this.edge, frozen);
    const places = Array.from({ length: frozen }, (_, at) => at);
    for (let at = scrolled.first; at <= scrolled.last; at++) places.push(at);
    return {
      columns: this.columns,
      layout: this.layout,
      edge: this.edge,
      frozen,
      places,
      numberWidth: this.numberWidth,
      offset: this.offset,
      left: this.left,
      // One more than fit: a row that is leaving and one that is coming are both seen by a pixel.
      capacity: Math.min(this.rows, Math.ceil(this.space.viewport / ROW) + 1),
      first,
      last,
      selected: this.selection && bounds(this.selection),
      at: this.selection?.focus ?? null,
      newRow: this.newRow,
      headAt: this.headAt,
    };
  }

  private readonly draw = (): void => {
    this.frame = 0;
    const { first, last } = rowsAt(this.offset, this.space);
    if (last >= first) this.source.want(first, last, this.rows);
    this.sizeOnce(first, last);
    const scene = this.scene();
    this.head.draw(scene);
    this.layer.draw(scene);
    attribute(this.root, "aria-activedescendant", this.activeId(scene));
    this.hooks.seen(first, last, this.following);
  };

  private activeId({ places, first, last, at, headAt }: Scene): string | null {
    if (headAt !== null) return places.includes(headAt) ? this.head.idOf(headAt) : null;
    const seen = at && at.row >= first && at.row <= last && places.includes(at.column);
    return seen ? this.layer.idOf(at.row, at.column) : null;
  }

  /** Columns are sized from the first rows that arrive, then left alone. */
  private sizeOnce(first: number, last: number): void {
    if (this.sized) return;
    const rows = this.here(first, last);
    if (rows.length === 0) return;
    this.sized = true;
    const widths = columnWidths(this.columns, rows, canvasMeasure(this.root));
    this.layout = { ...this.layout, widths };
    this.edge = edgesOf(this.layout);
    this.hooks.arranged(this.layout);
    this.measure();
  }

  private here(first: number, last: number): Row[] {
    const rows: Row[] = [];
    for (let row = first; row <= last; row++) {
      const cells = this.source.row(row);
      if (cells) rows.push(cells);
    }
    return rows;
  }

  // The pointer

  private readonly onScroll = (): void => {
    this.heed();
    this.refresh();
  };

  /** Takes over where the bars are, which may have been dragged since the last event told of it. */
  private heed(): void {
    this.left = this.scroller.scrollLeft;
    const top = this.scroller.scrollTop;
    if (Math.abs(top - this.expected) < 1) return;
    this.expected = top;
    this.offset = offsetOf(top, this.space);
  }

  /** In compressed space a notch of the wheel would jump over thousands of rows, so it is counted in rows here. */
  private readonly onWheel = (event: WheelEvent): void => {
    if (this.space.scale === 1 || event.ctrlKey || event.shiftKey || event.deltaY === 0) return;
    event.preventDefault();
    // A drag of the bar tells of itself with the next frame; without it the rows would go back to where they were.
    this.heed();
    const unit = event.deltaMode === 1 ? ROW : event.deltaMode === 2 ? this.space.viewport : 1;
    if (event.deltaX !== 0) this.scrollTo(this.scroller.scrollLeft + event.deltaX * unit);
    this.moveTo(this.offset + event.deltaY * unit);
  };

  /** The cell at a point of the rows; the nearest one when the point is outside. Column -1 is the row's number. */
  private cellAt(x: number, y: number): Cell {
    const inside = Math.min(Math.max(0, y), Math.max(0, this.space.viewport - 1));
    const row = rowOf(inside, this.offset, this.space);
    return { row, column: x < this.numberWidth && x >= 0 ? -1 : columnAtX(this.scene(), Math.min(x, this.width - 1)) };
  }

  private pointIn(event: MouseEvent): { x: number; y: number } {
    const box = this.scroller.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** Whether the point is on a row and not on a scrollbar or on the empty space below the last row. */
  private onRows({ x, y }: { x: number; y: number }): boolean {
    return x < this.width && y < this.space.viewport && this.offset + y < this.rows * ROW;
  }

  private readonly onPointerDown = (event: PointerEvent): void => {
    const point = this.pointIn(event);
    if (event.button !== 0 || !this.onRows(point)) return;
    event.preventDefault();
    this.headAt = null;
    this.root.focus({ preventScroll: true });
    const start = this.cellAt(point.x, point.y);
    const lastColumn = this.layout.order.length - 1;
    if (start.column < 0) {
      const from = event.shiftKey && this.selection ? this.selection.anchor.row : start.row;
      const rowsTo = (row: number) =>
        this.setSelection({ anchor: { row: from, column: 0 }, focus: { row, column: lastColumn } });
      rowsTo(start.row);
      this.drag((_, y) => rowsTo(this.cellAt(0, y).row));
    } else {
      this.select(start, event.shiftKey);
      this.drag((x, y) => {
        const { row, column } = this.cellAt(x, y);
        this.setSelection({
          anchor: this.selection?.anchor ?? start,
          focus: { row, column: Math.max(0, column) },
        });
      });
    }
  };

  private drag(to: (x: number, y: number) => void): void {
    this.endDrag?.();
    this.endDrag = dragSelection(this.scroller, this.numberWidth + (this.edge[this.frozen()] ?? 0), {
      to,
      scroll: (dx, dy) => {
        if (dx !== 0) this.scrollTo(this.left + dx);
        if (dy !== 0) this.moveTo(this.offset + dy);
      },
    });
  }

  private readonly onDoubleClick = (event: MouseEvent): void => {
    const point = this.pointIn(event);
    if (!this.onRows(point)) return;
    const cell = this.cellAt(point.x, point.y);
    if (cell.column >= 0) this.hooks.open(cell);
  };

  /** The menu key asks for a menu too, and has been answered by then; what would come up else is the window's own. */
  private readonly onContextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    const point = this.pointIn(event);
    if (!(event.target instanceof Node && this.scroller.contains(event.target)) || !this.onRows(point)) return;
    const cell = this.cellAt(point.x, point.y);
    const box = this.selection && bounds(this.selection);
    const inside =
      box && cell.row >= box.top && cell.row <= box.bottom && cell.column >= box.left && cell.column <= box.right;
    this.root.focus({ preventScroll: true });
    if (!inside) this.select({ row: cell.row, column: Math.max(0, cell.column) });
    this.hooks.cellMenu(event.clientX, event.clientY);
  };

  private pickColumn(at: number, extend: boolean): void {
    if (this.rows === 0) return;
    this.root.focus({ preventScroll: true });
    this.headAt = null;
    const from = extend && this.selection ? this.selection.anchor.column : at;
    this.setSelection({ anchor: { row: 0, column: from }, focus: { row: this.rows - 1, column: at } });
  }

  private openColumnMenu(at: number): void {
    this.root.focus({ preventScroll: true });
    this.headAt = at;
    this.refresh();
    const box = (this.head.cellOf(at) ?? this.root).getBoundingClientRect();
    this.hooks.columnMenu(at, box.left, box.bottom);
  }

  // Keys

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const done = this.headAt !== null ? this.keyInHead(event, this.headAt) : this.keyInRows(event);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  };

  private keyInRows(event: KeyboardEvent): boolean {
    const mod = event.ctrlKey || event.metaKey;
    const at = this.selection?.focus ?? { row: 0, column: 0 };
    if (!event.altKey && this.rows > 0) {
      if (event.key === "ArrowUp" && at.row === 0 && !event.shiftKey && this.selection) {
        return this.toHead(at.column);
      }
      const page = Math.max(1, Math.floor(this.space.viewport / ROW) - 1);
      const extent = { rows: this.rows, columns: this.layout.order.length, page };
      const to = moved(at, keyName(event.key), mod, extent);
      if (to) {
        this.select(this.selection ? to : at, event.shiftKey);
        return true;
      }
    }
    const what = inRows(event);
    if (!what) return false;
    this.doInRows(what, at);
    return true;
  }

  private doInRows(what: RowsDo, at: Cell): void {
    const lastColumn = this.layout.order.length - 1;
    switch (what.do) {
      case "copy":
        this.hooks.copy(what.head);
        break;
      case "all":
        this.selectAll();
        break;
      case "row":
        this.setSelection({ anchor: { row: at.row, column: 0 }, focus: { row: at.row, column: lastColumn } });
        break;
      case "column":
        this.pickColumn(at.column, false);
        break;
      case "open":
        if (this.rows > 0) this.hooks.open(at);
        break;
      case "menu":
        this.openCellMenu(at);
        break;
      case "goTo":
        this.hooks.goTo();
        break;
      case "find":
        this.hooks.find();
        break;
      case "findNext":
        this.hooks.findNext(what.back);
        break;
      case "collapse":
        if (this.selection) this.setSelection({ anchor: at, focus: at });
        break;
    }
  }

  private openCellMenu(at: Cell): void {
    if (this.rows === 0) return;
    if (!this.selection) this.select(at);
    const id = this.layer.idOf(at.row, at.column);
    const cell = this.layer.element.querySelector(`#${id}`) ?? this.root;
    const box = cell.getBoundingClientRect();
    this.hooks.cellMenu(box.left + 8, box.bottom);
  }

  private toHead(at: number): true {
    this.headAt = at;
    this.revealColumn(at);
    this.refresh();
    return true;
  }

  private keyInHead(event: KeyboardEvent, at: number): boolean {
    const what = inHead(event);
    if (!what) return false;
    if (isHead(what)) this.doInHead(what, at);
    else this.doInRows(what, { row: this.selection?.focus.row ?? 0, column: at });
    return true;
  }

  private doInHead(what: HeadDo, at: number): void {
    const source = this.layout.order[at] ?? 0;
    switch (what.do) {
      case "go":
        this.goInHead(what.to, at);
        break;
      case "menu":
        this.openColumnMenu(at);
        break;
      case "sort":
        this.hooks.sort(source, what.also);
        break;
      case "resize":
        this.arrange(resized(this.layout, source, (this.layout.widths[source] ?? 0) + what.by), true);
        this.hooks.did("resized", source, at);
        break;
      case "move": {
        this.arrange(movedColumn(this.layout, at, at + what.by));
        const now = this.layout.order.indexOf(source);
        this.toHead(now);
        this.hooks.did("moved", source, now);
        break;
      }
      case "hide":
        if (this.layout.order.length <= 1) break;
        this.arrange(withoutColumn(this.layout, at));
        this.toHead(Math.min(at, this.layout.order.length - 1));
        this.hooks.did("hidden", source, at);
        break;
      case "copyName":
        this.hooks.copyName(source);
        break;
    }
  }

  private goInHead(to: "left" | "right" | "first" | "last" | "rows", at: number): void {
    const last = this.layout.order.length - 1;
    if (to !== "rows") {
      const next = { left: at - 1, right: at + 1, first: 0, last }[to];
      this.toHead(Math.min(Math.max(0, next), last));
      return;
    }
    this.headAt = null;
    if (this.rows > 0) this.select({ row: rowsAt(this.offset, this.space).first, column: at });
    this.refresh();
  }

  // Selection

  private select(cell: Cell, extend = false): void {
    this.newRow = this.selection?.focus.row !== cell.row;
    this.headAt = null;
    this.offset = reveal(cell.row, this.offset, this.space);
    this.follow();
    this.revealColumn(cell.column);
    this.setSelection({ anchor: extend && this.selection ? this.selection.anchor : cell, focus: cell });
  }

  private setSelection(selection: Selection): void {
    this.selection = selection;
    this.hooks.selected(selection);
    this.refresh();
  }

  private revealColumn(at: number): void {
    const frozen = this.frozen();
    if (at < frozen) return;
    const from = this.edge[at] ?? 0;
    const to = this.edge[at + 1] ?? from;
    const seen = this.width - this.numberWidth;
    const fixed = this.edge[frozen] ?? 0;
    if (from - fixed < this.left) this.scrollTo(from - fixed);
    else if (to > this.left + seen) this.scrollTo(Math.min(from - fixed, to - seen));
  }
}

const headOnly = new Set(["go", "sort", "resize", "move", "hide", "copyName"]);

/** The menu of a head is its own; what else the rows know is theirs. */
function isHead(what: HeadDo | RowsDo): what is HeadDo {
  return headOnly.has(what.do) || what.do === "menu";
}

function within({ anchor, focus }: Selection, rows: number, columns: number): Selection {
  const inside = ({ row, column }: Cell) => ({ row: Math.min(row, rows - 1), column: Math.min(column, columns - 1) });
  return { anchor: inside(anchor), focus: inside(focus) };
}
