import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import type { Export } from "../ipc/contract";
import { useExports } from "../lib/state/exports";
import { failure, type MemoryBackend, provideMemoryBackend } from "../test/memory-backend";
import { Exports } from "./Exports";

const one: Export = {
  id: "export-1",
  file: "rows.csv",
  folder: "/home/a",
  format: "csv",
  target: { database: "sales", db_user: "ro", db_name: "dev" },
  from_server: false,
  state: "writing",
  rows: 2_500_000,
  total: 10_000_000,
  bytes: 99_000_000,
  elapsed_ms: 8200,
  as_text: [],
  failure: null,
};
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend();
  for (const name of ["export_stop", "export_forget", "export_reveal"] as const) memory.answer(name, () => null);
  useExports.setState({ list: [] });
});

const show = (patch: Partial<Export>) => act(() => useExports.getState().take([{ ...one, ...patch }]));

it("shows how far an export is and stops it", async () => {
  render(<Exports />);
  show({});
  expect(screen.getByRole("progressbar").getAttribute("value")).toBe("25");
  expect(screen.getByTestId("export-rows").textContent).toBe("2,500,000 of 10,000,000 rows");
  await userEvent.click(screen.getByTestId("export-stop"));
  expect(memory.requests("export_stop")).toEqual(["export-1"]);
  show({ state: "stopping" });
  expect((screen.getByTestId("export-stop") as HTMLButtonElement).disabled).toBe(true);
});

it("knows no end of rows that come straight from the server", () => {
  render(<Exports />);
  show({ total: null, from_server: true });
  expect(screen.getByRole("progressbar").getAttribute("value")).toBeNull();
  expect(screen.getByTestId("export-rows").textContent).toBe("2,500,000 rows");
});

it("opens the folder of a complete file, says which columns became text, and is closed by hand", async () => {
  render(<Exports />);
  show({ state: "done", rows: 10_000_000, as_text: [{ column: "day", row: 7, value: "infinity" }] });
  expect(screen.getByRole("status").textContent).toBe("Exported 10,000,000 rows to rows.csv");
  expect(screen.getByTestId("export-as-text").textContent).toContain("day is text: infinity in row 7");
  await userEvent.click(screen.getByTestId("export-reveal"));
  await userEvent.click(screen.getByTestId("export-close"));
  expect(memory.requests("export_reveal")).toEqual(["export-1"]);
  expect(memory.requests("export_forget")).toEqual(["export-1"]);
});

it("says what failed, why, and what to do", () => {
  render(<Exports />);
  const params = { row: "7", column: "day", value: "infinity", problem: "in English", reason: "misfit_moment" };
  show({ state: "failed", failure: failure("misfit", params) });
  const text = screen.getByTestId("export-export-1").textContent;
  expect(text).toContain("Column day cannot be exported as it is.");
  expect(text).toContain("Row 7: infinity is no moment that this format can hold.");
});
