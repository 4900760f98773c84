import { describe, expect, it } from "vitest";
import { databases } from "../../test/fixture/warehouse";
import { facets, matches, noFilter } from "./filter";

const names = (filter: Partial<typeof noFilter>) =>
  databases.filter((database) => matches(database, { ...noFilter, ...filter })).map(({ name }) => name);

describe("the list of databases", () => {
  it("is found by name, label and user, all words together", () => {
    expect(names({ text: "finance" })).toEqual(["finance-prod", "finance-stage"]);
    expect(names({ text: "team:물류 prod" })).toEqual(["logistics-prod"]);
    expect(names({ text: "QA" })).toEqual(["analytics-stage"]);
  });

  it("is narrowed by environment and by what one may use", () => {
    expect(names({ env: "stage" })).toHaveLength(3);
    expect(names({ onlyMine: true })).not.toContain("marketing-prod");
  });

  it("counts environments in the order people think of them", () => {
    expect(facets(databases)).toEqual([
      { env: "prod", count: 6 },
      { env: "stage", count: 3 },
      { env: "dev", count: 4 },
    ]);
  });
});
