// The queries as rows: live ones first. One Tab stop; arrows move, Enter opens the drawer.
import { useTranslation } from "react-i18next";
import type { Activity, Query } from "../../ipc/contract";
import { age, count, oneLine, took } from "../../lib/format";
import { isComposing } from "../../lib/ime";
import { cancelKey, useCancels } from "./cancels";
import { elapsedNow } from "./phases";
import { stop } from "./stopping";
import { useActivity } from "./store";

export function QueryTable({ activity, now }: { activity: Activity; now: number }) {
  const { t } = useTranslation();
  const selected = useActivity((state) => state.selected);
  const select = useActivity((state) => state.select);
  const { queries } = activity;

  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event)) return;
    const at = queries.findIndex(({ query_id }) => query_id === selected);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: queries.length - 1 };
    const to = queries[moves[event.key] ?? -1];
    if (!to) return;
    event.preventDefault();
    select(to.query_id);
    const row = event.currentTarget.querySelector(`[data-query="${CSS.escape(to.query_id)}"]`);
    row?.scrollIntoView({ block: "nearest" });
  };

  return (
    <div className="act__wrap">
      <table
        className="table"
        role="grid"
        tabIndex={0}
        aria-label={t("nav.activity")}
        aria-rowcount={queries.length + 1}
        onKeyDown={onKey}
      >
        <colgroup>
          <col style={{ width: 102 }} />
          <col style={{ width: 86 }} />
          <col style={{ width: 66 }} />
          <col style={{ width: 96 }} />
          <col style={{ width: 88 }} />
          <col />
          <col style={{ width: 78 }} />
        </colgroup>
        <thead>
          <tr>
            <th>{t("activity.status")}</th>
            <th>{t("activity.query")}</th>
            <th className="right">{t("activity.elapsed")}</th>
            <th>{t("activity.user")}</th>
            <th className="right">{t("activity.rows")}</th>
            <th>{t("activity.statement")}</th>
            <th>
              <span className="sr">{t("activity.cancel")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {queries.map((query) => (
            <Row
              key={query.query_id}
              query={query}
              elapsed={elapsedNow(query, activity.as_of, now)}
              selected={query.query_id === selected}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ query, elapsed, selected }: { query: Query; elapsed: number; selected: boolean }) {
  const { t } = useTranslation();
  const select = useActivity((state) => state.select);
  const target = useActivity((state) => state.target);
  const canceling = useCancels((state) => (target ? state.cancels[cancelKey(target, query)]?.running : false) ?? false);
  const { query_id, user, rows, text, live } = query;
  return (
    <tr
      className={selected ? "is-selected" : undefined}
      aria-selected={selected}
      onClick={() => select(query_id)}
      data-query={query_id}
      data-status={query.status}
      data-testid={`query-${query_id}`}
    >
      <td>
        <Status status={query.status} />
      </td>
      <td className="num selectable">{query_id}</td>
      <td className="right num">{live || elapsed >= 1000 ? age(elapsed) : took(elapsed)}</td>
      <td className="clip" title={user}>
        {user.replace(/^IAMR:/, "")}
      </td>
      <td className={rows === 0 ? "right num faint" : "right num"}>{count(rows)}</td>
      <td className="mono dim" title={text.slice(0, 600)}>
        {oneLine(text.slice(0, 300))}
      </td>
      <td className="right">
        {live && (
          <button
            type="button"
            className={selected ? "btn btn--sm" : "btn btn--sm btn--ghost"}
            disabled={canceling}
            onClick={(event) => {
              event.stopPropagation();
              void stop(target, query);
            }}
            data-testid={`cancel-${query_id}`}
          >
            {canceling ? t("activity.canceling") : t("activity.cancel")}
          </button>
        )}
      </td>
    </tr>
  );
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
