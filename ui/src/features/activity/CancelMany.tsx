// Cancels several queries at once. The list is what was read when it was opened: nothing that began later is touched, and each is
// canceled with the same checks as one alone.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { age, oneLine } from "../../lib/format";
import { isOver, type Meant, useCancels } from "./cancels";
import { chosen, eachOf, keyOf, users } from "./many";
import { useActivity } from "./store";
import "./many.css";

/** A server needs a moment for each, and each is watched to its end. */
const AT_ONCE = 4;

const MINUTES = [0, 1, 5, 15, 30, 60];

export function CancelMany({ queries }: { queries: Meant[] }) {
  const { t } = useTranslation();
  const [list, setList] = useState<Meant[] | null>(null);
  return (
    <>
      <button
        type="button"
        className="btn btn--sm"
        disabled={!queries.some(({ query }) => query.live)}
        onClick={() => setList(queries)}
        data-testid="cancel-many"
      >
        <Icon name="stop" />
        {t("activity.many.open")}
      </button>
      {list && <ManyDialog all={list} onClose={() => setList(null)} />}
    </>
  );
}

function ManyDialog({ all, onClose }: { all: Meant[]; onClose: () => void }) {
  const { t } = useTranslation();
  const [user, setUser] = useState("");
  const [minutes, setMinutes] = useState(0);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  /** Those that were asked for: from then on the list stands. */
  const [asked, setAsked] = useState<Meant[] | null>(null);
  const [busy, setBusy] = useState(false);
  const shown = asked ?? chosen(all, { user, minutes });
  const meant = shown.filter((each) => !left.has(keyOf(each)));
  const others = meant.filter(({ query }) => !query.own);

  const start = async () => {
    setAsked(meant);
    setBusy(true);
    const choice = [user && `all of ${user}`, minutes > 0 && `all over ${minutes} min`].filter(Boolean).join(", ");
    const why = choice || "several at once";
    await eachOf(meant, AT_ONCE, (each) => useCancels.getState().confirmed(each, { why }));
    setBusy(false);
    await useActivity.getState().refresh();
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
          <Row
            key={keyOf(each)}
            each={each}
            on={!left.has(keyOf(each))}
            onTick={asked ? null : (on) => tick(keyOf(each), on)}
          />
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

function Sum({ meant }: { meant: Meant[] }) {
  const { t } = useTranslation();
  const cancels = useCancels((state) => state.cancels);
  const ended = meant.filter((each) => {
    const outcome = cancels[keyOf(each)]?.report?.outcome;
    return outcome !== undefined && isOver(outcome);
  });
  return t("activity.many.sum", { count: ended.length, all: String(meant.length) });
}

function Row({ each, on, onTick }: { each: Meant; on: boolean; onTick: ((on: boolean) => void) | null }) {
  const { query } = each;
  const id = `many-${keyOf(each)}`;
  return (
    <li data-testid={`many-${query.query_id}`}>
      {onTick ? (
        <label className="many__row" htmlFor={id}>
          <input
            id={id}
            type="checkbox"
            checked={on}
            onChange={(event) => onTick(event.target.checked)}
            data-testid={`many-tick-${query.query_id}`}
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

function What({ each: { query, target } }: { each: Meant }) {
  return (
    <>
      <span className="num many__age">{age(query.elapsed_ms)}</span>
      <span className="clip many__user" title={query.user}>
        {query.user.replace(/^IAMR:/, "")}
      </span>
      <span className="clip dim many__db" title={target.database}>
        {target.database}
      </span>
      <span className="mono clip dim grow" title={query.text.slice(0, 600)}>
        {oneLine(query.text.slice(0, 300))}
      </span>
    </>
  );
}

function Result({ each }: { each: Meant }) {
  const cancel = useCancels((state) => state.cancels[keyOf(each)]);
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
function Words({ each }: { each: Meant }) {
  const { t } = useTranslation();
  const cancel = useCancels((state) => state.cancels[keyOf(each)]);
  const { query } = each;
  const values = { query: query.query_id, session: String(query.session_id) };
  if (cancel?.failure) return <small className="many__words">{cancel.failure.server ?? cancel.failure.code}</small>;
  if (!cancel?.report) return null;
  return <small className="many__words">{t(`activity.outcome.${cancel.report.outcome}`, values)}</small>;
}
