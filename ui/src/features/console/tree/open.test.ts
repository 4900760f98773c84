import { describe, expect, it } from "vitest";
import type { ObjectRow } from "../../../ipc/contract";
import { nothingOpen } from "../../../lib/state/objects";
import { short, shortType, toggled } from "./open";

const row = (more: Partial<ObjectRow>): ObjectRow => ({
  kind: "table",
  depth: 2,
  name: "orders",
  sql: "public.orders",
  schema: "public",
  table: null,
  detail: "",
  remarks: null,
  count: null,
  open: false,
  column: null,
  parent: null,
  place: 1,
  of: 1,
  ...more,
});

describe("what is open", () => {
  it("opens and closes each kind of row by itself", () => {
    const opened = toggled(nothingOpen, row({}));
    expect(opened.tables).toEqual([{ schema: "public", name: "orders" }]);
    expect(toggled(opened, row({ open: true }))).toEqual(nothingOpen);
    expect(toggled(nothingOpen, row({ kind: "external_schema", name: "lake" })).schemas).toEqual(["lake"]);
    expect(toggled(nothingOpen, row({ kind: "functions", name: "" })).functions).toEqual(["public"]);
    expect(toggled(nothingOpen, row({ kind: "database", open: true })).database_closed).toBe(true);
  });
});

describe("short forms", () => {
  it("says how many in a few characters", () => {
    expect([0, 34, 999, 1000, 48_120, 2_104_882, 2_100_000_000].map(short)).toEqual([
      "0",
      "34",
      "999",
      "1 K",
      "48.1 K",
      "2.1 M",
      "2.1 B",
    ]);
  });

  it("names types as people do", () => {
    expect(shortType("character varying(256)")).toBe("varchar(256)");
    expect(shortType("timestamp without time zone")).toBe("timestamp");
    expect(shortType("numeric(18,2)")).toBe("numeric(18,2)");
    expect(shortType("super")).toBe("super");
  });
});
