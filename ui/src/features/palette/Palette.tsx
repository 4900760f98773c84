// Ctrl+K: everything by name.
import type { TFunction } from "i18next";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { EnvChip } from "../../components/Env";
import { Icon } from "../../components/Icon";
import { Keys } from "../../components/Keys";
import { asFailure } from "../../ipc/backend";
import type { Database } from "../../ipc/contract";
import { first } from "../../lib/choices";
import { copy } from "../../lib/clipboard";
import { isComposing } from "../../lib/ime";
import { useResources } from "../../lib/resources";
import { useConnections } from "../../lib/state/connections";
import { useConsoles } from "../../lib/state/consoles";
import { useDatabases } from "../../lib/state/databases";
import { useNavigation } from "../../lib/state/navigation";
import { usePreferences } from "../../lib/state/preferences";
import { useStatus } from "../../lib/state/status";
import { useToasts } from "../../lib/state/toasts";
import { type Actions, type Command, commands, marked, narrow } from "./commands";
import "./palette.css";

export function Palette() {
  const { t } = useTranslation();
  const databases = useDatabases((state) => state.list);
  const connections = useConnections((state) => state.list);
  const close = () => useNavigation.getState().setPalette(false);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const all = useMemo(() => commands(databases ?? [], connections, makeActions(t), t), [databases, connections, t]);
  const shown = narrow(all, text);
  useBorrowedFocus(input);

  useEffect(() => {
    list.current?.querySelector(`[data-at="${at}"]`)?.scrollIntoView?.({ block: "nearest" });
  }, [at]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    close();
    command.run();
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, shown.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") run(shown[at]);
    else if (event.key === "Escape") close();
    else if (event.key !== "Tab") return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a click beside the palette closes it; Esc does the same
    <div className="scrim scrim--palette" onMouseDown={(event) => event.target === event.currentTarget && close()}>
      <div
        className="palette palette--top"
        role="dialog"
        aria-modal="true"
        aria-label={t("palette.label")}
        data-testid="palette"
      >
        <div className="palette__input">
          <Icon name="search" />
          <input
            ref={input}
            className="input__text"
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={shown[at] && `palette-${shown[at].id}`}
            aria-label={t("palette.placeholder")}
            placeholder={t("palette.placeholder")}
            spellCheck={false}
            value={text}
            data-testid="palette-input"
            onChange={(event) => {
              setText(event.target.value);
              setAt(0);
            }}
            onKeyDown={onKey}
          />
          <kbd className="kbd">{t("keys.esc")}</kbd>
        </div>
        <div className="palette__list" id="palette-list" role="listbox" aria-label={t("palette.label")} ref={list}>
          {shown.map((command, index) => (
            <Entry
              key={command.id}
              command={command}
              text={text}
              index={index}
              on={index === at}
              head={command.group !== shown[index - 1]?.group}
              onHover={() => setAt(index)}
              onRun={() => run(command)}
            />
          ))}
          {shown.length === 0 && <p className="palette__nothing dim">{t("palette.nothing", { text })}</p>}
        </div>
        <div className="palette__foot">
          <span>
            <kbd className="kbd">{t("keys.up")}</kbd>
            <kbd className="kbd">{t("keys.down")}</kbd> {t("palette.move")}
          </span>
          <span>
            <kbd className="kbd">{t("keys.enter")}</kbd> {t("palette.run")}
          </span>
        </div>
      </div>
    </div>
  );
}

interface EntryProps {
  command: Command;
  text: string;
  index: number;
  on: boolean;
  head: boolean;
  onHover: () => void;
  onRun: () => void;
}

function Entry({ command, text, index, on, head, onHover, onRun }: EntryProps) {
  const { t } = useTranslation();
  const [before, hit, after] = marked(command.label, text);
  const isKey = command.note?.startsWith("Ctrl ");
  return (
    <>
      {head && <div className="palette__group">{t(`palette.${command.group}`)}</div>}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the text field hears the keys */}
      <div
        role="option"
        tabIndex={-1}
        id={`palette-${command.id}`}
        data-at={index}
        data-testid={`palette-${command.id}`}
        aria-selected={on}
        className={on ? "palette__item is-on" : "palette__item"}
        onMouseMove={onHover}
        onClick={onRun}
      >
        <Icon name={command.icon} />
        <span className="clip">
          {before}
          {hit && <mark>{hit}</mark>}
          {after}
        </span>
        <EnvChip env={command.env ?? null} />
        {command.note && !isKey && <span className="faint clip">{command.note}</span>}
        <span className="spacer" />
        {isKey ? <Keys of={command.note ?? ""} /> : on && <kbd className="kbd">{t("keys.enter")}</kbd>}
      </div>
    </>
  );
}

/** Opening is asking to type; closing returns the focus to where it was. */
function useBorrowedFocus(input: RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const before = document.activeElement;
    input.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [input]);
}

function makeActions(t: TFunction): Actions {
  const { go, toggleRail } = useNavigation.getState();
  const fail = (reason: unknown) => useToasts.getState().fail(asFailure(reason));
  const { set } = usePreferences.getState();
  return {
    go,
    openConsole: (database) => openConsole(database).catch(fail),
    copyPsql: (connection) => void copy(connection.strings.psql, t("connections.psql")),
    stopProxy: (connection) => useConnections.getState().stop(connection.id).catch(fail),
    setTheme: (theme) => set({ theme }),
    setLanguage: (language) => set({ language }),
    toggleRail,
    importYaml: () => useResources.getState().setDialog(true),
    signOut: () => useStatus.getState().signOut().catch(fail),
  };
}

/** With something left to choose, the Databases view asks. */
async function openConsole(database: Database): Promise<void> {
  const target = { database: database.name, db_user: first(database.db_users), db_name: first(database.db_names) };
  const { go } = useNavigation.getState();
  if (target.db_user === "" || target.db_name === "") return go("databases", database.name);
  await useConsoles.getState().open(target);
  go("console");
}
