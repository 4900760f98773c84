import { act, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";
import { useActivity } from "../features/activity/store";
import type { CancelReport } from "../ipc/contract";
import { useResources } from "../lib/resources";
import { useConnections } from "../lib/state/connections";
import { useConsoles } from "../lib/state/consoles";
import { useDatabases } from "../lib/state/databases";
import { useNavigation } from "../lib/state/navigation";
import { usePreferences } from "../lib/state/preferences";
import { useStatus } from "../lib/state/status";
import { useToasts } from "../lib/state/toasts";
import { activity, connections, databases, recent, status } from "../test/fixture/warehouse";
import { failure, type MemoryBackend, provideMemoryBackend } from "../test/memory-backend";
import { App } from "./App";

const signedOut = { ...status, identity: null };
let memory: MemoryBackend;

beforeEach(() => {
  memory = provideMemoryBackend()
    .answer("sign_in_options", () => ({ users: ["jiwoo.kim", "minseo.lee"], profiles: ["data-eng"] }))
    .answer("sign_in", () => status)
    .answer("sign_out", () => signedOut)
    .answer("databases_list", () => databases)
    .answer("connections_list", () => connections)
    .answer("connections_recent", () => recent)
    .answer("console_restore", () => ({ tabs: [], unreadable: [] }))
    .answer("exports_list", () => [])
    .answer("access_check", () => ({ allowed: true, role: "analyst-ro", reason: "it is listed", steps: [] }))
    .answer("activity_list", () => activity)
    .answer("activity_details", () => ({ text: null, whole: false, session: null }))
    .answer("console_open", ({ target, read_only }) => ({
      id: "t1",
      target,
      env: "prod",
      read_only,
      manual: false,
      transaction: null,
      lost: null,
    }));
  useStatus.setState({ status: signedOut });
  useDatabases.getState().clear();
  useConnections.getState().clear();
  useConsoles.setState({ tabs: [], active: null });
  useActivity.getState().clear();
  useNavigation.setState({ view: "databases", database: null, paletteOpen: false });
  useToasts.setState({ list: [] });
  useResources.setState({ dialogOpen: false });
});

async function signedIn() {
  useStatus.setState({ status });
  render(<App />);
  await screen.findByTestId("database-analytics-prod");
  return userEvent.setup();
}

describe("starting", () => {
  it("says why there is nothing when the shell does not answer, and tries again", async () => {
    memory.answer("app_status", () => {
      throw failure("storage", { path: "/home/u/.config/postern", reason: "Permission denied" });
    });
    useStatus.setState({ status: null, failure: null });
    await useStatus.getState().load();
    render(<App />);
    expect(screen.getByTestId("error-panel").textContent).toContain("/home/u/.config/postern");
    memory.answer("app_status", () => signedOut);
    await userEvent.setup().click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByTestId("sign-in")).toBeTruthy();
  });
});

