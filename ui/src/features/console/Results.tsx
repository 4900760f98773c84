// Below the run bar: a tab per result, those that were pinned and those of the last run, and the messages.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { count, elapsed } from "../../lib/format";
import { isOver, isRunning, type Tab } from "../../lib/state/consoles";
import { ErrorPanel } from "./ErrorPanel";
import { ExportButton } from "./export/ExportButton";
import { ResultGrid } from "./grid/ResultGrid";
import { HistoryPanel } from "./history/HistoryPanel";
import { nameOf, repeatable, type ShownResult, shownResults } from "./kept";
import { LookSwitch } from "./LookSwitch";
import { looksOf, useLooks } from "./looks";
import { Messages } from "./Messages";
import { PlanView } from "./plan/PlanView";
import { PlotPane } from "./plot/PlotPane";
import { failureOf } from "./run-state";
import { useKept } from "./useKept";

const MESSAGES = "messages";
const HISTORY = "history";

interface Props {
  tab: Tab;
  onGoTo: (offset: number) => void;
}

export function Results({ tab, onGoTo }: Props) {
  const { t } = useTranslation();
  const { run } = tab;
  const [picked, setPicked] = useState<string | null>(null);
  const runId = run?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run starts with no choice made
  useEffect(() => setPicked(null), [runId]);
  // Another run, or another result of it: what is kept may be another.
  const signature = [runId, run?.state, ...(run?.statements.map(({ result }) => result?.id) ?? [])].join();
  const { kept, pin, close } = useKept(tab.id, signature);

  const found = shownResults(run, kept);
  const failed = failureOf(tab);
  const over = run !== null && isOver(run.state);
  const ofRun = found.filter(({ statement }) => statement !== null);
  const last = ofRun[ofRun.length - 1]?.result.id;
  // Until one picks: the result that is arriving; the messages when something failed or nothing returned rows.
  const stopped = run?.state === "canceled" && last !== undefined;
  const chosen =
    picked !== null && (picked === MESSAGES || picked === HISTORY || found.some(({ result }) => result.id === picked));
  const usual =
    (failed && !stopped) || (over && !last) ? MESSAGES : (last ?? found[found.length - 1]?.result.id ?? null);
  const shown = chosen ? picked : usual;
  const current = found.find(({ result }) => result.id === shown);
  const news = (run?.notices.length ?? 0) + (run?.statements.filter(({ tag, failure }) => tag || failure).length ?? 0);

  const names = found.map((one) => {
    if (one.statement === null || (one.pinned && one.sql !== "")) return nameOf(one.sql);
    return ofRun.length > 1 ? t("console.resultNumber", { number: one.number }) : t("console.result");
  });
  const ids = [...found.map(({ result }) => result.id), MESSAGES, HISTORY];
  const onKey = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = ids[(ids.indexOf(shown ?? MESSAGES) + step + ids.length) % ids.length];
    if (!next) return;
    setPicked(next);
    event.preventDefault();
    event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")[ids.indexOf(next)]?.focus();
  };

  return (
    <>
      <div className="restabs">
        <div className="restabs__list" role="tablist" aria-label={t("console.results")} onKeyDown={onKey}>
          {found.map((one, at) => (
            <ResultTab
              key={one.result.id}
              name={names[at] ?? ""}
              title={one.sql}
              note={count(one.result.rows)}
              pinned={one.pinned}
              on={one === current}
              testId={one.statement ? `result-tab-${one.number}` : `pinned-tab-${at + 1}`}
              onPick={() => setPicked(one.result.id)}
            />
          ))}
          <ResultTab
            name={t("console.messages")}
            note={news > 0 ? count(news) : ""}
            on={shown === MESSAGES}
            first={shown === null}
            testId="messages-tab"
            onPick={() => setPicked(MESSAGES)}
          />
          <ResultTab
            name={t("history.title")}
            note=""
            on={shown === HISTORY}
            testId="history-tab"
            onPick={() => setPicked(HISTORY)}
          />
        </div>
        <span className="spacer" />
        {current && (current.result.rows > 0 || current.growing) && <LookSwitch result={current.result} />}
        {(run || failed || found.length > 0) && (
          <ExportButton
            tab={tab}
            one={
              current && {
                result: current.result,
                statementText: repeatable(current, tab.runText),
                growing: current.growing,
              }
            }
          />
        )}
        {current && (
          <ResultActions
            one={current}
            onPin={(pinned) => pin(current.result.id, pinned)}
            onClose={() => close(current.result.id)}
          />
        )}
      </div>
      <div className="results">
        {shown === HISTORY ? (
          <HistoryPanel />
        ) : shown === MESSAGES ? (
          <div className="results__messages" data-testid="messages">
            {failed && <ErrorPanel failed={failed} text={tab.runText} onGoTo={onGoTo} />}
            {run && <Messages run={run} text={tab.runText} />}
          </div>
        ) : current ? (
          <ResultPane key={current.result.id} one={current} />
        ) : (
          <NoRowsYet tab={tab} />
        )}
      </div>
    </>
  );
}

interface ResultTabProps {
  name: string;
  title?: string;
  note: string;
  pinned?: boolean;
  on: boolean;
  /** Where the keys arrive while none is on. */
  first?: boolean;
  testId: string;
  onPick: () => void;
}

function ResultTab({ name, title, note, pinned, on, first, testId, onPick }: ResultTabProps) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      role="tab"
      className={on ? "tab is-on" : "tab"}
      aria-selected={on}
      tabIndex={on || first ? 0 : -1}
      title={title}
      onClick={onPick}
      data-testid={testId}
    >
      {pinned && (
        <>
          <Icon name="pin" size="sm" />
          <span className="sr">{t("console.pinned")}</span>
        </>
      )}
      {name} <span className="tab__count">{note}</span>
    </button>
  );
}

interface ActionsProps {
  one: ShownResult;
  onPin: (pinned: boolean) => void;
  onClose: () => void;
}

/** A pinned result survives the next run; only one of an earlier run can be closed, the last run's goes with it. */
function ResultActions({ one, onPin, onClose }: ActionsProps) {
  const { t } = useTranslation();
  const label = one.pinned ? t("console.unpin") : t("console.pin");
  return (
    <>
      <button
        type="button"
        className={`btn btn--sm btn--ghost btn--icon${one.pinned ? " is-pinned" : ""}`}
        aria-label={label}
        aria-pressed={one.pinned}
        title={label}
        onClick={() => onPin(!one.pinned)}
        data-testid="pin-result"
      >
        <Icon name="pin" />
      </button>
      {one.statement === null && (
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("console.closeResult")}
          title={t("console.closeResult")}
          onClick={onClose}
          data-testid="close-result"
        >
          <Icon name="x" />
        </button>
      )}
    </>
  );
}

function ResultPane({ one: { result, statement, growing } }: { one: ShownResult }) {
  const { t } = useTranslation();
  const look = useLooks((state) => state.looks[result.id]) ?? looksOf(result)[0];
  if (result.rows === 0 && !growing) {
    return (
      <Empty
        icon="table"
        title={t("console.noRowsTitle")}
        text={t("console.noRowsText", { time: elapsed(statement?.elapsed_ms ?? 0, 3) })}
      />
    );
  }
  if (look === "plot") return <PlotPane result={result} />;
  if (look === "plan") return <PlanView result={result} />;
  return <ResultGrid result={result} growing={growing} />;
}

function NoRowsYet({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  if (isRunning(tab)) return <p className="results__wait faint">{t("console.waitingRows")}</p>;
  return <Empty icon="table" title={t("console.noResultTitle")} text={t("console.noResultText")} />;
}
