import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Tab, useConsoles } from "../../../lib/state/consoles";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { closeAsking, FileActions } from "./FileActions";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const file = { name: "report.sql", path: "/home/kim/report.sql" };
let memory: MemoryBackend;

const tab = () => useConsoles.getState().tabs[0] as Tab;

function Shown() {
  const shown = useConsoles((state) => state.tabs[0]);
  return shown ? <FileActions tab={shown} /> : null;
}

beforeEach(async () => {
  memory = provideMemoryBackend()
    .answer("console_open", () => ({
      id: "t1",
      target,
      env: null,
      read_only: false,
      manual: false,
      transaction: null,
      lost: null,
    }))
    .answer("draft_save", () => null)
    .answer("sql_save", () => file);
  useConsoles.setState({ tabs: [], active: null });
  await useConsoles.getState().open(target, "select 1");
});

describe("a tab with a file", () => {
  it("is saved by Ctrl+S, and elsewhere by Ctrl+Shift+S", async () => {
    render(<Shown />);
    fireEvent.keyDown(window, { key: "s", ctrlKey: true });
    await waitFor(() => expect(tab().file).toEqual(file));
    fireEvent.keyDown(window, { key: "S", ctrlKey: true, shiftKey: true });
    await waitFor(() => expect(memory.requests("sql_save").map(({ elsewhere }) => elsewhere)).toEqual([false, true]));
  });

  it("is closed without a question when all of it is saved", async () => {
    render(<Shown />);
    const close = vi.fn();
    closeAsking(tab(), close);
    expect(close).toHaveBeenCalled();
  });

  it("asks before something unsaved is closed, and saves it first when that is wanted", async () => {
    await useConsoles.getState().save("t1", { name: "x" });
    useConsoles.getState().setText("t1", "select 2");
    render(<Shown />);
    const close = vi.fn();
    closeAsking(tab(), close);
    fireEvent.click(await screen.findByTestId("unsaved-save"));
    await waitFor(() => expect(close).toHaveBeenCalled());
    expect(memory.requests("sql_save").at(-1)?.draft.text).toBe("select 2");
  });

  it("stays open when it could not be saved", async () => {
    await useConsoles.getState().save("t1", { name: "x" });
    useConsoles.getState().setText("t1", "select 2");
    memory.answer("sql_save", () => {
      throw failure("storage", { path: file.path, reason: "No space left on device" });
    });
    render(<Shown />);
    const close = vi.fn();
    closeAsking(tab(), close);
    fireEvent.click(await screen.findByTestId("unsaved-save"));
    await waitFor(() => expect(memory.requests("sql_save")).toHaveLength(2));
    await new Promise((done) => setTimeout(done));
    expect(close).not.toHaveBeenCalled();
  });

  it("asks what to do when the file has changed, and replaces it only then", async () => {
    memory.answer("sql_save", ({ replace }) => {
      if (!replace) throw failure("file_changed", { path: file.path, reason: "changed" });
      return file;
    });
    render(<Shown />);
    fireEvent.click(screen.getByTestId("save-file"));
    expect((await screen.findByTestId("file-changed")).textContent).toContain("has changed on disk");
    fireEvent.click(screen.getByTestId("file-replace"));
    await waitFor(() => expect(tab().file).toEqual(file));
    expect(memory.requests("sql_save").map(({ replace }) => replace)).toEqual([false, true]);
  });
});
