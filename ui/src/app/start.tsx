// Start: preferences first, so that theme and language are right in the first frame; then who is signed in.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asFailure, backend } from "../ipc/backend";
import { startTranslations, systemLanguage } from "../lib/i18n";
import { useConnections } from "../lib/state/connections";
import { useConsoles } from "../lib/state/consoles";
import { useDatabases } from "../lib/state/databases";
import { useExports } from "../lib/state/exports";
import { isView, useNavigation } from "../lib/state/navigation";
import { useObjects } from "../lib/state/objects";
import { usePreferences } from "../lib/state/preferences";
import { useStatus } from "../lib/state/status";
import { useToasts } from "../lib/state/toasts";
import { useWatches } from "../lib/state/watches";
import { App } from "./App";

export async function startApp(): Promise<void> {
  startTranslations(systemLanguage());
  listen();
  await usePreferences.getState().load().catch(tell);
  const { lastView } = usePreferences.getState();
  if (!showFragment(location.hash) && isView(lastView)) useNavigation.getState().go(lastView);
  rememberView();

  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  await useStatus.getState().load();
}

function tell(reason: unknown): void {
  useToasts.getState().fail(asFailure(reason));
}

/** Everything the shell tells by itself. These listeners live as long as the window. */
function listen(): void {
  const shell = backend();
  shell.on("status_changed", useStatus.getState().take);
  shell.on("databases_changed", () => void useDatabases.getState().load());
  shell.on("connections_changed", useConnections.getState().take);
  shell.on("run_changed", useConsoles.getState().take);
  shell.on("tab_changed", useConsoles.getState().takeTab);
  shell.on("exports_changed", useExports.getState().take);
  shell.on("objects_changed", useObjects.getState().take);
  shell.on("watches_changed", useWatches.getState().take);
  shell.on("show", ({ view, database, query }) => show(view, database, query));
}

/** The tray, a second start, or the command line asks for a view. A console that is not open begins with its database. */
function show(view: string, database: string | null, query: string | null = null): void {
  if (!isView(view)) return;
  const { go } = useNavigation.getState();
  const { tabs, select } = useConsoles.getState();
  const tab = tabs.find(({ target }) => target.database === database);
  if (view === "console" && tab) select(tab.id);
  if (view === "console" && database !== null && !tab) go("databases", database);
  else go(view, database, query);
}

/** What the command line asked for travels in the fragment: `#activity`, `#console/sales`. */
function showFragment(fragment: string): boolean {
  const [view = "", database = null] = fragment.slice(1).split("/").map(decodeURIComponent);
  if (!isView(view)) return false;
  show(view, database);
  return true;
}

function rememberView(): void {
  useNavigation.subscribe(({ view }, before) => {
    if (view !== before.view) void usePreferences.getState().set({ lastView: view });
  });
}
