// Cancels several queries at once. The list is what was read when it was opened: nothing that began later is touched, and each is
// canceled with the same checks as one alone.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { userName } from "../../lib/choices";
import { age, oneLine } from "../../lib/format";
import { isOver, useCancels } from "./cancels";
import type { ListedQuery } from "./listed";
import { chosen, eachOf, users } from "./many";
import { useReads } from "./reads";
import "./many.css";

/** A server needs a moment for each, and each is watched to its end. */
const AT_ONCE = 4;

const MINUTES = [0, 1, 5, 15, 30, 60];

export function CancelMany({ queries }: { queries: ListedQuery[] }) {
  const { t } = useTranslation();
  const [list, setList] = useState<ListedQuery[] | null>(null);
  return (
    <>
      <button
        type="button"
        className="btn btn--sm"
        aria-label={t("activity.many.open")}
        title={t("activity.many.open")}
        disabled={!queries.some(({ live }) => live)}
        onClick={() => setList(queries)}
        data-testid="cancel-many"
      >
        <Icon name="stop" />
        <span className="hide-narrow">{t("activity.many.open")}</span>
      </button>
      {list && <ManyDialog all={list} onClose={() => setList(null)} />}
    </>
  );
}

function ManyDialog({ all, onClose }: { all: ListedQuery[]; onClose: () => void }) {
  const { t } = useTranslation();
  const [user, setUser] = useState("");
  const [minutes, setMinutes] = useState(0);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  /** Those that were asked for: from then on the list stands. */
  const [asked, setAsked] = useState<ListedQuery[] | null>(null);
  const [busy, setBusy] = useState(false);
  const shown = asked ?? chosen(all, { user, minutes });
  const meant = shown.filter((each) => !left.has(each.key));
  const others = meant.filter(({ own }) => !own);

  const start = async () => {
    setAsked(meant);
    setBusy(true);
    const choice = [user && `all of ${user}`, minutes > 0 && `all over ${minutes} min`].filter(Boolean).join(", ");
    const why = choice || "several at once";
    await eachOf(meant, AT_ONCE, (each) => useCancels.getState().confirmed(each, { why }));
    setBusy(false);
    const databases = new Set(meant.map(({ target }) => target.database));
    await Promise.all([...databases].map((database) => useReads.getState().refresh(database)));
  };
  const tick = (key: string, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(key);
    else next.add(key);
    setLeft(next);
  };

  return (
    <Dialog
      title={t(asked ? "activity.many.doing" : "activity.many.title", { count: meant.length })}
      role={asked ? "dialog" : "alertdialog"}
      large
      onClose={onClose}
      testId="many-dialog"
      foot={
        asked ? (
          <button type="button" className="btn" onClick={onClose} data-testid="many-close">
            {t(busy ? "activity.many.hide" : "common.close")}
          </button>
        ) : (
          <>
            <button type="button" className="btn" onClick={onClose} data-autofocus>
              {t("common.goBack")}
            </button>
            <button
              type="button"
              className="btn btn--danger"
              disabled={meant.length === 0}
              onClick={() => void start()}
              data-testid="many-start"
            >
              {t("activity.many.start", { count: meant.length })}
            </button>
          </>
        )
      }
    >
      {!asked && (
        <div className="row many__choice">
          <Select
            small
            aria-label={t("activity.user")}
            value={user}
            onChange={(event) => setUser(event.target.value)}
            data-testid="many-user"
          >
            <option value="">{t("activity.many.everybody")}</option>
            {users(all).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
          <Select
            small
            aria-label={t("activity.elapsed")}
            value={String(minutes)}
            onChange={(event) => setMinutes(Number(event.target.value))}
            data-testid="many-minutes"
          >
            {MINUTES.map((value) => (
              <option key={value} value={value}>
                {value === 0 ? t("activity.many.anyAge") : t("activity.many.over", { count: value })}
              </option>
            ))}
          </Select>
        </div>
      )}
      <p className="dim many__what" data-testid="many-what">
        {asked ? <Sum meant={asked} /> : <Warning others={others.length} all={meant.length} />}
      </p>
      <ul className="many" aria-label={t("activity.many.title", { count: meant.length })}>
        {shown.map((each) => (
          <Row key={each.key} each={each} on={!left.has(each.key)} onTick={asked ? null : (on) => tick(each.key, on)} />
        ))}
      </ul>
      {shown.length === 0 && <p className="faint">{t("activity.many.none")}</p>}
    </Dialog>
  );
}

function Warning({ others, all }: { others: number; all: number }) {
  const { t } = useTranslation();
  if (others === 0) return t("activity.many.own");
  return t("activity.many.others", { count: others, all: String(all) });
}

function Sum({ meant }: { meant: ListedQuery[] }) {
  const { t } = useTranslation();
  const cancels = useCancels((state) => state.cancels);
  const ended = meant.filter((each) => {
    const outcome = cancels[each.key]?.report?.outcome;
    return outcome !== undefined && isOver(outcome);
  });
  return t("activity.many.sum", { count: ended.length, all: String(meant.length) });
}

function Row({ each, on, onTick }: { each: ListedQuery; on: boolean; onTick: ((on: boolean) => void) | null }) {
  const id = `many-${each.key}`;
  return (
    <li data-testid={`many-${each.query_id}`}>
      {onTick ? (
        <label className="many__row" htmlFor={id}>
          <input
            id={id}
            type="checkbox"
            checked={on}
            onChange={(event) => onTick(event.target.checked)}
            data-testid={`many-tick-${each.query_id}`}
          />
          <What each={each} />
        </label>
      ) : (
        <div className="many__row">
          <Result each={each} />
          <What each={each} />
        </div>
      )}
      {!onTick && <Words each={each} />}
    </li>
  );
}

function What({ each }: { each: ListedQuery }) {
  const { elapsed_ms, user, target, text } = each;
  return (
    <>
      <span className="num many__age">{age(elapsed_ms)}</span>
      <span className="clip many__user" title={user}>
        {userName(user)}
      </span>
      <span className="clip dim many__db" title={target.database}>
        {target.database}
      </span>
      <span className="mono clip dim grow" title={text.slice(0, 600)}>
        {oneLine(text.slice(0, 300))}
      </span>
    </>
  );
}

function Result({ each }: { each: ListedQuery }) {
  const cancel = useCancels((state) => state.cancels[each.key]);
  const outcome = cancel?.report?.outcome;
  if (outcome && isOver(outcome)) {
    return (
      <span className="state state--ok" data-outcome={outcome}>
        <Icon name="okc" size="sm" />
      </span>
    );
  }
  const failed = outcome !== undefined || Boolean(cancel?.failure);
  return (
    <span className={failed ? "state state--warn" : "state faint"} data-outcome={outcome ?? "under-way"}>
      <Icon name={failed ? "alert" : "clock"} size="sm" />
    </span>
  );
}

/** What became of it, and what the server said where it refused. */
function Words({ each }: { each: ListedQuery }) {
  const { t } = useTranslation();
  const cancel = useCancels((state) => state.cancels[each.key]);
  const values = { query: each.query_id, session: String(each.session_id) };
  if (cancel?.failure) return <small className="many__words">{cancel.failure.server ?? cancel.failure.code}</small>;
  if (!cancel?.report) return null;
  return <small className="many__words">{t(`activity.outcome.${cancel.report.outcome}`, values)}</small>;
}
