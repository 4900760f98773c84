// A tab of the console that nothing has happened in.
import type { Tab } from "../lib/state/consoles";

export function emptyTab(of: Pick<Tab, "id" | "target"> & Partial<Tab>): Tab {
  return {
    env: null,
    number: 1,
    text: "",
    run: null,
    runText: "",
    startedAt: 0,
    asking: false,
    failure: null,
    file: null,
    saved: null,
    cursor: { from: 0, to: 0 },
    revision: 0,
    read_only: false,
    manual: false,
    transaction: null,
    lost: null,
    names: [],
    values: {},
    missing: [],
    heldBack: 0,
    question: null,
    ...of,
  };
}
