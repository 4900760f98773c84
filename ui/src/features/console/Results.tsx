// Below the run bar: a tab per result, and the messages.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import type { ResultInfo, StatementRun } from "../../ipc/contract";
import { count, elapsed } from "../../lib/format";
import { isOver, isRunning, type Tab } from "../../lib/state/consoles";
import { ErrorPanel } from "./ErrorPanel";
import { ResultGrid } from "./grid/ResultGrid";
import { Messages } from "./Messages";
import { failureOf, results } from "./run-state";

const MESSAGES = "messages";

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

  const found = results(run);
  const failed = failureOf(tab);
  const over = run !== null && isOver(run.state);
  const last = found[found.length - 1]?.statement.result?.id;
  // Until one picks: the result that is arriving; the messages when something failed or nothing returned rows.
  const stopped = run?.state === "canceled" && last !== undefined;
  const shown = picked ?? ((failed && !stopped) || (over && !last) ? MESSAGES : (last ?? null));
  const current = found.find(({ statement }) => statement.result?.id === shown)?.statement;
  const news = (run?.notices.length ?? 0) + (run?.statements.filter(({ tag, failure }) => tag || failure).length ?? 0);

  return (
    <>
      {(run || failed) && (
        <div className="restabs" role="tablist">
          {found.map(({ statement, index }) => (
            <ResultTab
              key={statement.result?.id ?? index}
              name={found.length > 1 ? t("console.resultNumber", { number: index + 1 }) : t("console.result")}
              note={count(statement.result?.rows ?? 0)}
              on={statement === current}
              testId={`result-tab-${index + 1}`}
              onPick={() => setPicked(statement.result?.id ?? null)}
            />
          ))}
          <ResultTab
            name={t("console.messages")}
            note={news > 0 ? count(news) : ""}
            on={shown === MESSAGES}
            testId="messages-tab"
            onPick={() => setPicked(MESSAGES)}
          />
        </div>
      )}
      <div className="results">
        {shown === MESSAGES ? (
          <div className="results__messages" data-testid="messages">
            {failed && <ErrorPanel failed={failed} text={tab.runText} onGoTo={onGoTo} />}
            {run && <Messages run={run} text={tab.runText} />}
          </div>
        ) : current?.result ? (
          <ResultPane statement={current} result={current.result} />
        ) : (
          <NoRowsYet tab={tab} />
        )}
      </div>
    </>
  );
}

interface ResultTabProps {
  name: string;
  note: string;
  on: boolean;
  testId: string;
  onPick: () => void;
}

function ResultTab({ name, note, on, testId, onPick }: ResultTabProps) {
  return (
    <button
      type="button"
      role="tab"
      className={on ? "tab is-on" : "tab"}
      aria-selected={on}
      onClick={onPick}
      data-testid={testId}
    >
      {name} <span className="tab__count">{note}</span>
    </button>
  );
}

function ResultPane({ statement, result }: { statement: StatementRun; result: ResultInfo }) {
  const { t } = useTranslation();
  if (result.rows === 0 && isOver(statement.state)) {
    return (
      <Empty
        icon="table"
        title={t("console.noRowsTitle")}
        text={t("console.noRowsText", { time: elapsed(statement.elapsed_ms, 3) })}
      />
    );
  }
  return <ResultGrid result={result} growing={!isOver(statement.state)} />;
}

function NoRowsYet({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  if (isRunning(tab)) return <p className="results__wait faint">{t("console.waitingRows")}</p>;
  return <Empty icon="table" title={t("console.noResultTitle")} text={t("console.noResultText")} />;
}
