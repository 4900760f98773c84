import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../../../ipc/contract";
import { type GridHooks, GridView } from "./GridView";
import { frozenTo } from "./layout";
import type { GridTexts } from "./scene";
import { RowWindows } from "./windows";

const ROWS = 10_000_000;
const HEIGHT = 240;
const columns: Column[] = ["id", "name", "city", "note"].map((name, at) => ({
  name,
  type_name: at === 0 ? "int8" : "varchar",
  numeric: at === 0,
}));
const texts: GridTexts = {
  label: "Rows",
  rowNumber: "Row number",
  resize: "Resize",
  menu: "Menu",
  empty: "empty text",
  filtered: "filtered",
  row: (row) => `row ${row + 1}`,
  sorted: (descending) => (descending ? "descending" : "ascending"),
};

let root: HTMLElement;
let hooks: { [K in keyof GridHooks]: ReturnType<typeof vi.fn<GridHooks[K]>> };
let view: GridView;

beforeEach(async () => {
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(HEIGHT);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(500);
  root = document.createElement("div");
  document.body.append(root);
  hooks = {
    selected: vi.fn(),
    seen: vi.fn(),
    arranged: vi.fn(),
    open: vi.fn(),
    copy: vi.fn(),
    copyName: vi.fn(),
    columnMenu: vi.fn(),
    cellMenu: vi.fn(),
    sort: vi.fn(),
    goTo: vi.fn(),
    find: vi.fn(),
    findNext: vi.fn(),
    did: vi.fn(),
  };
  const source = new RowWindows(
    async (first, count) => ({
      first,
      rows: Array.from({ length: Math.min(count, ROWS - first) }, (_, at) => [String(first + at), "", null, "서울"]),
      cut: [],
    }),
    () => view.refresh(),
  );
  view = new GridView(root, columns, source, texts, hooks);
  view.setRows(ROWS, false);
  await drawn();
});

afterEach(() => {
  view.destroy();
  root.remove();
  vi.restoreAllMocks();
});

/** Frames, and the answers between them. */
async function drawn() {
  for (let frame = 0; frame < 4; frame++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

const scroller = () => root.querySelector(".dgrid__scroll") as HTMLElement;
const seenRows = () =>
  [...root.querySelectorAll<HTMLElement>(".dgrid__row:not([hidden])")]
    .map((row) => Number(row.getAttribute("aria-rowindex")) - 2)
    .sort((one, other) => one - other);
const active = () => document.getElementById(root.getAttribute("aria-activedescendant") ?? "");
const names = () =>
  [...root.querySelectorAll<HTMLElement>(".dgrid__headcell:not([hidden])")]
    .sort((one, other) => Number(one.dataset.at) - Number(other.dataset.at))
    .map((head) => head.querySelector(".dgrid__name")?.textContent);
async function press(key: string, held: Partial<KeyboardEventInit> = {}) {
  root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...held }));
  await drawn();
}

describe("ten million rows in a window", () => {
  it("move by the wheel from where the scrollbar has just been dragged to, before the page was told of it", async () => {
    scroller().scrollTop = 8_000_000 - HEIGHT;
    // The event of the bar comes with the next frame, the wheel's may come sooner.
    scroller().dispatchEvent(new WheelEvent("wheel", { deltaY: -240, cancelable: true }));
    scroller().dispatchEvent(new Event("scroll"));
    await drawn();
    expect(seenRows()[0]).toBe(ROWS - 20);
  });

  it("move by the wheel's own pixels", async () => {
    scroller().dispatchEvent(new WheelEvent("wheel", { deltaY: 240, cancelable: true }));
    await drawn();
    expect(seenRows()[0]).toBe(10);
    scroller().dispatchEvent(new WheelEvent("wheel", { deltaY: 1e12, cancelable: true }));
    await drawn();
    expect(seenRows().at(-1)).toBe(ROWS - 1);
  });

  it("follow the bar to its very ends", async () => {
    const height = Number.parseFloat((root.querySelector(".dgrid__content") as HTMLElement).style.height);
    expect(height).toBeLessThanOrEqual(8_000_000);
    scroller().scrollTop = height - HEIGHT;
    scroller().dispatchEvent(new Event("scroll"));
    await drawn();
    expect(seenRows().at(-1)).toBe(ROWS - 1);
    scroller().scrollTop = 0;
    scroller().dispatchEvent(new Event("scroll"));
    await drawn();
    expect(seenRows()[0]).toBe(0);
  });

  it("take no more elements however far one goes", async () => {
    view.goTo(5);
    await drawn();
    const before = root.querySelectorAll("*").length;
    for (const row of [5_000_000, ROWS - 1, 17, 9_123_456]) {
      view.goTo(row);
      await drawn();
      expect(seenRows()).toContain(row);
    }
    expect(root.querySelectorAll("*").length).toBe(before);
  });

  it("stay where they are when more come, but follow the end where one looks at it", async () => {
    view.goTo(100);
    await drawn();
    const before = seenRows();
    view.setRows(ROWS + 1000, true);
    await drawn();
    expect(seenRows()).toEqual(before);
    view.goTo(ROWS + 999);
    view.setRows(ROWS + 2000, true);
    await drawn();
    expect(seenRows().at(-1)).toBe(ROWS + 1999);
  });
});

