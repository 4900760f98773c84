// The heads of the columns: names, how they are sorted and filtered, and what the pointer does with them.
import { attribute, element } from "./elements";
import { columnAtX, type GridTexts, leftOf, type Scene, sourceAt, widthAt } from "./scene";

/** How a column is sorted and whether it is filtered, for its head to say. */
export interface ColumnMark {
  sort: { descending: boolean; rank: number } | null;
  filtered: boolean;
}

export interface HeadHooks {
  resize: (source: number, width: number) => void;
  fit: (source: number) => void;
  move: (from: number, to: number) => void;
  /** A click on a name. */
  pick: (at: number, extend: boolean) => void;
  pickAll: () => void;
  menu: (at: number) => void;
}

interface PooledHead {
  element: HTMLElement;
  name: HTMLElement;
  type: HTMLElement;
  mark: HTMLElement;
  funnel: SVGElement;
  key: string;
}

/** A press that moves less than this is a click. */
const DRAG = 5;
const GRIP = "dgrid__grip";
const MENU = "dgrid__menu";

export class HeadLayer {
  readonly element = element("div", "dgrid__head");
  private readonly cells = element("div", "dgrid__headcells");
  private readonly corner = element("div", "grid__no grid__head dgrid__corner");
  private readonly drop = element("div", "dgrid__drop");
  private readonly pool: PooledHead[] = [];
  private scene: Scene | null = null;
  private endDrag: (() => void) | null = null;
  marks: ReadonlyMap<number, ColumnMark> = new Map();

  constructor(
    private readonly prefix: string,
    private readonly texts: GridTexts,
    private readonly hooks: HeadHooks,
  ) {
    this.element.setAttribute("role", "row");
    this.element.setAttribute("aria-rowindex", "1");
    this.corner.textContent = "#";
    this.corner.title = texts.rowNumber;
    this.corner.setAttribute("role", "columnheader");
    this.corner.setAttribute("aria-colindex", "1");
    this.drop.hidden = true;
    this.cells.setAttribute("role", "presentation");
    this.element.append(this.cells, this.corner, this.drop);
    this.element.addEventListener("pointerdown", this.onDown);
    this.element.addEventListener("dblclick", this.onDoubleClick);
    this.element.addEventListener("contextmenu", this.onContextMenu);
  }

  idOf(at: number): string {
    return `${this.prefix}-head-${at}`;
  }

  /** The element of a head that is drawn, to place a menu beside. */
  cellOf(at: number): HTMLElement | null {
    return this.pool.find(({ element: own }) => !own.hidden && own.id === this.idOf(at))?.element ?? null;
  }

  destroy(): void {
    this.endDrag?.();
  }

  draw(scene: Scene): void {
    this.scene = scene;
    this.corner.style.width = `${scene.numberWidth}px`;
    while (this.pool.length < scene.places.length) this.grow();
    this.pool.forEach((pooled, index) => {
      const at = scene.places[index];
      pooled.element.hidden = at === undefined;
      if (at !== undefined) this.drawHead(pooled, at, scene);
    });
  }

  private grow(): void {
    const own = element("div", "");
    own.setAttribute("role", "columnheader");
    const name = element("span", "dgrid__name clip");
    const type = document.createElement("small");
    const mark = element("span", "dgrid__mark");
    mark.setAttribute("aria-hidden", "true");
    const funnel = funnelIcon();
    const menu = element("i", MENU);
    menu.title = this.texts.menu;
    const grip = element("i", GRIP);
    grip.title = this.texts.resize;
    own.append(name, type, mark, funnel, menu, grip);
    this.cells.append(own);
    this.pool.push({ element: own, name, type, mark, funnel, key: "" });
  }

  private drawHead(pooled: PooledHead, at: number, scene: Scene): void {
    const { element: own } = pooled;
    const source = sourceAt(scene, at);
    const column = scene.columns[source];
    if (!column) return;
    own.style.left = `${leftOf(scene, at)}px`;
    own.style.width = `${widthAt(scene, at)}px`;
    const mark = this.marks.get(source);
    const inside = scene.selected && at >= scene.selected.left && at <= scene.selected.right;
    const key = [
      at,
      source,
      inside,
      scene.headAt === at,
      at < scene.frozen,
      at === scene.frozen - 1,
      markKey(mark),
    ].join();
    if (pooled.key === key) return;
    pooled.key = key;
    let name = "grid__head dgrid__headcell";
    if (column.numeric) name += " right";
    if (inside) name += " is-in";
    if (scene.headAt === at) name += " is-at";
    if (at < scene.frozen) name += at === scene.frozen - 1 ? " is-frozen is-edge" : " is-frozen";
    if (mark) name += " is-marked";
    own.className = name;
    own.id = this.idOf(at);
    own.dataset.at = String(at);
    own.dataset.testid = `head-${source}`;
    own.title = `${column.name} ${column.type_name}`;
    attribute(own, "aria-colindex", String(at + 2));
    attribute(own, "aria-sort", mark?.sort ? (mark.sort.descending ? "descending" : "ascending") : null);
    pooled.name.textContent = column.name;
    pooled.type.textContent = column.type_name;
    pooled.mark.textContent = marked(mark);
    pooled.funnel.toggleAttribute("hidden", !mark?.filtered);
    const said = [column.name, column.type_name];
    if (mark?.sort) said.push(this.texts.sorted(mark.sort.descending));
    if (mark?.filtered) said.push(this.texts.filtered);
    attribute(own, "aria-label", said.join(", "));
  }

