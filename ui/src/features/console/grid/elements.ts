// Elements of the grid that are used again and again: what they show is set only when it changes.

export interface PooledCell {
  element: HTMLElement;
  text: string;
  className: string;
  left: number;
  width: number;
}

export function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

export function pooledCell(role: string): PooledCell {
  const made = element("div", "");
  made.setAttribute("role", role);
  return { element: made, text: "", className: "", left: Number.NaN, width: Number.NaN };
}

export function fill(cell: PooledCell, text: string, className: string): void {
  if (cell.text !== text) {
    cell.text = text;
    cell.element.textContent = text;
  }
  if (cell.className !== className) {
    cell.className = className;
    cell.element.className = className;
  }
}

export function place(cell: PooledCell, left: number, width: number): void {
  if (cell.left === left && cell.width === width) return;
  cell.left = left;
  cell.width = width;
  cell.element.style.left = `${left}px`;
  cell.element.style.width = `${width}px`;
}

/** Sets an attribute unless it has that value already; null takes it away. */
export function attribute(target: HTMLElement, name: string, value: string | null): void {
  if (target.getAttribute(name) === value) return;
  if (value === null) target.removeAttribute(name);
  else target.setAttribute(name, value);
}