describe("signing in", () => {
  it("takes the user and the profile that were chosen, and shows the databases", async () => {
    const user = userEvent.setup();
    render(<App />);
    await user.selectOptions(await screen.findByTestId("sign-in-user"), "minseo.lee");
    await user.click(screen.getByTestId("profile-data-eng"));
    await user.click(screen.getByTestId("sign-in-submit"));
    expect(await screen.findByTestId("database-analytics-prod")).toBeTruthy();
    expect(memory.requests("sign_in")).toEqual([{ user: "minseo.lee", aws_profile: "data-eng" }]);
    expect(screen.getByTestId("status-user").textContent).toContain("jiwoo.kim");
  });

  it("says what failed, why and what to do", async () => {
    memory.answer("sign_in", () => {
      throw failure("aws_credentials_missing", { profile: "" });
    });
    const user = userEvent.setup();
    render(<App />);
    await user.click(await screen.findByTestId("sign-in-submit"));
    const panel = await screen.findByTestId("error-panel");
    expect(panel.dataset.code).toBe("aws_credentials_missing");
    expect(panel.textContent).toContain("There are no AWS credentials.");
    expect(panel.textContent).toContain("AWS_PROFILE");
  });

  it("tells a newcomer how to make the first user, and takes a file right there", async () => {
    let users: string[] = [];
    memory.answer("sign_in_options", () => ({ users, profiles: [] }));
    memory.answer("resources_create", () => {
      users = ["ana"];
      return [{ kind: "user", name: "ana", updated: false }];
    });
    const user = userEvent.setup();
    render(<App />);
    expect((await screen.findByTestId("no-users")).textContent).toContain("postern users add");
    await user.click(screen.getByTestId("open-import"));
    await user.click(screen.getByTestId("import-text"));
    await user.paste("kind: user\nversion: v2\nmetadata:\n  name: ana");
    await user.click(screen.getByTestId("import-create"));
    expect((await screen.findByTestId("toast-news")).textContent).toContain("user 'ana' has been created");
    expect(await screen.findByTestId("sign-in-user")).toBeTruthy();
  });

  it("forgets everything of one person when they sign out", async () => {
    const user = await signedIn();
    await user.click(screen.getByTestId("nav-settings"));
    await user.click(screen.getByTestId("sign-out"));
    expect(await screen.findByTestId("sign-in")).toBeTruthy();
    expect(useDatabases.getState().list).toBeNull();
    expect(useConnections.getState().list).toEqual([]);
  });
});

describe("creating from YAML", () => {
  it("points at file, line, column and field", async () => {
    const params = {
      file: "role.yaml",
      line: "12",
      column: "7",
      field: "spec.allow.db_user",
      problem: "unknown field",
    };
    memory.answer("resources_create", () => {
      throw failure("invalid_resource", params);
    });
    await signedIn();
    const file = new File(["kind: role"], "role.yaml");
    const drop = new Event("drop", { bubbles: true, cancelable: true });
    Object.assign(drop, { dataTransfer: { types: ["Files"], files: [file] } });
    act(() => void window.dispatchEvent(drop));
    const toast = await screen.findByTestId("toast-failure");
    expect(toast.textContent).toContain("role.yaml:12:7: spec.allow.db_user");
    expect(memory.requests("resources_create")[0]?.file_name).toBe("role.yaml");
  });

  it("replaces what exists only when asked to", async () => {
    memory.answer("resources_create", ({ force }) => {
      if (!force) throw failure("already_exists", { kind: "role", name: "access" });
      return [{ kind: "role", name: "access", updated: true }];
    });
    const user = await signedIn();
    act(() => useResources.getState().setDialog(true));
    await user.type(screen.getByTestId("import-text"), "kind: role");
    await user.click(screen.getByTestId("import-create"));
    await user.click(await screen.findByTestId("import-replace"));
    expect((await screen.findByTestId("toast-news")).textContent).toContain("role 'access' has been updated");
    expect(screen.queryByTestId("import-dialog")).toBeNull();
  });
});