  // The pointer

  private atOf(target: EventTarget | null): number | null {
    const own = target instanceof Element ? target.closest<HTMLElement>("[data-at]") : null;
    return own?.dataset.at === undefined ? null : Number(own.dataset.at);
  }

  private readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || !(event.target instanceof HTMLElement)) return;
    event.preventDefault();
    const { classList } = event.target;
    const at = this.atOf(event.target);
    if (event.target === this.corner) this.hooks.pickAll();
    else if (at === null) return;
    else if (classList.contains(GRIP)) this.dragWidth(at, event);
    else if (classList.contains(MENU)) this.hooks.menu(at);
    else this.dragColumn(at, event);
  };

  private readonly onDoubleClick = (event: MouseEvent): void => {
    const at = this.atOf(event.target);
    if (at === null || !this.scene) return;
    if (event.target instanceof HTMLElement && event.target.classList.contains(GRIP)) {
      this.hooks.fit(sourceAt(this.scene, at));
    }
  };

  private readonly onContextMenu = (event: MouseEvent): void => {
    const at = this.atOf(event.target);
    event.preventDefault();
    if (at !== null) this.hooks.menu(at);
  };

  private dragWidth(at: number, start: PointerEvent): void {
    if (!this.scene) return;
    const source = sourceAt(this.scene, at);
    const before = widthAt(this.scene, at);
    this.drag(
      (event) => this.hooks.resize(source, before + event.clientX - start.clientX),
      () => {},
      () => this.hooks.resize(source, before),
    );
  }

  private dragColumn(at: number, start: PointerEvent): void {
    let to: number | null = null;
    this.drag(
      (event) => {
        if (to === null && Math.abs(event.clientX - start.clientX) < DRAG) return;
        to = this.dropAt(at, event.clientX);
      },
      () => {
        if (to === null) this.hooks.pick(at, start.shiftKey);
        else this.hooks.move(at, to);
      },
      () => {},
    );
  }

  /** Where a dragged column would come to lie; the line between two heads says it. */
  private dropAt(from: number, clientX: number): number {
    const { scene } = this;
    if (!scene) return from;
    const x = clientX - this.element.getBoundingClientRect().left;
    const over = columnAtX(scene, x);
    const after = x > leftOf(scene, over) + widthAt(scene, over) / 2;
    const gap = over + (after ? 1 : 0);
    this.drop.hidden = gap === from || gap === from + 1;
    this.drop.style.left = `${leftOf(scene, over) + (after ? widthAt(scene, over) : 0) - 1}px`;
    this.element.classList.add("is-moving");
    return gap > from ? gap - 1 : gap;
  }

  /** Follows the pointer wherever it goes, until it is let go or Esc takes it back. */
  private drag(move: (event: PointerEvent) => void, drop: () => void, undo: () => void): void {
    this.endDrag?.();
    const over = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", cancel);
      window.removeEventListener("keydown", key, true);
      this.drop.hidden = true;
      this.element.classList.remove("is-moving");
      this.endDrag = null;
    };
    const up = () => {
      over();
      drop();
    };
    const cancel = () => {
      over();
      undo();
    };
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      cancel();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", cancel);
    window.addEventListener("keydown", key, true);
    this.endDrag = over;
  }
}

function markKey(mark: ColumnMark | undefined): string {
  return mark ? `${mark.sort?.descending}-${mark.sort?.rank}-${mark.filtered}` : "";
}

/** An arrow, and its rank among several keys. */
function marked(mark: ColumnMark | undefined): string {
  if (!mark?.sort) return "";
  return `${mark.sort.descending ? "↓" : "↑"}${mark.sort.rank > 0 ? mark.sort.rank : ""}`;
}

/** The sign that rows are left out, as the menus draw it. */
function funnelIcon(): SVGElement {
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("class", "icon dgrid__funnel");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "M2 3.5h12M4.5 8h7M6.8 12.5h2.4");
  icon.append(path);
  return icon;
}
