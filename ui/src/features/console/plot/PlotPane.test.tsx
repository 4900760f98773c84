import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { Plot, ResultInfo } from "../../../ipc/contract";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../../test/memory-backend";
import { PlotPane } from "./PlotPane";

let memory: MemoryBackend;
let results = 0;

function result(): ResultInfo {
  results += 1;
  const columns = [
    { name: "day", type_name: "date", numeric: false },
    { name: "amount", type_name: "numeric", numeric: true },
    { name: "city", type_name: "text", numeric: false },
  ];
  return { id: `plotted${results}`, columns, rows: 3, bytes: 90, complete: true };
}

const point = (x: number, mean: number) => ({ x, rows: 1, low: mean, high: mean, mean });
const plot: Plot = {
  rows: 3,
  null: 1,
  unreadable: 0,
  infinite: 0,
  x: "date",
  y: "number",
  shape: { kind: "lines", series: [{ column: 1, points: [point(0, 5), point(86_400_000, 7)] }] },
};

beforeEach(() => {
  memory = provideMemoryBackend()
    .answer("plot_choices", () => ({
      roles: ["time", "number", "text"],
      suggestion: { kind: "line", x: 0, y: [1], across: 800 },
    }))
    .answer("result_plot", () => plot)
    .answer("result_cancel", () => null);
});

describe("a plot", () => {
  it("is drawn as was suggested, and says of how many rows it is and what it leaves out", async () => {
    render(<PlotPane result={result()} />);
    await screen.findByTestId("plot-chart");
    expect(memory.requests("result_plot")[0]?.spec).toMatchObject({ kind: "line", x: 0, y: [1] });
    expect(screen.getByTestId("plot-notes").textContent).toBe("Of all 3 rows. 1 NULL is left out.");
  });

  it("is walked with the arrows, which say what is there", async () => {
    render(<PlotPane result={result()} />);
    const chart = await screen.findByTestId("plot-chart");
    fireEvent.keyDown(chart, { key: "ArrowRight" });
    fireEvent.keyDown(chart, { key: "ArrowRight" });
    expect(screen.getByTestId("plot-tip").textContent).toBe("1970-01-02amount7");
    expect(screen.getByText("1970-01-02, amount 7")).toBeTruthy();
    fireEvent.keyDown(chart, { key: "Escape" });
    expect(screen.queryByTestId("plot-tip")).toBeNull();
  });

  it("has a table that says the same, and copies it", async () => {
    render(<PlotPane result={result()} />);
    await screen.findByTestId("plot-chart");
    fireEvent.click(screen.getByTestId("plot-table-switch"));
    expect(screen.getByTestId("plot-table").textContent).toBe("dayamount1970-01-0151970-01-027");
    fireEvent.click(screen.getByTestId("plot-copy"));
    await waitFor(() => expect(memory.copied).toEqual(["day\tamount\n1970-01-01\t5\n1970-01-02\t7"]));
  });

  it("asks for another kind when one is chosen, and for columns that it needs", async () => {
    render(<PlotPane result={result()} />);
    await screen.findByTestId("plot-chart");
    const choose = (id: string, value: string) => fireEvent.change(screen.getByTestId(id), { target: { value } });
    choose("plot-kind", "bar");
    choose("plot-category", "2");
    choose("plot-measure", "sum");
    await waitFor(() =>
      expect(memory.requests("result_plot").at(-1)?.spec).toMatchObject({
        kind: "bar",
        category: 2,
        value: 1,
        measure: "sum",
      }),
    );
    choose("plot-kind", "scatter");
    await waitFor(() => expect(memory.requests("result_plot").at(-1)?.spec.kind).toBe("scatter"));
  });

  it("says why it could not be made", async () => {
    memory.answer("result_plot", () => {
      throw failure("invalid_value", { field: "column", problem: "in English", reason: "too_wide" });
    });
    render(<PlotPane result={result()} />);
    expect(await screen.findByText(/too far apart/)).toBeTruthy();
  });

  it("says so when there is nothing to draw", async () => {
    memory.answer("plot_choices", () => ({ roles: ["text", "text", "text"], suggestion: null }));
    render(<PlotPane result={result()} />);
    expect(await screen.findByText("Nothing to draw")).toBeTruthy();
  });
});