describe("the keys", () => {
  it("say the value with its row when the row changes, and with its column when that changes", async () => {
    await press("ArrowDown");
    await press("ArrowDown");
    expect(active()?.getAttribute("aria-label")).toBe("1, row 2");
    await press("ArrowRight");
    expect(active()?.getAttribute("aria-label")).toBe("empty text, name");
    await press("ArrowRight");
    expect(active()?.getAttribute("aria-label")).toBe("NULL, city");
    expect(root.querySelectorAll("[role=gridcell][aria-label]")).toHaveLength(1);
  });

  it("go up into the heads, move a column there, and come back", async () => {
    await press("ArrowDown");
    await press("ArrowUp");
    expect(active()?.getAttribute("role")).toBe("columnheader");
    await press("ArrowRight", { ctrlKey: true, shiftKey: true });
    expect(names()).toEqual(["name", "id", "city", "note"]);
    expect(hooks.did).toHaveBeenCalledWith("moved", 0, 1);
    await press("Delete");
    expect(names()).toEqual(["name", "city", "note"]);
    await press("ArrowDown");
    expect(active()?.getAttribute("role")).toBe("gridcell");
  });

  it("sort from a head, by one column or also by it", async () => {
    await press("ArrowDown");
    await press("ArrowUp");
    await press(" ");
    await press(" ", { shiftKey: true });
    expect(hooks.sort.mock.calls).toEqual([
      [0, false],
      [0, true],
    ]);
  });

  it("leave what is not theirs to others", async () => {
    const event = new KeyboardEvent("keydown", { key: "F6", bubbles: true, cancelable: true });
    root.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });
});

describe("columns", () => {
  it("that are frozen stay while the rest scrolls under them", async () => {
    view.arrange(frozenTo({ order: [0, 1, 2, 3], widths: [100, 300, 300, 300], frozen: 0 }, 1));
    await drawn();
    scroller().scrollLeft = 250;
    scroller().dispatchEvent(new Event("scroll"));
    await drawn();
    const left = (source: number) =>
      Number.parseFloat(root.querySelector<HTMLElement>(`[data-testid="cell-0-${source}"]`)?.style.left ?? "NaN");
    const number = Number.parseFloat(root.querySelector<HTMLElement>(".dgrid__corner")?.style.width ?? "NaN");
    expect(left(0)).toBe(number);
    expect(left(1)).toBe(number + 100 - 250);
    expect(root.querySelector('[data-testid="cell-0-0"]')?.className).toContain("is-edge");
  });

  it("say how they are sorted", async () => {
    view.setMarks(new Map([[1, { sort: { descending: true, rank: 2 }, filtered: true }]]));
    await drawn();
    const head = root.querySelector('[data-testid="head-1"]');
    expect(head?.getAttribute("aria-sort")).toBe("descending");
    expect(head?.getAttribute("aria-label")).toBe("name, varchar, descending, filtered");
    expect(head?.querySelector(".dgrid__mark")?.textContent).toContain("↓2");
  });

  it("come back when something in them is pointed at", async () => {
    view.arrange({ order: [0, 2, 3], widths: [80, 80, 80, 80], frozen: 0 });
    view.goTo(7, 1);
    await drawn();
    expect(names()).toEqual(["id", "name", "city", "note"]);
    expect(active()?.dataset.testid).toBe("cell-7-1");
  });
});

describe("a drag", () => {
  const at = (type: string, x: number, y: number) =>
    new PointerEvent(type, { clientX: x, clientY: y, button: 0, bubbles: true, cancelable: true });

  it("selects from cell to cell, and scrolls on below the rows", async () => {
    view.arrange({ order: [0, 1, 2, 3], widths: [100, 100, 100, 100], frozen: 0 });
    await drawn();
    const start = scroller();
    start.dispatchEvent(at("pointerdown", 120, 10));
    window.dispatchEvent(at("pointermove", 260, 60));
    expect(hooks.selected).toHaveBeenLastCalledWith({ anchor: { row: 0, column: 0 }, focus: { row: 2, column: 1 } });
    window.dispatchEvent(at("pointermove", 260, 2000));
    await drawn();
    window.dispatchEvent(at("pointerup", 260, 2000));
    const last = hooks.selected.mock.lastCall?.[0];
    expect(last?.focus.row).toBeGreaterThan(12);
    expect(last?.anchor).toEqual({ row: 0, column: 0 });
  });

  it("of a number selects whole rows", () => {
    scroller().dispatchEvent(at("pointerdown", 5, 30));
    window.dispatchEvent(at("pointermove", 5, 80));
    window.dispatchEvent(at("pointerup", 5, 80));
    expect(hooks.selected).toHaveBeenLastCalledWith({ anchor: { row: 1, column: 0 }, focus: { row: 3, column: 3 } });
  });

  it("of a head's edge resizes, and Esc takes it back", async () => {
    view.arrange({ order: [0, 1, 2, 3], widths: [100, 100, 100, 100], frozen: 0 });
    await drawn();
    const grip = root.querySelector('[data-testid="head-1"] .dgrid__grip') as HTMLElement;
    grip.dispatchEvent(at("pointerdown", 200, 5));
    window.dispatchEvent(at("pointermove", 260, 5));
    expect(hooks.arranged.mock.lastCall?.[0].widths[1]).toBe(160);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    expect(hooks.arranged.mock.lastCall?.[0].widths[1]).toBe(100);
    window.dispatchEvent(at("pointerup", 260, 5));
  });
});
