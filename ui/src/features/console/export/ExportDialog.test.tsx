import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import type { Export } from "../../../ipc/contract";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { emptyTab } from "../../../test/tab";
import { ExportButton } from "./ExportButton";
import type { Exportable } from "./ExportDialog";

const result = {
  id: "r1",
  columns: ["id", "name"].map((name) => ({ name, type_name: "varchar", numeric: false })),
  rows: 12,
  bytes: 99,
  complete: true,
};
const one: Exportable = { result, statementText: "select 1", growing: false };
const target = { database: "sales", db_user: "ro", db_name: "dev" };
const tab = emptyTab({ id: "t1", target, runText: "; select 1" });
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend().answer("export_start", () => ({ id: "export-1" }) as Export);
});

async function opened(exported: Exportable = one) {
  render(<ExportButton tab={tab} one={exported} />);
  fireEvent.keyDown(window, { key: "E", ctrlKey: true, shiftKey: true });
  await screen.findByTestId("export-dialog");
  return userEvent.setup();
}

describe("exporting", () => {
  it("opens by its key, asks the shell with what was chosen, and closes when a file was", async () => {
    const user = await opened();
    await user.selectOptions(screen.getByTestId("export-format"), "csv");
    await user.selectOptions(screen.getByTestId("export-delimiter"), ";");
    await user.click(screen.getByTestId("export-bom"));
    await user.click(screen.getByTestId("export-column-0"));
    await user.click(screen.getByTestId("export-from-statement"));
    await user.click(screen.getByTestId("export-start"));
    await waitFor(() => expect(screen.queryByTestId("export-dialog")).toBeNull());
    const [asked] = memory.requests("export_start");
    expect(asked).toMatchObject({
      source: { from: "statement", tab: "t1", sql: "select 1" },
      format: "csv",
      columns: [1],
      csv: { delimiter: ";", bom: true, header: true, quote_all: false, null: "" },
    });
    expect(asked?.name).toMatch(/^sales-\d{4}-\d\d-\d\d$/);
  });

  it("offers only the kept rows of a result whose statement is not kept whole", async () => {
    const user = await opened({ ...one, statementText: null });
    expect(screen.queryByTestId("export-from-statement")).toBeNull();
    await user.click(screen.getByTestId("export-start"));
    await waitFor(() => expect(memory.requests("export_start")[0]?.source).toMatchObject({ from: "result" }));
  });

  it("stays open when no file was chosen, and says why an export cannot begin", async () => {
    const user = await opened();
    memory.answer("export_start", () => null);
    await user.click(screen.getByTestId("export-start"));
    expect(screen.getByTestId("export-dialog")).toBeTruthy();
    memory.answer("export_start", () => {
      throw failure("file_exists", { path: "/home/a/rows.csv" });
    });
    await user.click(screen.getByTestId("export-start"));
    await waitFor(() => expect(screen.getByTestId("export-dialog").textContent).toContain("/home/a/rows.csv"));
  });

  it("says what is missing instead of a button that does nothing", async () => {
    const user = await opened();
    await user.click(screen.getByTestId("export-all"));
    expect((screen.getByTestId("export-start") as HTMLButtonElement).disabled).toBe(true);
    expect(screen.getByRole("status").textContent).toContain("at least one column");
    await user.click(screen.getByTestId("export-all"));
    await user.selectOptions(screen.getByTestId("export-format"), "sql");
    await user.clear(screen.getByTestId("export-table"));
    expect(screen.getByRole("status").textContent).toContain("Name a table");
  });
});
