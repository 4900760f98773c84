import { describe, expect, it } from "vitest";
import { anyActivity, anyListed, anyQuery } from "../../test/query";
import { listed, merged, queryKey } from "./listed";

const target = { database: "sales", db_user: "ro", db_name: "dev" };
const HOUR = 3_600_000;

describe("a query by our clock", () => {
  it("began where its server says that it runs so long, although that clock is an hour ahead", () => {
    const as_of = 10 * HOUR;
    const server_now = 11 * HOUR;
    const queries = [
      anyQuery({ start_time: server_now - 5000, elapsed_ms: 5000 }),
      anyQuery({ live: false, status: "success", start_time: server_now - 9000, end_time: server_now - 8000 }),
    ];
    const [live, ended] = listed(target, anyActivity({ as_of, server_now, queries }));
    expect(live).toMatchObject({ start: as_of - 5000, end: null });
    expect(ended).toMatchObject({ start: as_of - 9000, end: as_of - 8000 });
  });

  it("is mine by its user, or because it runs through Postern", () => {
    const queries = [
      anyQuery({ user: "IAMR:ro" }),
      anyQuery({ user: "IAMR:etl" }),
      anyQuery({ user: "IAMR:etl", ours: { program: "psql", session: 1, client: null, tab: null, cancel: null } }),
    ];
    const list = listed(target, anyActivity({ me: "IAMR:ro", queries }));
    expect(list.map(({ mine }) => mine)).toEqual([true, false, true]);
    expect(listed(target, anyActivity({ me: "", queries: [anyQuery({ user: "" })] }))[0]?.mine).toBe(false);
  });

  it("has a name of its own where two servers, or two sessions, number alike", () => {
    const keys = [
      queryKey("a", { query_id: "1", session_id: 1 }),
      queryKey("b", { query_id: "1", session_id: 1 }),
      queryKey("a", { query_id: "1", session_id: 2 }),
    ];
    expect(new Set(keys).size).toBe(3);
  });
});

describe("a read of what is new", () => {
  it("takes the place of what it has anew, and of all that lived", () => {
    const before = [anyListed("ended-since", 80, null), anyListed("forgotten", 70, null), anyListed("old", 10, 20)];
    const latest = [anyListed("new", 95, null), anyListed("ended-since", 80, 90)];
    expect(merged(before, latest, 0).map(({ key }) => key)).toEqual(["new", "ended-since", "old"]);
  });

  it("lets go of what ended before the time that is wanted", () => {
    const before = [anyListed("over", 10, 20), anyListed("just", 10, 31)];
    expect(merged(before, [], 30).map(({ key }) => key)).toEqual(["just"]);
  });
});
