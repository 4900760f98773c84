import { fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import type { PlanNode, ResultInfo } from "../../../ipc/contract";
import { provideMemoryBackend } from "../../../test/memory-backend";
import { isPlan } from "../looks";
import { PlanView } from "./PlanView";

const column = { name: "QUERY PLAN", type_name: "text", numeric: false };
const result: ResultInfo = { id: "plan1", columns: [column], rows: 3, bytes: 90, complete: true };

function node(depth: number, name: string, more: Partial<PlanNode> = {}): PlanNode {
  return {
    depth,
    name,
    cost_first: 0,
    cost: 100,
    rows: 1_000,
    width: 8,
    actual: null,
    details: [],
    warnings: [],
    ...more,
  };
}

beforeEach(() => {
  provideMemoryBackend().answer("result_plan", () => ({
    nodes: [
      node(0, "XN Hash Join DS_BCAST_INNER", {
        warnings: ["broadcast"],
        details: [{ name: "Hash Cond", text: "(a.x = b.x)" }],
      }),
      node(1, "XN Seq Scan on a", { cost: 20 }),
      node(1, "XN Hash", { cost: 60 }),
    ],
    notes: ["Tables missing statistics: a"],
    text: "",
    cut: false,
  }));
});

describe("a plan", () => {
  it("is a tree with its numbers, its remarks and what is worth a look", async () => {
    render(<PlanView result={result} />);
    const first = await screen.findByTestId("plan-step-0");
    expect(first.textContent).toContain("(a.x = b.x)");
    expect(first.textContent).toContain("a copy of the inner table goes to every node");
    expect(screen.getByText("1 thing is worth a look")).toBeTruthy();
    expect(screen.getByText("Tables missing statistics: a")).toBeTruthy();
    expect(screen.getByTestId("plan-step-2").getAttribute("aria-level")).toBe("2");
  });

  it("is walked with the arrows, and closed where one wants", async () => {
    render(<PlanView result={result} />);
    const first = await screen.findByTestId("plan-step-0");
    first.focus();
    fireEvent.keyDown(first, { key: "ArrowDown" });
    expect(document.activeElement).toBe(screen.getByTestId("plan-step-1"));
    fireEvent.keyDown(screen.getByTestId("plan-step-1"), { key: "ArrowLeft" });
    expect(document.activeElement).toBe(screen.getByTestId("plan-step-0"));
    fireEvent.keyDown(screen.getByTestId("plan-step-0"), { key: "ArrowLeft" });
    expect(screen.queryByTestId("plan-step-1")).toBeNull();
    fireEvent.keyDown(screen.getByTestId("plan-step-0"), { key: "ArrowRight" });
    expect(screen.getByTestId("plan-step-1")).toBeTruthy();
  });

  it("is known by the one column that EXPLAIN brings", () => {
    expect(isPlan(result)).toBe(true);
    expect(isPlan({ columns: [column, column] })).toBe(false);
    expect(isPlan({ columns: [{ ...column, name: "plan" }] })).toBe(false);
  });
});
