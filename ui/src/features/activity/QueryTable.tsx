// The queries as rows, which are one Tab stop; arrows move, Enter opens the drawer. Only the rows that are seen are elements: there may be ten
// thousand.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { userName } from "../../lib/choices";
import { age, bytes, count, moment, oneLine, took } from "../../lib/format";
import { isComposing } from "../../lib/ime";
import { useCancels } from "./cancels";
import { DatabaseName } from "./DatabaseName";
import type { Sort, SortKey } from "./filters";
import type { ListedQuery } from "./listed";
import { elapsedNow } from "./phases";
import { stop } from "./stopping";
import { useActivity } from "./store";
import { SLOW_MS } from "./timeline";

const ROW = 28;
/** Rows beyond what is seen, above and below: a fast wheel shows no gap. */
const SPARE = 6;

interface Column {
  key: SortKey;
  label: "status" | "database" | "query" | "started" | "elapsed" | "user" | "rows" | "bytes" | "statement";
  width?: number;
  right?: boolean;
}

const all: Column[] = [
  { key: "status", label: "status", width: 106 },
  { key: "database", label: "database", width: 128 },
  { key: "query", label: "query", width: 86 },
  { key: "start", label: "started", width: 92, right: true },
  { key: "elapsed", label: "elapsed", width: 70, right: true },
  { key: "user", label: "user", width: 128 },
  { key: "rows", label: "rows", width: 86, right: true },
  { key: "bytes", label: "bytes", width: 72, right: true },
  { key: "text", label: "statement" },
];

/** What a narrow table does without, the first first. */
const dispensable: SortKey[] = ["bytes", "start", "rows", "query"];
const TEXT_NEEDS = 110;
const BUTTON = 78;

interface Props {
  queries: ListedQuery[];
  now: number;
  /** Several servers are shown. */
  several: boolean;
  /** No server that is shown counts rows and bytes. */
  uncounted: boolean;
  sort: Sort | null;
  onSort: (by: SortKey) => void;
}

export function QueryTable({ queries, now, several, uncounted, sort, onSort }: Props) {
  const { t } = useTranslation();
  const selected = useActivity((state) => state.selected);
  const select = useActivity((state) => state.select);
  const box = useRef<HTMLDivElement>(null);
  const { top, height, width } = useView(box);
  const columns = useMemo(
    () =>
      fitting(
        all.filter(({ key }) => (key !== "database" || several) && ((key !== "rows" && key !== "bytes") || !uncounted)),
        width,
      ),
    [several, uncounted, width],
  );
  const minute = Math.floor(now / 60_000) * 60_000;
  const pool = Math.ceil(height / ROW) + 2 * SPARE + 4;
  const slot = (place: number) => place % pool;
  const first = Math.max(0, Math.floor((top - ROW) / ROW) - SPARE);
  const last = Math.min(queries.length, Math.ceil((top + height) / ROW) + SPARE);

  const show = (index: number) => {
    const own = box.current;
    if (!own) return;
    // The head covers as much as a row.
    if (index * ROW < own.scrollTop) own.scrollTop = index * ROW;
    else if ((index + 2) * ROW > own.scrollTop + own.clientHeight) own.scrollTop = (index + 2) * ROW - own.clientHeight;
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event)) return;
    const at = queries.findIndex(({ key }) => key === selected);
    const page = Math.max(1, Math.floor(height / ROW) - 2);
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: Math.max(0, at - 1),
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: queries.length - 1,
    };
    const wanted = moves[event.key];
    if (wanted === undefined) return;
    const index = Math.min(queries.length - 1, Math.max(0, wanted));
    const to = queries[index];
    if (!to) return;
    event.preventDefault();
    select(to.key);
    show(index);
  };

  return (
    <div className="act__wrap" ref={box} data-testid="query-rows">
      <table
        className="table"
        role="grid"
        tabIndex={0}
        aria-label={t("nav.activity")}
        aria-rowcount={queries.length + 1}
        onKeyDown={onKey}
      >
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={width ? { width } : undefined} />
          ))}
          <col style={{ width: BUTTON }} />
        </colgroup>
        <thead>
          <tr>
            {columns.map(({ key, label, right }) => (
              <th
                key={key}
                className={right ? "right" : undefined}
                aria-sort={sort?.by === key ? (sort.down ? "descending" : "ascending") : undefined}
              >
                <button type="button" className="act__sort" onClick={() => onSort(key)} data-testid={`sort-${key}`}>
                  {t(`activity.${label}`)}
                  {sort?.by === key && <Icon name={sort.down ? "down" : "up"} size="sm" />}
                </button>
              </th>
            ))}
            <th>
              <span className="sr">{t("activity.cancel")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr className="act__gap" style={{ height: first * ROW }} />}
          {queries.slice(first, last).map((query, index) => (
            <Row
              // A row whose query can be canceled is its own: a press that began on it never ends on another's. The others are used
              // again, since making new ones takes time while somebody scrolls.
              key={query.live ? query.key : slot(first + index)}
              query={query}
              place={first + index}
              columns={columns}
              elapsed={elapsedNow(query, query.asOf, now)}
              now={minute}
              selected={query.key === selected}
            />
          ))}
          {last < queries.length && <tr className="act__gap" style={{ height: (queries.length - last) * ROW }} />}
        </tbody>
      </table>
    </div>
  );
}

