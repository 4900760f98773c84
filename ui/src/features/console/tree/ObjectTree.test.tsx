import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ObjectRow, ObjectsState } from "../../../ipc/contract";
import { useObjects } from "../../../lib/state/objects";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { emptyTab } from "../../../test/tab";
import { ObjectTree } from "./ObjectTree";

const target = { database: "analytics-prod", db_user: "bi-readonly", db_name: "sales" };
const tab = emptyTab({ id: "tab-1", target });

const ready: ObjectsState = {
  target,
  phase: "ready",
  tables: 2,
  columns: 3,
  as_of: 1_795_000_000_000,
  took_ms: 120,
  changed: false,
  missing: [],
  failure: null,
};

const row = (more: Partial<ObjectRow>): ObjectRow => ({
  kind: "table",
  depth: 2,
  name: "",
  sql: more.name ?? "",
  schema: null,
  table: null,
  detail: "",
  remarks: null,
  count: null,
  open: null,
  column: null,
  parent: null,
  place: 1,
  of: 1,
  ...more,
});

const rows = [
  row({ kind: "database", depth: 0, name: "sales", open: true }),
  row({ kind: "schema", depth: 1, name: "public", open: true, parent: 0, count: 2 }),
  row({ name: "orders", sql: "public.orders", schema: "public", open: false, parent: 1, count: 2_100_000_000 }),
  row({ name: "customers", sql: "public.customers", schema: "public", open: false, parent: 1 }),
];

let memory: MemoryBackend;
const actions = { insert: vi.fn(), preview: vi.fn() };

beforeEach(() => {
  memory = provideMemoryBackend();
  vi.clearAllMocks();
  useObjects.getState().clear();
  memory.answer("objects_rows", ({ search }) => {
    const found = search === null ? rows : rows.filter(({ name }) => name.includes(search));
    return { total: found.length, rows: found };
  });
  memory.answer("object_sql", ({ schema, name }) => ({
    name: `${schema}.${name}`,
    select: `SELECT\n    a\nFROM ${schema}.${name}`,
    preview: `SELECT * FROM ${schema}.${name} LIMIT 100`,
  }));
  memory.answer("objects_read", () => ({ ...ready, phase: "reading", as_of: null }));
});

describe("the schema tree", () => {
  it("reads nothing before it is asked to, and says what that costs", async () => {
    render(<ObjectTree tab={tab} actions={actions} />);
    expect(screen.getByText(/wakes a paused workgroup/)).toBeTruthy();
    expect(memory.requests("objects_read")).toEqual([]);
    await userEvent.click(screen.getByTestId("objects-read"));
    expect(memory.requests("objects_read")).toEqual([{ target, again: true }]);
    expect(await screen.findByTestId("objects-stop")).toBeTruthy();
  });

  it("is walked with the arrow keys, and Enter inserts a name", async () => {
    useObjects.getState().take(ready);
    render(<ObjectTree tab={tab} actions={actions} />);
    const tree = await screen.findByRole("tree");
    await screen.findByTestId("object-public.orders");
    tree.focus();
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
    expect(actions.insert).toHaveBeenCalledWith("public.orders");
    await userEvent.keyboard("{ArrowLeft}");
    expect(screen.getByTestId("object-public").getAttribute("aria-selected")).toBe("true");
    await userEvent.keyboard("{ArrowDown}{ArrowRight}");
    expect(useObjects.getState().open).toMatchObject({
      [JSON.stringify(["analytics-prod", "bi-readonly", "sales"])]: { tables: [{ schema: "public", name: "orders" }] },
    });
  });

  it("offers what can be done with a table by its menu", async () => {
    useObjects.getState().take(ready);
    render(<ObjectTree tab={tab} actions={actions} />);
    const orders = await screen.findByTestId("object-public.orders");
    await userEvent.pointer({ keys: "[MouseRight]", target: orders });
    await userEvent.click(screen.getByTestId("object-menu-preview"));
    await waitFor(() => expect(actions.preview).toHaveBeenCalledWith("SELECT * FROM public.orders LIMIT 100"));
    screen.getByRole("tree").focus();
    await userEvent.keyboard("{Shift>}{F10}{/Shift}");
    await userEvent.click(await screen.findByTestId("object-menu-copy"));
    expect(memory.copied).toEqual(["public.orders"]);
  });

  it("searches all of it and says how much it found", async () => {
    useObjects.getState().take(ready);
    render(<ObjectTree tab={tab} actions={actions} />);
    await userEvent.type(screen.getByTestId("object-search"), "cust");
    await waitFor(() => expect(screen.getByTestId("object-hits").textContent).toBe("1 hit"));
    expect(memory.requests("objects_rows").at(-1)).toMatchObject({ search: "cust", first: 0 });
  });

  it("says what went wrong, and that completion goes on with less", async () => {
    useObjects.getState().take({ ...ready, phase: "failed", as_of: null, failure: failure("not_signed_in") });
    render(<ObjectTree tab={tab} actions={actions} />);
    expect(screen.getByTestId("error-panel").dataset.code).toBe("not_signed_in");
    expect(screen.getByText(/completion knows the words/)).toBeTruthy();
  });
});
