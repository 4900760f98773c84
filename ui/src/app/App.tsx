// The frame around the views, or the sign-in screen while nobody is signed in.
import type { TFunction } from "i18next";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../components/FailureNote";
import { ActivityView } from "../features/activity/ActivityView";
import { useActivity } from "../features/activity/store";
import { ConnectionsView } from "../features/connections/ConnectionsView";
import { ConsoleView } from "../features/console/ConsoleView";
import { DatabasesView } from "../features/databases/DatabasesView";
import { Palette } from "../features/palette/Palette";
import { SignInView } from "../features/session/SignInView";
import { SettingsView } from "../features/settings/SettingsView";
import { asFailure } from "../ipc/backend";
import { assertNever } from "../lib/assert-never";
import { useResources } from "../lib/resources";
import { useConnections } from "../lib/state/connections";
import { useConsoles } from "../lib/state/consoles";
import { useDatabases } from "../lib/state/databases";
import { useExports } from "../lib/state/exports";
import { useNavigation, type View } from "../lib/state/navigation";
import { useObjects } from "../lib/state/objects";
import { useStatus } from "../lib/state/status";
import { useToasts } from "../lib/state/toasts";
import { DropTarget } from "./DropTarget";
import { ExpiryBanner } from "./ExpiryBanner";
import { ImportDialog } from "./ImportDialog";
import { Rail } from "./Rail";
import { StatusBar } from "./StatusBar";
import { useShortcuts } from "./shortcuts";
import { Toasts } from "./Toasts";

export function App() {
  const status = useStatus((state) => state.status);
  const user = status?.identity?.user ?? null;
  const importing = useResources((state) => state.dialogOpen);
  const { t } = useTranslation();
  useShortcuts(user !== null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another language is no reason to load all again
  useEffect(() => {
    if (user !== null) loadAll(t);
    else forgetAll();
  }, [user]);

  return (
    <>
      {status ? user === null ? <SignInView /> : <Frame /> : <NoStatus />}
      {importing && <ImportDialog />}
      <DropTarget />
      <Toasts />
    </>
  );
}

/** Nothing yet, or why there is nothing. */
function NoStatus() {
  const failure = useStatus((state) => state.failure);
  const load = useStatus((state) => state.load);
  if (!failure) return null;
  return (
    <main className="nostatus">
      <FailureNote failure={failure} onRetry={load} />
    </main>
  );
}

function Frame() {
  const view = useNavigation((state) => state.view);
  const paletteOpen = useNavigation((state) => state.paletteOpen);
  const narrow = useNavigation((state) => state.railNarrow);
  return (
    <div className={narrow ? "app app--narrow" : "app"}>
      <Rail />
      <main className="main">
        <ExpiryBanner />
        <ViewOf view={view} />
      </main>
      <StatusBar />
      {paletteOpen && <Palette />}
    </div>
  );
}

function ViewOf({ view }: { view: View }) {
  switch (view) {
    case "databases":
      return <DatabasesView />;
    case "connections":
      return <ConnectionsView />;
    case "console":
      return <ConsoleView />;
    case "activity":
      return <ActivityView />;
    case "settings":
      return <SettingsView />;
    default:
      return assertNever(view);
  }
}

function loadAll(t: TFunction): void {
  void useDatabases.getState().load();
  void useConnections.getState().load();
  useConsoles
    .getState()
    .load()
    .then((unreadable) => {
      if (unreadable.length > 0) useToasts.getState().tell(t("files.unreadable", { paths: unreadable.join(", ") }));
    })
    .catch((reason) => useToasts.getState().fail(asFailure(reason)));
  useExports
    .getState()
    .load()
    .catch((reason) => useToasts.getState().fail(asFailure(reason)));
}

/** What one person saw is not shown to the next. */
function forgetAll(): void {
  useDatabases.getState().clear();
  useConnections.getState().clear();
  useConsoles.getState().clear();
  useActivity.getState().clear();
  useExports.getState().clear();
  useObjects.getState().clear();
}
