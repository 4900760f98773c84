// SQL: tabs, the editor, the run, its results.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { EnvTick } from "../../components/Env";
import { Icon } from "../../components/Icon";
import { keys } from "../../components/Keys";
import { asFailure } from "../../ipc/backend";
import { envKind } from "../../lib/env";
import { explain } from "../../lib/failure";
import { count, elapsed } from "../../lib/format";
import { isRunning, isUnsaved, type Tab, useConsoles } from "../../lib/state/consoles";
import { useNavigation } from "../../lib/state/navigation";
import { usePreferences } from "../../lib/state/preferences";
import { useToasts } from "../../lib/state/toasts";
import { ContextBar } from "./ContextBar";
import { DangerDialog } from "./DangerDialog";
import { Editor, type EditorHandle, forgetEditor } from "./Editor";
import { closeAsking, useTabName } from "./files/FileActions";
import { hasTransaction, type Leaving, useLeaving } from "./leaving";
import { ParameterPanel } from "./parameters/ParameterPanel";
import { Results } from "./Results";
import { RunBar } from "./RunBar";
import { currentRows, failureOf, marks, phase } from "./run-state";
import { Splitter } from "./Splitter";
import { LeaveDialog } from "./transaction/LeaveDialog";
import { ObjectTree } from "./tree/ObjectTree";
import { TreeEdge } from "./tree/TreeEdge";
import "./console.css";

export function ConsoleView() {
  const { t } = useTranslation();
  const tabs = useConsoles((state) => state.tabs);
  const active = useConsoles((state) => state.active);
  const go = useNavigation((state) => state.go);
  const tab = tabs.find(({ id }) => id === active);
  useEffect(() => useNavigation.getState().taken(), []);

  if (!tab) {
    return (
      <Empty icon="console" title={t("console.emptyTitle")} text={t("console.emptyText")}>
        <button type="button" className="btn btn--sm btn--primary" onClick={() => go("databases")}>
          {t("console.emptyDo")}
        </button>
      </Empty>
    );
  }
  return (
    <section className="con" aria-label={t("nav.console")} data-env={envKind(tab.env) ?? undefined}>
      <h1 className="sr">{t("nav.console")}</h1>
      <TabStrip tabs={tabs} active={tab} />
      <Workspace key={tab.id} tab={tab} />
      <Leave />
    </section>
  );
}

const tell = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

function closeNow(id: string): void {
  forgetEditor(id);
  useConsoles.getState().close(id).catch(tell);
}

/** Asks before a tab with an open transaction is closed, or gets another session. */
function Leave() {
  const leaving = useLeaving((state) => state.leaving);
  const tab = useConsoles((state) => state.tabs.find(({ id }) => id === leaving?.id));
  const { stay } = useLeaving.getState();
  if (!leaving || !tab) return null;
  return <LeaveDialog tab={tab} how={leaving.how} onStay={stay} onLeave={() => leave(leaving)} />;
}

function leave(leaving: Leaving): void {
  useLeaving.getState().stay();
  if (leaving.how === "close") closeNow(leaving.id);
  else useConsoles.getState().retarget(leaving.id, leaving.target, leaving.readOnly).catch(tell);
}

function TabStrip({ tabs, active }: { tabs: Tab[]; active: Tab }) {
  const { t } = useTranslation();
  const { select, open } = useConsoles.getState();
  const nameOf = useTabName();
  const closeTab = (tab: Tab) => {
    // What is asked about is seen.
    if (isUnsaved(tab) || hasTransaction(tab.id)) select(tab.id);
    closeAsking(tab, () => {
      if (hasTransaction(tab.id)) useLeaving.getState().ask({ id: tab.id, how: "close" });
      else closeNow(tab.id);
    });
  };
  const another = useCallback(
    () => open(active.target, undefined, active.read_only).catch(tell),
    [open, active.target, active.read_only],
  );
  useCtrlKey("t", another);

  const onKey = (event: React.KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === active.id);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const to = tabs[(at + step + tabs.length) % tabs.length];
    if (step !== 0 && to) select(to.id);
    else if (event.key === "Delete") closeTab(active);
  };

  return (
    <div className="doctabs">
      <div className="doctabs__list" role="tablist" aria-label={t("console.tabs")} onKeyDown={onKey}>
        {tabs.map((tab) => {
          const on = tab.id === active.id;
          const name = nameOf(tab);
          const { database, db_name, db_user } = tab.target;
          const title = [`${database} · ${db_name} · ${db_user}`, tab.file?.path].filter(Boolean).join("\n");
          return (
            <div role="presentation" className={on ? "doctab is-on" : "doctab"} key={tab.id} title={title}>
              <button
                type="button"
                role="tab"
                className="doctab__pick"
                aria-selected={on}
                aria-keyshortcuts="Delete"
                tabIndex={on ? 0 : -1}
                onClick={() => select(tab.id)}
                data-testid={`console-tab-${tab.number}`}
              >
                <EnvTick env={tab.env} />
                {tab.read_only && (
                  <>
                    <Icon name="eye" size="sm" />
                    <span className="sr">{t("readOnly.tab")}</span>
                  </>
                )}
                <span className="clip">{name}</span>
                {tab.transaction && (
                  <i
                    className={tab.transaction.failed ? "dot dot--bad" : "dot dot--warn"}
                    title={t(tab.transaction.failed ? "transaction.failed" : "transaction.open")}
                  />
                )}
                {isRunning(tab) && <i className="dot dot--run" />}
                {isUnsaved(tab) && (
                  <i className="doctab__unsaved" data-testid={`unsaved-${tab.number}`}>
                    <span className="sr">{t("files.unsaved")}</span>
                  </i>
                )}
              </button>
              {/* For the pointer. A tab list holds nothing but tabs; their key is Delete. */}
              <button
                type="button"
                className="doctab__close"
                tabIndex={-1}
                aria-hidden="true"
                title={t("console.closeTab", { name })}
                onClick={() => closeTab(tab)}
              >
                <Icon name="x" />
              </button>
            </div>
          );
        })}
      </div>
      <button
        type="button"
        className="doctabs__new"
        aria-label={t("console.newTab")}
        title={`${t("console.newTab")}  ${keys("Ctrl T")}`}
        onClick={another}
        data-testid="new-tab"
      >
        <Icon name="plus" size="sm" />
      </button>
    </div>
  );
}