/** As many columns as leave room for some words of the statement. */
function fitting(columns: Column[], width: number): Column[] {
  let left = columns;
  for (const key of dispensable) {
    const needed = left.reduce((sum, column) => sum + (column.width ?? TEXT_NEEDS), BUTTON);
    if (needed <= width) break;
    left = left.filter((column) => column.key !== key);
  }
  return left;
}

/** What is seen of a box that scrolls. */
function useView(box: React.RefObject<HTMLDivElement | null>): { top: number; height: number; width: number } {
  const [view, setView] = useState({ top: 0, height: 800, width: 1200 });
  useEffect(() => {
    const own = box.current;
    if (!own) return;
    // Where nothing is laid out there is still something to show.
    const look = () =>
      setView((before) => {
        const next = { top: own.scrollTop, height: own.clientHeight || 800, width: own.clientWidth || 1200 };
        const same = before.top === next.top && before.height === next.height && before.width === next.width;
        return same ? before : next;
      });
    look();
    own.addEventListener("scroll", look, { passive: true });
    const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(look);
    observer?.observe(own);
    return () => {
      own.removeEventListener("scroll", look);
      observer?.disconnect();
    };
  }, [box]);
  return view;
}

interface RowProps {
  query: ListedQuery;
  place: number;
  columns: Column[];
  elapsed: number;
  now: number;
  selected: boolean;
}

const Row = memo(function Row({ query, place, columns, elapsed, now, selected }: RowProps) {
  const { t } = useTranslation();
  const select = useActivity((state) => state.select);
  const canceling = useCancels((state) => state.cancels[query.key]?.running ?? false);
  return (
    <tr
      className={selected ? "is-selected" : undefined}
      aria-selected={selected}
      aria-rowindex={place + 2}
      onClick={() => select(query.key)}
      data-query={query.query_id}
      data-status={query.status}
      data-testid={`query-${query.query_id}`}
    >
      {columns.map(({ key }) => (
        <Cell key={key} column={key} query={query} elapsed={elapsed} now={now} />
      ))}
      <td className="right">
        {query.live && (
          <button
            type="button"
            className={selected ? "btn btn--sm" : "btn btn--sm btn--ghost"}
            disabled={canceling}
            onClick={(event) => {
              event.stopPropagation();
              void stop(query);
            }}
            data-testid={`cancel-${query.query_id}`}
          >
            {canceling ? t("activity.canceling") : t("activity.cancel")}
          </button>
        )}
      </td>
    </tr>
  );
});

function Cell({ column, query, elapsed, now }: { column: SortKey; query: ListedQuery; elapsed: number; now: number }) {
  const { t } = useTranslation();
  const { query_id, user, rows, text, live, target } = query;
  switch (column) {
    case "status":
      return (
        <td>
          <Status status={query.status} />
          {query.waits_for_lock && (
            <span
              className="act__lock"
              role="img"
              aria-label={t("activity.waitsForLock")}
              title={t("activity.waitsForLock")}
            >
              <i className="ph-lock" />
            </span>
          )}
        </td>
      );
    case "database":
      return (
        <td className="clip" title={target.database}>
          <DatabaseName name={target.database} />
        </td>
      );
    case "query":
      return (
        <td className="num selectable clip" title={query_id}>
          {query_id}
        </td>
      );
    case "start":
      return <td className="right num dim">{moment(query.start, now).slice(-11)}</td>;
    case "elapsed":
      return (
        <td className={elapsed >= SLOW_MS ? "right num strong" : "right num"}>
          {live || elapsed >= 1000 ? age(elapsed) : took(elapsed)}
        </td>
      );
    case "user":
      return (
        <td className="clip" title={user}>
          {userName(user)}
        </td>
      );
    case "rows":
      return <td className={rows === 0 ? "right num faint" : "right num"}>{count(rows)}</td>;
    case "bytes":
      return (
        <td className={query.bytes === 0 ? "right num faint" : "right num"}>
          {query.cache_hit ? (
            <span className="badge" title={t("activity.cacheHit")}>
              {t("activity.cache")}
            </span>
          ) : (
            bytes(query.bytes)
          )}
        </td>
      );
    case "text":
      return query.error && query.status === "failed" ? (
        <td className="mono dim" title={query.error}>
          <span className="state--bad">{oneLine(query.error.slice(0, 120))}</span> {oneLine(text.slice(0, 200))}
        </td>
      ) : (
        <td className="mono dim" title={text.slice(0, 600)}>
          {oneLine(text.slice(0, 300))}
        </td>
      );
  }
}

/** As the server spells it. */
export function Status({ status }: { status: string }) {
  const looks: Record<string, [state: string, dot: string]> = {
    running: ["state--run", "dot--run"],
    returning: ["state--run", "dot--run"],
    planning: ["state--run", "dot--run"],
    queued: ["dim", "dot--ring"],
    canceled: ["state--warn", "dot--ring"],
    failed: ["state--bad", "dot--bad"],
    success: ["dim", "dot--ok"],
  };
  const [state, dot] = looks[status] ?? ["dim", "dot--ring"];
  return (
    <span className={`state ${state}`}>
      <i className={`dot ${dot}`} />
      {status}
    </span>
  );
}
