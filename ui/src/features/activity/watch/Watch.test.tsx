import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import type { Watching } from "../../../ipc/contract";
import { useNavigation } from "../../../lib/state/navigation";
import { useWatches } from "../../../lib/state/watches";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { useReads } from "../reads";
import { Watch } from "./Watch";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const watching: Watching = {
  watch: {
    target,
    on: true,
    when: "always",
    every_seconds: 7,
    rules: [{ kind: "runs", over: 90, cancel: true }],
  },
  state: "failing",
  last_look: null,
  next_look: Date.UTC(2026, 0, 1, 12, 0, 30),
  failure: failure("connection_lost", { database: "sales", reason: "reset by peer" }),
};
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend().answer("watch_list", () => []);
  useWatches.setState({ list: null });
  useReads.setState({ targets: [target], reads: {} });
  useNavigation.setState({ query: null });
});

async function opened() {
  const user = userEvent.setup();
  render(<Watch />);
  await user.click(await screen.findByTestId("watch-open"));
  return { user, dialog: within(screen.getByTestId("watch-dialog")) };
}

describe("the rules that watch", () => {
  it("are offered with sensible limits and kept as one says", async () => {
    memory.answer("watch_set", (watch) => [{ ...watching, watch, state: "resting", next_look: null, failure: null }]);
    const { user, dialog } = await opened();
    await user.click(dialog.getByTestId("watch-returns"));
    await user.click(dialog.getByTestId("watch-cancel-runs"));
    await user.click(dialog.getByTestId("watch-save"));
    expect(memory.requests("watch_set")).toEqual([
      {
        target,
        on: true,
        when: "while_ours_run",
        every_seconds: 15,
        rules: [
          { kind: "runs", over: 600, cancel: true },
          { kind: "waits", over: 60, cancel: false },
        ],
      },
    ]);
    expect(screen.queryByTestId("watch-dialog")).toBeNull();
    expect(screen.getByTestId("watch-open").dataset.state).toBe("resting");
  });

  it("say how they go, and come back as they were set", async () => {
    memory.answer("watch_list", () => [watching]);
    const { dialog } = await opened();
    expect(dialog.getByTestId<HTMLInputElement>("watch-over-runs").value).toBe("1.5");
    expect(dialog.getByTestId<HTMLInputElement>("watch-always").checked).toBe(true);
    expect(dialog.getByTestId<HTMLSelectElement>("watch-every").value).toBe("7");
    const state = dialog.getByTestId("watch-state");
    expect(state.textContent).toContain("On, but the server could not be asked. Next try at");
    expect(within(state).getByTestId("error-panel").dataset.code).toBe("connection_lost");
  });

  it("are not kept with a limit that is none", async () => {
    const { user, dialog } = await opened();
    await user.clear(dialog.getByTestId("watch-over-waits"));
    expect(dialog.getByTestId("watch-over-waits").getAttribute("aria-invalid")).toBe("true");
    expect(dialog.getByTestId<HTMLButtonElement>("watch-save").disabled).toBe(true);
    await user.click(dialog.getByTestId("watch-waits"));
    expect(dialog.getByTestId<HTMLButtonElement>("watch-save").disabled).toBe(false);
  });

  it("are set for one database at a time", async () => {
    useReads.setState({ targets: [target, { ...target, database: "events" }] });
    memory.answer("watch_list", () => [watching]).answer("watch_set", () => [watching]);
    const { user, dialog } = await opened();
    await user.selectOptions(dialog.getByTestId("watch-database"), "events");
    expect(screen.queryByTestId("watch-state")).toBeNull();
    await user.click(screen.getByTestId("watch-save"));
    expect(memory.requests("watch_set")[0]).toMatchObject({ target: { database: "events" }, every_seconds: 15 });
  });

  it("lead from a notification to its query, through the login that found it", async () => {
    memory.answer("activity_list", () => {
      throw failure("connection_lost", { database: "sales", reason: "reset by peer" });
    });
    useReads.setState({ targets: [], reads: {} });
    useWatches.setState({ list: [watching] });
    useNavigation.setState({ database: "sales", query: "7" });
    render(<Watch />);
    await screen.findByTestId("watch-open");
    expect(memory.requests("activity_list")[0]?.target).toEqual(target);
  });

  it("are not written over while nobody knows them", async () => {
    memory.answer("watch_list", () => {
      throw failure("storage", { path: "watches.json" });
    });
    const { dialog } = await opened();
    expect((await dialog.findByTestId("error-panel")).dataset.code).toBe("storage");
    expect(dialog.getByTestId<HTMLButtonElement>("watch-save").disabled).toBe(true);
  });
});
