// A rectangle of cells: where it began, and the cell the keys move.

export interface Cell {
  row: number;
  column: number;
}

export interface Selection {
  anchor: Cell;
  focus: Cell;
}

export interface Bounds {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export function bounds({ anchor, focus }: Selection): Bounds {
  return {
    top: Math.min(anchor.row, focus.row),
    bottom: Math.max(anchor.row, focus.row),
    left: Math.min(anchor.column, focus.column),
    right: Math.max(anchor.column, focus.column),
  };
}

export function contains({ top, bottom, left, right }: Bounds, row: number, column: number): boolean {
  return row >= top && row <= bottom && column >= left && column <= right;
}

export function cellCount({ top, bottom, left, right }: Bounds): number {
  return (bottom - top + 1) * (right - left + 1);
}

export interface Extent {
  rows: number;
  columns: number;
  /** Rows a page holds. */
  page: number;
}

/** Where a key takes the focus; null when the key does not move. Ctrl goes to the end of the result. */
export function moved(cell: Cell, key: string, ctrl: boolean, { rows, columns, page }: Extent): Cell | null {
  const lastRow = rows - 1;
  const lastColumn = columns - 1;
  const row = (value: number) => ({ ...cell, row: Math.min(Math.max(0, value), lastRow) });
  const column = (value: number) => ({ ...cell, column: Math.min(Math.max(0, value), lastColumn) });
  switch (key) {
    case "ArrowUp":
      return row(ctrl ? 0 : cell.row - 1);
    case "ArrowDown":
      return row(ctrl ? lastRow : cell.row + 1);
    case "ArrowLeft":
      return column(ctrl ? 0 : cell.column - 1);
    case "ArrowRight":
      return column(ctrl ? lastColumn : cell.column + 1);
    case "PageUp":
      return row(cell.row - page);
    case "PageDown":
      return row(cell.row + page);
    case "Home":
      return ctrl ? { row: 0, column: 0 } : column(0);
    case "End":
      return ctrl ? { row: lastRow, column: lastColumn } : column(lastColumn);
    default:
      return null;
  }
}
