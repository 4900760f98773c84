import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useConsoles } from "../../lib/state/consoles";
import { type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { anyActivity, anyQuery } from "../../test/query";
import { emptyTab } from "../../test/tab";
import { RefreshBar } from "./RefreshBar";
import { useReads } from "./reads";

let memory: MemoryBackend;
let hidden = false;
let ours = false;

beforeEach(async () => {
  vi.useFakeTimers();
  hidden = false;
  ours = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  memory = provideMemoryBackend();
  memory.answer("activity_list", () => {
    const now = Date.now();
    const query = anyQuery({
      ours: ours ? { program: "psql", session: 1, client: null, tab: null, cancel: null } : null,
    });
    return anyActivity({ as_of: now, server_now: now, queries: [query] });
  });
  useReads.getState().clear();
  await useReads.getState().choose({ database: "sales", db_user: "ro", db_name: "dev" });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const reads = () => memory.requests("activity_list").length;
const state = () => screen.getByTestId("activity-as-of").dataset.state;
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

it("nothing is read again before somebody asks for it", async () => {
  render(<RefreshBar />);
  await pass(120_000);
  expect([state(), reads()]).toEqual(["off", 1]);
  act(() => screen.getByTestId("activity-auto").click());
  await pass(10_000);
  expect(state()).toBe("auto");
  expect(reads()).toBeGreaterThanOrEqual(3);
  act(() => screen.getByTestId("activity-auto").click());
  const before = reads();
  await pass(60_000);
  expect(reads()).toBe(before);
});

it("a query of a tab that came too late for the last answer is found by the next", async () => {
  render(<RefreshBar />);
  expect(state()).toBe("off");
  const tab = emptyTab({ id: "tab", target: { database: "sales", db_user: "ro", db_name: "dev" }, asking: true });
  act(() => useConsoles.setState({ tabs: [tab] }));
  expect(state()).toBe("ours");
  const before = reads();
  await pass(6000);
  expect(reads()).toBeGreaterThan(before);
  act(() => useConsoles.setState({ tabs: [] }));
  expect(state()).toBe("off");
});

it("a window that nobody sees reads nothing, and says so", async () => {
  render(<RefreshBar />);
  act(() => screen.getByTestId("activity-auto").click());
  hidden = true;
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  expect(state()).toBe("hidden");
  const before = reads();
  await pass(120_000);
  expect(reads()).toBe(before);
  hidden = false;
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
  await pass(0);
  expect(reads()).toBe(before + 1);
});

it("something of ours that runs is watched until it has ended", async () => {
  ours = true;
  await useReads.getState().refresh();
  render(<RefreshBar />);
  expect(state()).toBe("ours");
  ours = false;
  await pass(5000);
  expect(state()).toBe("off");
  const before = reads();
  await pass(60_000);
  expect(reads()).toBe(before);
});
