// What the run is doing, since when, and how much has come. Stop is here and nowhere near Run.
import { Trans, useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { Keys } from "../../components/Keys";
import { useNow } from "../../lib/clock";
import { bytes, count, elapsed } from "../../lib/format";
import { isRunning, type Tab } from "../../lib/state/consoles";
import { currentBytes, currentRows, failureOf, type Phase, phase, progress } from "./run-state";
import { TransactionNote } from "./transaction/TransactionNote";

const looks = {
  ready: "dim",
  connecting: "state--run",
  waiting: "state--run",
  running: "state--run",
  returning: "state--run",
  canceling: "state--warn",
  done: "dim",
  failed: "state--bad",
  canceled: "state--warn",
} as const satisfies Record<Phase, string>;

export function RunBar({ tab, onStop }: { tab: Tab; onStop: () => void }) {
  const { t } = useTranslation();
  const now = phase(tab);
  const busy = isRunning(tab);
  const { run } = tab;
  const many = run && run.statements.length > 1 ? progress(run) : null;
  const sqlstate = failureOf(tab)?.failure.sql?.sqlstate;
  return (
    <div className="runbar">
      <span className={`state ${looks[now]}`} data-testid="run-status" data-state={now}>
        <Mark phase={now} />
        <b>{t(`console.${now}`)}</b>
      </span>
      {(busy || run) && <Elapsed tab={tab} busy={busy} />}
      {run && now !== "connecting" && <Volume rows={currentRows(run)} size={currentBytes(run)} />}
      {many && busy && (
        <span className="faint num hide-narrow">{t("console.ofStatements", { at: many.at, all: many.all })}</span>
      )}
      {now === "canceled" && <span className="faint hide-narrow">{t("console.kept")}</span>}
      <span className="spacer" />
      {!busy && <TransactionNote tab={tab} />}
      {sqlstate && <span className="faint selectable">{t("console.sqlstate", { code: sqlstate })}</span>}
      {busy && (
        <button
          type="button"
          className="btn btn--sm btn--danger-quiet"
          disabled={now === "canceling"}
          onClick={onStop}
          data-testid="stop"
        >
          <Icon name="stop" />
          {t("console.stop")} <Keys of="Ctrl ." />
        </button>
      )}
    </div>
  );
}

function Mark({ phase: now }: { phase: Phase }) {
  if (now === "failed") return <Icon name="cross" size="sm" />;
  if (now === "done") return <i className="dot dot--ok" />;
  if (now === "ready" || now === "canceled") return <i className="dot dot--ring" />;
  return <i className="dot dot--run" />;
}

function Elapsed({ tab, busy }: { tab: Tab; busy: boolean }) {
  const now = useNow(busy ? 100 : null);
  if (busy) return <span className="num">{elapsed(Math.max(0, now - tab.startedAt), 1)}</span>;
  return (
    <span className="num" data-testid="run-elapsed">
      {elapsed(tab.run?.elapsed_ms ?? 0, 3)}
    </span>
  );
}

function Volume({ rows, size }: { rows: number; size: number }) {
  return (
    <>
      <span className="num" data-testid="run-rows" data-rows={rows}>
        <Trans i18nKey="console.rows" count={rows} values={{ n: count(rows) }} components={{ b: <b /> }} />
      </span>
      {size > 0 && <span className="num">{bytes(size)}</span>}
    </>
  );
}
