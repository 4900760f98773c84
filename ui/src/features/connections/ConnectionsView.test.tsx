import { act, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import type { Connection } from "../../ipc/contract";
import { useConnections } from "../../lib/state/connections";
import { useDatabases } from "../../lib/state/databases";
import { useNavigation } from "../../lib/state/navigation";
import { connections, databases, recent } from "../../test/fixture/warehouse";
import { failure, type MemoryBackend, provideMemoryBackend } from "../../test/memory-backend";
import { ConnectionsView } from "./ConnectionsView";

const prod = connections[0] as Connection;
const taken = { port: "5443", program: "postgres", pid: "911", free: "5448" };
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend()
    .answer("connections_list", () => connections)
    .answer("connections_recent", () => recent);
  useConnections.setState({ list: connections, recent, loaded: true, failure: null });
  useDatabases.setState({ list: databases });
  useNavigation.setState({ view: "connections", database: null, startingProxy: false });
});

function shown() {
  render(<ConnectionsView />);
  return userEvent.setup();
}

describe("a session", () => {
  it("says which program it is, as whom, what it does, for how long, and what it moved", () => {
    shown();
    const row = within(screen.getByTestId("session-2"));
    const cells = row.getAllByRole("cell").map((cell) => cell.textContent);
    expect(cells.slice(0, 3)).toEqual(["DBeaver 26.1python3, pid 30112", "idle in transaction", "etl-writer on sales"]);
    expect(cells[3]).toMatch(/^\d\d:\d\d$/);
    expect(cells.slice(4, 7)).toEqual(["48.0 KB", "2.30 MB", "0 B/s"]);
    expect(row.getByRole("img", { name: "0 B in the last minute, at most 0 B in a second" })).toBeTruthy();
  });

  it("of another user of this machine names that user", () => {
    const [first, ...rest] = prod.sessions;
    const theirs = { ...prod, sessions: [{ ...first, process: null, other_user: "kim" }, ...rest] } as Connection;
    useConnections.setState({ list: [theirs] });
    shown();
    expect(screen.getByTestId("session-1").textContent).toContain("TCP, user kim");
  });

  it("is ended alone", async () => {
    memory.answer("session_stop", () => null);
    const user = shown();
    await user.click(screen.getByRole("button", { name: "End the session of DBeaver 26.1" }));
    expect(memory.requests("session_stop")).toEqual([2]);
  });

  it("announces no number that changes", () => {
    const { container } = render(<ConnectionsView />);
    expect(container.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log]")).toHaveLength(0);
  });
});

describe("a proxy", () => {
  it("shows in red that other machines can reach it", () => {
    useConnections.setState({ list: [{ ...prod, beyond_loopback: true, host: "192.168.0.7" }] });
    shown();
    expect(screen.getByTestId("beyond-loopback").className).toContain("cx__beyond");
  });

  it("with a password has the shell copy, so that the window never holds it", async () => {
    useConnections.setState({ list: [{ ...prod, auth: { kind: "password", method: "scram-sha-256" } }] });
    memory.answer("connection_copy", () => null);
    const user = shown();
    await user.click(screen.getByTestId("copy-as-analytics-prod"));
    await user.click(screen.getByTestId("copy-as-analytics-prod-password"));
    await user.click(screen.getByTestId("copy-as-analytics-prod"));
    await user.click(screen.getByTestId("copy-as-analytics-prod-uri"));
    expect(memory.requests("connection_copy").map(({ what }) => what)).toEqual(["password", "uri"]);
    expect(memory.copied).toEqual([]);
  });

  it("all of them stop at once, after a question when work would be lost", async () => {
    memory.answer("connection_stop", () => null);
    const user = shown();
    await user.click(screen.getByTestId("stop-all"));
    expect(screen.getByRole("alertdialog").textContent).toContain("3 sessions are at work");
    expect(memory.requests("connection_stop")).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Stop 3 proxies" }));
    expect(memory.requests("connection_stop")).toHaveLength(3);
    expect(useConnections.getState().list).toEqual([]);
  });
});

