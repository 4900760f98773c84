// What is in a column, over all rows or those that the filters leave: counts, range, distribution, frequent values.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { backend } from "../../../ipc/backend";
import type { Bucket, ColumnStats, Failure, ResultInfo } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import { type Progress, stopTask, takeOver } from "./tasks";
import { percent } from "./ViewStrip";

interface Props {
  result: ResultInfo;
  view: string | null;
  source: number;
  onClose: () => void;
}

type State =
  | { now: "counting"; progress: Progress | null }
  | { now: "there"; stats: ColumnStats }
  | { now: "stopped" }
  | { now: "failed"; failure: Failure };

export function StatsPanel({ result, view, source, onClose }: Props) {
  const { t } = useTranslation();
  const [state, setState] = useState<State>({ now: "counting", progress: null });
  const [again, setAgain] = useState(0);
  const task = useRef<string | null>(null);
  const column = result.columns[source];
  const { complete } = result;

  // Complete now: what was counted while rows still came is old.
  // biome-ignore lint/correctness/useExhaustiveDependencies: complete and again ask for it once more
  useEffect(() => {
    setState({ now: "counting", progress: null });
    return takeOver(
      "stats",
      task,
      (own) =>
        backend().call("result_stats", { result: result.id, ...(view ? { view } : {}), task: own, column: source }),
      {
        progress: (progress) => setState({ now: "counting", progress }),
        done: (stats) => setState({ now: "there", stats }),
        stopped: () => setState({ now: "stopped" }),
        failed: (failure) => setState({ now: "failed", failure }),
      },
    );
  }, [result.id, view, source, complete, again]);

  return (
    <aside
      className="stats"
      aria-label={t("console.statisticsOf", { column: column?.name ?? "" })}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
      data-testid="stats"
    >
      <div className="stats__head">
        <span className="clip">
          <b>{column?.name}</b> <span className="faint">{column?.type_name}</span>
        </span>
        <span className="spacer" />
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("common.closePanel")}
          title={t("common.closePanel")}
          onClick={onClose}
          data-testid="stats-close"
        >
          <Icon name="x" />
        </button>
      </div>
      {state.now === "counting" && (
        <div className="stats__busy" role="status">
          <span className="num">
            {t("console.counting")}
            {percent(state.progress) !== null && ` ${percent(state.progress)} %`}
          </span>
          <button
            type="button"
            className="btn btn--sm btn--danger-quiet"
            onClick={() => task.current && stopTask(task.current).catch(() => {})}
          >
            {t("console.stop")}
          </button>
        </div>
      )}
      {state.now === "stopped" && (
        <div className="stats__busy">
          <span className="faint">{t("console.countStopped")}</span>
          <button type="button" className="btn btn--sm" onClick={() => setAgain(again + 1)}>
            {t("console.countAgain")}
          </button>
        </div>
      )}
      {state.now === "failed" && <FailureNote failure={state.failure} onRetry={() => setAgain(again + 1)} />}
      {state.now === "there" && <Numbers stats={state.stats} />}
    </aside>
  );
}

function Numbers({ stats }: { stats: ColumnStats }) {
  const { t } = useTranslation();
  const share = (part: number) => (stats.rows === 0 ? "" : ` ${((part / stats.rows) * 100).toFixed(1)} %`);
  return (
    <>
      <dl className="stats__defs num">
        <dt>{t("console.statRows")}</dt>
        <dd>{count(stats.rows)}</dd>
        <dt>{t("console.statNulls")}</dt>
        <dd>
          {count(stats.nulls)}
          <span className="faint">{stats.nulls > 0 && share(stats.nulls)}</span>
        </dd>
        {stats.empty > 0 && (
          <>
            <dt>{t("console.statEmpty")}</dt>
            <dd>
              {count(stats.empty)}
              <span className="faint">{share(stats.empty)}</span>
            </dd>
          </>
        )}
        <dt>{t("console.statDistinct")}</dt>
        <dd title={stats.distinct_exact ? undefined : t("console.statEstimated")}>
          {stats.distinct_exact ? "" : "≈ "}
          {count(stats.distinct)}
        </dd>
        {stats.min !== null && (
          <>
            <dt>{t("console.statMin")}</dt>
            <dd className="clip selectable" title={stats.min}>
              {stats.min === "" ? "''" : stats.min}
            </dd>
          </>
        )}
        {stats.max !== null && (
          <>
            <dt>{t("console.statMax")}</dt>
            <dd className="clip selectable" title={stats.max}>
              {stats.max === "" ? "''" : stats.max}
            </dd>
          </>
        )}
        {stats.as_text > 0 && (
          <>
            <dt>{t("console.statAsText")}</dt>
            <dd>{count(stats.as_text)}</dd>
          </>
        )}
      </dl>
      {stats.histogram.length > 0 && <Histogram buckets={stats.histogram} />}
      {stats.top.length > 0 && (
        <>
          <h3 className="stats__title">{t("console.statTop")}</h3>
          <Bars rows={stats.top.map(({ text, rows }) => ({ name: text === "" ? "''" : text, rows }))} />
        </>
      )}
    </>
  );
}

const WIDTH = 268;
const HEIGHT = 72;

function Histogram({ buckets }: { buckets: Bucket[] }) {
  const { t } = useTranslation();
  const most = Math.max(1, ...buckets.map(({ rows }) => rows));
  const step = WIDTH / buckets.length;
  return (
    <>
      <h3 className="stats__title">{t("console.statDistribution")}</h3>
      <svg className="stats__chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {buckets.map(({ from, to, rows }, at) => {
          // What is there at all is seen, however few rows it is.
          const height = rows === 0 ? 0 : Math.max(1, (rows / most) * HEIGHT);
          return (
            <rect key={from} x={at * step} y={HEIGHT - height} width={Math.max(1, step - 1)} height={height}>
              <title>{`${from} – ${to}: ${count(rows)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div className="stats__axis num faint" aria-hidden="true">
        <span className="clip">{buckets[0]?.from}</span>
        <span className="clip">{buckets[buckets.length - 1]?.to}</span>
      </div>
      <details className="stats__more">
        <summary>{t("console.statNumbers")}</summary>
        <Bars rows={buckets.map(({ from, to, rows }) => ({ name: `${from} – ${to}`, rows }))} />
      </details>
    </>
  );
}

function Bars({ rows }: { rows: Array<{ name: string; rows: number }> }) {
  const most = Math.max(1, ...rows.map((row) => row.rows));
  return (
    <ul className="stats__bars num">
      {rows.map((row) => (
        <li key={row.name} title={row.name}>
          <i style={{ width: `${(row.rows / most) * 100}%` }} />
          <span className="clip">{row.name}</span>
          <span>{count(row.rows)}</span>
        </li>
      ))}
    </ul>
  );
}
