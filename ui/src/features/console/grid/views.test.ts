import { beforeEach, describe, expect, it } from "vitest";
import type { View } from "../../../ipc/contract";
import { useToasts } from "../../../lib/state/toasts";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { asTheyCame, sortedBy } from "./view-spec";
import { useViews } from "./views";

/** Answers of `result_view`, given when the test says so. */
interface Asked {
  task: string;
  done: (id: string) => void;
  refuse: (code: "canceled" | "storage") => void;
}

let memory: MemoryBackend;
let asked: Asked[];
const byFirst = sortedBy(asTheyCame, 0, false, false);
const bySecond = sortedBy(asTheyCame, 1, false, false);
const now = () => useViews.getState().of.r1;
const settled = () => new Promise((done) => setTimeout(done));

beforeEach(() => {
  asked = [];
  useViews.setState({ of: {} });
  useToasts.setState({ list: [] });
  memory = provideMemoryBackend()
    .answer("result_cancel", () => null)
    .answer("result_view_close", () => null)
    .answer(
      "result_view",
      ({ result, task }) =>
        new Promise<View>((resolve, reject) =>
          asked.push({
            task,
            done: (id) => resolve({ id, result, rows: 5, of: 10, as_text: 0 }),
            refuse: (code) => reject(failure(code)),
          }),
        ),
    );
});

describe("a sorted result", () => {
  it("shows the rows as they were until the new order is there", async () => {
    void useViews.getState().apply("r1", byFirst);
    expect(now()?.spec).toEqual(asTheyCame);
    memory.send("result_progress", { task: asked[0]?.task ?? "", done: 3, of: 10 });
    expect(now()?.making?.progress).toEqual({ done: 3, of: 10 });
    asked[0]?.done("v1");
    await settled();
    expect(now()).toMatchObject({ spec: byFirst, view: { id: "v1" }, making: null });
  });

  it("forgets an order that another one overtook", async () => {
    void useViews.getState().apply("r1", byFirst);
    void useViews.getState().apply("r1", bySecond);
    expect(memory.requests("result_cancel")).toEqual([asked[0]?.task]);
    asked[1]?.done("v2");
    asked[0]?.done("v1");
    await settled();
    expect(now()).toMatchObject({ spec: bySecond, view: { id: "v2" } });
    expect(memory.requests("result_view_close")).toEqual(["v1"]);
  });

  it("stays as it is when sorting is stopped, and says nothing of it", async () => {
    void useViews.getState().apply("r1", byFirst);
    useViews.getState().stop("r1");
    asked[0]?.refuse("canceled");
    await settled();
    expect(now()).toMatchObject({ spec: asTheyCame, view: null, making: null });
    expect(useToasts.getState().list).toEqual([]);
  });

  it("says why when it fails, and keeps what is shown", async () => {
    void useViews.getState().apply("r1", byFirst);
    asked[0]?.done("v1");
    await settled();
    void useViews.getState().apply("r1", bySecond);
    asked[1]?.refuse("storage");
    await settled();
    expect(now()).toMatchObject({ spec: byFirst, view: { id: "v1" }, making: null });
    expect(useToasts.getState().list).toHaveLength(1);
  });

  it("goes back to the rows as they came at once", async () => {
    void useViews.getState().apply("r1", byFirst);
    asked[0]?.done("v1");
    await settled();
    await useViews.getState().apply("r1", asTheyCame);
    expect(now()?.view).toBeNull();
    expect(memory.requests("result_view_close")).toEqual(["v1"]);
  });
});