describe("a recent proxy", () => {
  it("starts again as it was, on the port it keeps", async () => {
    memory.answer("connection_open", ({ target, port }) => ({ ...prod, id: "new", target, port: port ?? 5443 }));
    const user = shown();
    expect(screen.getByTestId("recent-address-logistics-prod").textContent).toBe("127.0.0.1:5443");
    await user.click(screen.getByTestId("start-again-logistics-prod"));
    expect(memory.requests("connection_open")).toEqual([
      {
        target: recent[0]?.target,
        port: null,
        auth: { kind: "same_user" },
        tls: false,
        read_only: false,
        address: undefined,
      },
    ]);
  });

  it("whose port is taken names the owner, offers a free one, and moves only when told", async () => {
    memory.answer("connection_open", ({ target, port }) => {
      if (port !== 5448) throw failure("port_in_use", taken);
      return { ...prod, id: "new", target, port };
    });
    const user = shown();
    await user.click(screen.getByTestId("start-again-logistics-prod"));
    expect((await screen.findByTestId("error-panel")).textContent).toContain("postgres, pid 911, listens on it.");
    expect(memory.requests("connection_open").map(({ port }) => port)).toEqual([null]);
    await user.click(screen.getByRole("button", { name: "Use 5448" }));
    expect(memory.requests("connection_open").map(({ port }) => port)).toEqual([null, 5448]);
  });

  it("beyond this machine asks again before it starts", async () => {
    const user = shown();
    await user.click(screen.getByTestId("start-again-finance-stage"));
    expect(await screen.findByTestId("start-beyond")).toBeTruthy();
    expect(screen.getByTestId("start-submit").hasAttribute("disabled")).toBe(true);
    expect(memory.requests("connection_open")).toEqual([]);
  });

  it("is forgotten when somebody says so", async () => {
    memory.answer("connection_forget", () => null).answer("connections_recent", () => recent.slice(1));
    const user = shown();
    await user.click(screen.getByRole("button", { name: "Forget it and free port 5443" }));
    expect(memory.requests("connection_forget")).toEqual([recent[0]?.target]);
    expect(screen.queryByTestId("recent-logistics-prod")).toBeNull();
  });
});

describe("starting one", () => {
  it("takes database, port, who may use it and TLS", async () => {
    memory.answer("connection_open", ({ target }) => ({ ...prod, id: "new", target }));
    const user = shown();
    await user.click(screen.getByTestId("start-proxy-dialog"));
    await user.selectOptions(screen.getByTestId("start-database"), "finance-prod");
    await user.type(screen.getByTestId("start-port"), "6000");
    await user.selectOptions(screen.getByTestId("start-auth"), "md5");
    await user.click(screen.getByTestId("start-tls"));
    await user.click(screen.getByTestId("start-submit"));
    expect(memory.requests("connection_open")).toEqual([
      {
        target: { database: "finance-prod", db_user: "bi-readonly", db_name: "sales" },
        port: 6000,
        auth: { kind: "password", method: "md5" },
        tls: true,
        read_only: false,
        address: undefined,
        anywhere: false,
      },
    ]);
    expect(screen.queryByTestId("start-dialog")).toBeNull();
  });

  it("beyond this machine needs a password and a yes", async () => {
    memory.answer("connection_open", ({ target }) => ({ ...prod, id: "new", target }));
    const user = shown();
    await user.click(screen.getByTestId("start-proxy-dialog"));
    await user.type(screen.getByTestId("start-address"), "0.0.0.0");
    await user.selectOptions(screen.getByTestId("start-auth"), "scram-sha-256");
    expect(screen.getByTestId("start-submit").hasAttribute("disabled")).toBe(true);
    await user.click(screen.getByTestId("start-anywhere"));
    await user.click(screen.getByTestId("start-submit"));
    expect(memory.requests("connection_open")[0]).toMatchObject({ address: "0.0.0.0", anywhere: true });
  });

  it("says nothing is there only once it is known", async () => {
    useConnections.setState({ list: [], recent: [], loaded: false });
    shown();
    expect(screen.queryByText("No proxy is running")).toBeNull();
    act(() => useConnections.setState({ loaded: true }));
    expect(screen.getByText("No proxy is running")).toBeTruthy();
  });
});
