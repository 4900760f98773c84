// What the palette offers, and how typing narrows it. Pure: the component only draws it.
import type { TFunction } from "i18next";
import type { IconName } from "../../components/Icon";
import type { Connection, Database } from "../../ipc/contract";
import { first, reachable } from "../../lib/choices";
import { type View, views } from "../../lib/state/navigation";

export interface Command {
  id: string;
  group: "views" | "databases" | "connections" | "commands";
  icon: IconName;
  label: string;
  env?: string | null;
  note?: string;
  run: () => void;
}

export interface Actions {
  go: (view: View, database?: string) => void;
  openConsole: (database: Database) => void;
  copyPsql: (connection: Connection) => void;
  stopProxy: (connection: Connection) => void;
  setTheme: (theme: "system" | "light" | "dark" | "contrast") => void;
  setLanguage: (language: "en" | "ko") => void;
  toggleRail: () => void;
  importYaml: () => void;
  signOut: () => void;
}

const viewIcons = {
  databases: "db",
  connections: "plug",
  console: "console",
  activity: "activity",
  settings: "gear",
} as const satisfies Record<View, IconName>;

export function commands(databases: Database[], connections: Connection[], actions: Actions, t: TFunction): Command[] {
  const themes = ["system", "light", "dark", "contrast"] as const;
  return [
    ...databases.filter(reachable).flatMap((database): Command[] => [
      {
        id: `open-${database.name}`,
        group: "databases",
        icon: "console",
        label: t("palette.openConsole", { name: database.name }),
        env: database.env,
        note: whoAndWhere(database) ?? t("palette.chooseUser"),
        run: () => actions.openConsole(database),
      },
      {
        id: `queries-${database.name}`,
        group: "databases",
        icon: "activity",
        label: t("palette.queriesOn", { name: database.name }),
        env: database.env,
        run: () => actions.go("activity", database.name),
      },
    ]),
    ...connections.flatMap((connection): Command[] => [
      {
        id: `psql-${connection.id}`,
        group: "connections",
        icon: "copy",
        label: t("palette.copyPsql", { name: connection.target.database }),
        note: `${connection.host}:${connection.port}`,
        run: () => actions.copyPsql(connection),
      },
      {
        id: `stop-${connection.id}`,
        group: "connections",
        icon: "stop",
        label: t("palette.stopProxy", { name: connection.target.database }),
        note: t("status.sessions", { count: connection.sessions.length }),
        run: () => actions.stopProxy(connection),
      },
    ]),
    ...views.map(
      (view, index): Command => ({
        id: `go-${view}`,
        group: "views",
        icon: viewIcons[view],
        label: t("palette.go", { view: t(`nav.${view}`) }),
        note: `Ctrl ${index + 1}`,
        run: () => actions.go(view),
      }),
    ),
    ...themes.map(
      (theme): Command => ({
        id: `theme-${theme}`,
        group: "commands",
        icon: "gear",
        label: t("palette.theme", { theme: t(`settings.${theme}`) }),
        run: () => actions.setTheme(theme),
      }),
    ),
    {
      id: "english",
      group: "commands",
      icon: "globe",
      label: t("palette.language", { language: t("settings.english") }),
      run: () => actions.setLanguage("en"),
    },
    {
      id: "korean",
      group: "commands",
      icon: "globe",
      label: t("palette.language", { language: t("settings.korean") }),
      run: () => actions.setLanguage("ko"),
    },
    { id: "import", group: "commands", icon: "file", label: t("import.title"), run: actions.importYaml },
    {
      id: "rail",
      group: "commands",
      icon: "table",
      label: t("palette.toggleRail"),
      note: "Ctrl B",
      run: actions.toggleRail,
    },
    { id: "sign-out", group: "commands", icon: "power", label: t("settings.signOut"), run: actions.signOut },
  ];
}

/** Every typed word must be in the label or the note. Without words, views come first: that is what one looks for then. */
export function narrow(all: Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0)
    return [...all.filter(({ group }) => group === "views"), ...all.filter(({ group }) => group !== "views")];
  return all.filter(({ label, note }) => {
    const haystack = `${label} ${note ?? ""}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

/** `bi-readonly, sales`, when there is nothing to choose. */
function whoAndWhere({ db_users, db_names }: Database): string | null {
  const user = first(db_users);
  const name = first(db_names);
  return user && name ? `${user}, ${name}` : null;
}

/** Where the first typed word stands in a label, to mark it. */
export function marked(label: string, text: string): [string, string, string] {
  const word = text.trim().split(/\s+/)[0]?.toLowerCase() ?? "";
  const at = word ? label.toLowerCase().indexOf(word) : -1;
  if (at < 0) return [label, "", ""];
  return [label.slice(0, at), label.slice(at, at + word.length), label.slice(at + word.length)];
}