describe("databases", () => {
  it("are walked with the arrows, and Enter opens the console", async () => {
    const user = await signedIn();
    screen.getByRole("grid").focus();
    await user.keyboard("{ArrowDown}{ArrowDown}{ArrowDown}");
    expect(screen.getByTestId("database-events-prod").getAttribute("aria-selected")).toBe("true");
    await user.keyboard("{Enter}");
    const target = { database: "events-prod", db_user: "bi-readonly", db_name: "sales" };
    expect(memory.requests("console_open")).toEqual([{ target, read_only: false }]);
    expect(await screen.findByTestId("console-editor")).toBeTruthy();
  });

  it("take any user where the roles allow any, once one is typed", async () => {
    const user = await signedIn();
    await user.click(screen.getByTestId("database-analytics-dev"));
    expect(screen.getByTestId("open-console").hasAttribute("disabled")).toBe(true);
    await user.type(screen.getByTestId("db-user"), "anybody");
    await user.click(screen.getByTestId("open-console"));
    expect(memory.requests("console_open")[0]?.target.db_user).toBe("anybody");
  });

  it("say who denied it, and offer nothing that would be refused", async () => {
    memory.answer("access_check", () => ({
      allowed: false,
      role: "no-prod",
      reason: "role no-prod denies env: prod",
      steps: [{ role: "no-prod", effect: "deny", condition: "db_labels", matched: true, detail: "env: prod" }],
    }));
    const user = await signedIn();
    const decision = await screen.findByTestId("decision");
    expect(decision.dataset.allowed).toBe("false");
    expect(screen.getByText("role no-prod denies env: prod")).toBeTruthy();
    await user.click(screen.getByTestId("decision-why"));
    expect(screen.getByText("env: prod")).toBeTruthy();
    expect(screen.getByTestId("open-console").hasAttribute("disabled")).toBe(true);
  });

  it("name the owner of a port that is taken", async () => {
    memory.answer("connection_open", () => {
      throw failure("port_in_use", { port: "5444", program: "postgres", pid: "911", free: "5448" });
    });
    const user = await signedIn();
    await user.click(screen.getByTestId("database-events-prod"));
    await user.type(screen.getByTestId("local-port"), "5444");
    await user.click(screen.getByTestId("start-proxy"));
    const panel = await screen.findByTestId("error-panel");
    expect(panel.textContent).toContain("postgres, pid 911, listens on it.");
    expect(memory.requests("connection_open")[0]?.port).toBe(5444);
  });
});

describe("connections", () => {
  it("copy the address in every form and stop", async () => {
    memory.answer("connection_stop", () => null);
    const user = await signedIn();
    await user.click(screen.getByTestId("nav-connections"));
    const group = screen.getByTestId("connection-analytics-prod");
    expect(within(group).getByTestId("connection-address").textContent).toBe("127.0.0.1:5441");
    await user.click(within(group).getByTestId("copy-as-analytics-prod"));
    await user.click(within(group).getByTestId("copy-as-analytics-prod-jdbc"));
    expect(memory.copied).toEqual(["jdbc:postgresql://127.0.0.1:5441/sales?user=etl-writer&sslmode=disable"]);
    await user.click(within(group).getByTestId("stop-analytics-prod"));
    expect(memory.requests("connection_stop")).toEqual(["proxy-analytics-prod"]);
    expect(screen.queryByTestId("connection-analytics-prod")).toBeNull();
  });

  it("follow the shell's events", async () => {
    await signedIn();
    act(() => useConnections.getState().take([]));
    act(() => useNavigation.getState().go("connections"));
    expect(screen.getByText("No proxy is running")).toBeTruthy();
  });
});