function Workspace({ tab }: { tab: Tab }) {
  const { setText, run, cancel } = useConsoles.getState();
  const editor = useRef<EditorHandle>(null);
  const work = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const [share, setShare] = useState(0.44);
  const { id } = tab;
  const statements = tab.run?.statements;

  const stop = useCallback(() => {
    cancel(id).catch((reason) => useToasts.getState().fail(asFailure(reason)));
  }, [cancel, id]);
  const actions = {
    run: (from: number, to: number, all: boolean) => void run(id, from, to, all),
    stop,
    changed: (text: string) => setText(id, text, editor.current?.selection()),
    format: () => void editor.current?.format(),
  };
  const tree = usePreferences((state) => state.tree);
  const treeWidth = usePreferences((state) => state.treeWidth);
  const treeActions = {
    insert: (text: string) => editor.current?.insert(text),
    preview: (sql: string) => {
      const place = editor.current?.append(sql);
      if (place) void run(id, place.from, place.to, false);
    },
  };
  const explainIt = useCallback(() => {
    const { from, to } = editor.current?.selection() ?? { from: 0, to: 0 };
    void run(id, from, to, false, true);
  }, [run, id]);
  const runFromBar = (all: boolean) => {
    const { from, to } = editor.current?.selection() ?? { from: 0, to: 0 };
    void run(id, from, to, all);
  };
  // Only what the editor draws, so that a row count that ticks does not redraw it.
  const signature = JSON.stringify(statements?.map(({ from, to, failure }) => [from, to, failure?.sql]));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the run
  const ran = useMemo(() => (statements ?? []).map(({ from, to }) => ({ from, to })), [signature]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature stands for the run
  const marked = useMemo(() => marks(tab.run), [signature]);

  useCtrlKey(".", stop);
  useCtrlKey("e", explainIt);
  useTreeKey();
  useNextPane(body);

  return (
    <>
      <ContextBar tab={tab} onRun={runFromBar} onExplain={explainIt} onFormat={actions.format} />
      <div className="con__body" ref={body} style={{ "--tree": `${treeWidth}px` } as React.CSSProperties}>
        {tree && <ObjectTree tab={tab} actions={treeActions} />}
        {tree && <TreeEdge />}
        <div className="con__work" ref={work}>
          <div className="con__top" style={{ flexBasis: `${share * 100}%` }}>
            <Editor key={tab.revision} tab={tab} actions={actions} ran={ran} marks={marked} handle={editor} />
            <ParameterPanel tab={tab} onRun={() => runFromBar(false)} />
          </div>
          <Splitter share={share} onShare={setShare} busy={isRunning(tab)} within={work} />
          <RunBar tab={tab} onStop={stop} />
          <Results tab={tab} onGoTo={(offset) => editor.current?.goTo(offset)} />
          <Announcer tab={tab} />
          {tab.question && <DangerDialog tab={tab} question={tab.question} />}
        </div>
      </div>
    </>
  );
}

/** Says once how a run ended. Counters stay silent while they run. */
function Announcer({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  return (
    <div className="sr" role="status" aria-live="polite">
      {sentence()}
    </div>
  );

  function sentence(): string {
    const now = phase(tab);
    if (now === "canceled") return t("console.finishedCanceled");
    if (now === "failed") {
      const failed = failureOf(tab);
      return failed ? t("console.finishedFailed", { what: explain(failed.failure, t).what }) : "";
    }
    if (now !== "done" || !tab.run) return "";
    const rows = currentRows(tab.run);
    return t("console.finished", { count: rows, n: count(rows), time: elapsed(tab.run.elapsed_ms, 3) });
  }
}

function useCtrlKey(key: string, action: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      if (event.key.toLowerCase() !== key) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [key, action]);
}

/** Ctrl+Shift+E shows the tree or puts it away. */
function useTreeKey(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey || event.code !== "KeyE") return;
      event.preventDefault();
      const { tree, set } = usePreferences.getState();
      void set({ tree: !tree });
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

/** F6 goes from the tree to the editor, to the rows, and round again. */
function useNextPane(body: React.RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "F6") return;
      const found = [".otree[tabindex='0']", ".cm-content", ".dgrid"].map((pane) =>
        body.current?.querySelector<HTMLElement>(pane),
      );
      const panes = found.filter((pane) => pane != null);
      const here = panes.findIndex((pane) => pane.contains(document.activeElement));
      panes[(here + 1) % panes.length]?.focus();
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [body]);
}