describe("activity", () => {
  async function shown() {
    const user = await signedIn();
    await user.click(screen.getByTestId("nav-activity"));
    await user.selectOptions(screen.getByTestId("activity-database"), "analytics-prod");
    await screen.findByTestId("query-4418246");
    return user;
  }

  it("reads nothing until one says where", async () => {
    const user = await signedIn();
    await user.click(screen.getByTestId("nav-activity"));
    expect(memory.requests("activity_list")).toEqual([]);
  });

  const report = (more: Partial<CancelReport>): CancelReport => ({
    outcome: "canceled",
    elapsed_ms: 3740,
    steps: [],
    asked_at: new Date(2026, 10, 29, 12, 1, 3).getTime(),
    user: "IAMR:bi-readonly",
    text: "select 1",
    session: null,
    grant: null,
    ...more,
  });

  it("cancels one's own query at once and shows each step of the proof", async () => {
    memory.answer("activity_cancel", () =>
      report({
        session: "usable",
        steps: [
          { kind: "wire_cancel", ok: true, at_ms: 80, detail: "over TLS" },
          { kind: "server_reports", ok: true, at_ms: 3710, detail: "canceled" },
        ],
      }),
    );
    const user = await shown();
    await user.click(screen.getByTestId("cancel-4418240"));
    const proof = await screen.findByTestId("cancel-proof");
    expect(proof.dataset.outcome).toBe("canceled");
    expect(within(proof).getByTestId("step-server_reports").textContent).toContain("canceled");
    expect(screen.getByTestId("cancel-story").textContent).toBe(
      "Asked 12:01:03, server reported canceled after 3.7 s, session usable.",
    );
    expect(memory.requests("activity_cancel")[0]).toMatchObject({
      query_id: "4418240",
      terminate: false,
      confirmed: false,
    });
    expect(memory.requests("activity_list").length).toBeGreaterThan(1);
  });

  it("asks before it touches another's query, naming user and text", async () => {
    memory.answer("activity_cancel", () => report({ outcome: "still_running" }));
    const user = await shown();
    await user.click(screen.getByTestId("cancel-4418246"));
    const dialog = screen.getByTestId("confirm-cancel");
    expect(dialog.textContent).toContain("IAMR:etl-writer");
    expect(screen.getByTestId("confirm-cancel-text").textContent).toMatch(/^update/i);
    expect(document.activeElement?.textContent).toBe("Go back");
    expect(memory.requests("activity_cancel")).toEqual([]);
    await user.click(screen.getByTestId("confirm-cancel-yes"));
    expect(memory.requests("activity_cancel")[0]).toMatchObject({ query_id: "4418246", confirmed: true });
    // What did not die can be ended with its session, and what that costs is said.
    const offer = await screen.findByTestId("offer-terminate");
    expect(screen.getByTestId("cancel-proof").textContent).toContain("temporary tables");
    await user.click(offer);
    expect(screen.getByTestId("terminate-confirm")).toBeTruthy();
  });

  it("asks when only the server knew that it is another's", async () => {
    memory.answer("activity_cancel", () => report({ outcome: "confirmation_needed", user: "IAMR:someone" }));
    const user = await shown();
    await user.click(screen.getByTestId("cancel-4418240"));
    expect((await screen.findByTestId("confirm-cancel")).textContent).toContain("IAMR:someone");
    expect(screen.queryByTestId("cancel-proof")).toBeNull();
  });

  it("names the grant where rights are missing", async () => {
    const grant = 'GRANT ROLE sys:operator TO "IAMR:bi-readonly";';
    memory.answer("activity_cancel", () => report({ outcome: "not_permitted", grant }));
    const user = await shown();
    await user.click(screen.getByTestId("cancel-4418240"));
    await user.click(await screen.findByTestId("copy-cancel-grant"));
    expect(memory.copied).toEqual([grant]);
  });

  it("sends a note to the owner with the cancel", async () => {
    memory.answer("activity_cancel", () => report({}));
    const user = await shown();
    await user.click(screen.getByTestId("query-4418240"));
    await user.click(screen.getByTestId("cancel-with-note"));
    await user.type(screen.getByTestId("note-text"), "a\\b");
    expect(screen.getByTestId<HTMLButtonElement>("note-send").disabled).toBe(true);
    await user.clear(screen.getByTestId("note-text"));
    await user.type(screen.getByTestId("note-text"), "it's mine{Enter}");
    await screen.findByTestId("cancel-proof");
    expect(memory.requests("activity_cancel")[0]).toMatchObject({ note: "it's mine" });
  });

  it("cancels exactly the queries of the preview that are left ticked", async () => {
    memory.answer("activity_cancel", (request) =>
      report(request.query_id === "4418246" ? { outcome: "not_permitted" } : {}),
    );
    const user = await shown();
    await user.click(screen.getByTestId("cancel-many"));
    const dialog = screen.getByTestId("many-dialog");
    expect(within(dialog).getAllByRole("checkbox")).toHaveLength(5);
    await user.click(screen.getByTestId("many-tick-4418249"));
    await user.selectOptions(screen.getByTestId("many-minutes"), "1");
    expect(within(dialog).getAllByRole("checkbox")).toHaveLength(3);
    // What the list shows behind the dialog by now is not touched.
    memory.answer("activity_list", () => ({ ...activity, queries: [] }));
    await user.click(screen.getByTestId("many-start"));
    await screen.findByText("1 of 2 runs no more.");
    const asked = memory.requests("activity_cancel");
    expect(asked.map(({ query_id }) => query_id).sort()).toEqual(["4418240", "4418246"]);
    expect(asked.every(({ confirmed, why }) => confirmed && why === "all over 1 min")).toBe(true);
    expect(within(screen.getByTestId("many-4418246")).getByText(/Nothing was canceled/)).toBeTruthy();
  });

  it("asks before it ends a session, with the safe button in focus", async () => {
    memory.answer("activity_cancel", () => report({ outcome: "terminated" }));
    const user = await shown();
    await user.click(screen.getByTestId("query-4418249"));
    await user.click(screen.getByTestId("terminate-session"));
    expect(document.activeElement?.textContent).toBe("Go back");
    expect(memory.requests("activity_cancel")).toEqual([]);
    await user.click(screen.getByTestId("terminate-confirm"));
    expect((await screen.findByTestId("cancel-proof")).dataset.outcome).toBe("terminated");
    expect(memory.requests("activity_cancel")[0]?.terminate).toBe(true);
  });

  it("offers the GRANT when only one's own queries are seen", async () => {
    const grant = 'GRANT ROLE sys:monitor TO "IAMR:bi-readonly";';
    memory.answer("activity_list", () => ({ ...activity, scope: "own", grant }));
    const user = await shown();
    await user.click(within(screen.getByTestId("activity-scope-own")).getByRole("button"));
    expect(memory.copied).toEqual([grant]);
  });

  it("keeps what was read when a refresh fails, and stops refreshing by itself", async () => {
    const user = await shown();
    await user.click(screen.getByTestId("activity-auto"));
    memory.answer("activity_list", () => {
      throw failure("connection_lost", { database: "analytics-prod", reason: "reset by peer" });
    });
    await user.click(screen.getByTestId("activity-refresh"));
    expect((await screen.findByTestId("error-panel")).dataset.code).toBe("connection_lost");
    expect(screen.getByTestId("query-4418246")).toBeTruthy();
    expect(screen.getByTestId("activity-auto").getAttribute("aria-pressed")).toBe("false");
  });
});

describe("everywhere", () => {
  it("Ctrl and a number go to a view, Ctrl+K finds everything", async () => {
    const user = await signedIn();
    await user.keyboard("{Control>}2{/Control}");
    expect(useNavigation.getState().view).toBe("connections");
    await user.keyboard("{Control>}k{/Control}");
    await user.type(screen.getByTestId("palette-input"), "console finance-prod{Enter}");
    expect(memory.requests("console_open")[0]?.target.database).toBe("finance-prod");
    expect(screen.queryByTestId("palette")).toBeNull();
  });

  it("Enter that ends a composition picks nothing", async () => {
    const user = await signedIn();
    await user.keyboard("{Control>}k{/Control}");
    const input = screen.getByTestId("palette-input");
    const enter = new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true } as KeyboardEventInit);
    act(() => void input.dispatchEvent(enter));
    expect(screen.getByTestId("palette")).toBeTruthy();
  });

  it("speaks Korean when asked to", async () => {
    const user = await signedIn();
    await user.click(screen.getByTestId("nav-settings"));
    await user.selectOptions(screen.getByTestId("language"), "ko");
    expect(screen.getByTestId("nav-databases").textContent).toContain("데이터베이스");
    expect(document.documentElement.lang).toBe("ko");
    await act(() => usePreferences.getState().set({ language: "en" }));
  });

  it("warns when the AWS sign-in has ended and signs in again", async () => {
    const ended = structuredClone(status);
    if (ended.identity?.aws) ended.identity.aws.expires_at = Date.now() - 60_000;
    const user = await signedIn();
    act(() => useStatus.getState().take(ended));
    await user.click(screen.getByRole("button", { name: "Sign in again" }));
    expect(memory.requests("sign_in")).toEqual([{ user: "jiwoo.kim", aws_profile: "data-eng" }]);
  });
});
