// One query: its text, its facts, where its time went, and the cancel with its proof.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import type { OurSession, SessionFacts } from "../../ipc/contract";
import { copy } from "../../lib/clipboard";
import { age, bytes, clock, count, moment, took } from "../../lib/format";
import { useConsoles } from "../../lib/state/consoles";
import { CancelNote } from "./CancelNote";
import { ClientProof, Proof } from "./CancelProof";
import { type Cancel, useCancels } from "./cancels";
import { useDetails } from "./details";
import type { ListedQuery } from "./listed";
import { PhaseBar } from "./PhaseBar";
import { elapsedNow, longest, phases } from "./phases";
import { useReads } from "./reads";
import { stop, terminate } from "./stopping";
import { useActivity } from "./store";

const DAY = 24 * 3_600_000;

interface Props {
  query: ListedQuery;
  asOf: number;
  now: number;
}

export function QueryDrawer({ query, asOf, now }: Props) {
  const { t } = useTranslation();
  const cancel = useCancels((state) => state.cancels[query.key]);
  const [terminating, setTerminating] = useState(false);
  const select = useActivity((state) => state.select);
  const { details, failed } = useDetails(query);
  const text = details?.text ?? query.text;
  return (
    <aside
      className="panel drawer"
      aria-label={t("activity.queryTitle", { id: query.query_id })}
      data-testid="query-drawer"
    >
      <div className="drawer__head">
        <div className="row">
          <h2 className="head__title num clip selectable">{t("activity.queryTitle", { id: query.query_id })}</h2>
          <span className={`badge ${badge(query.status)}`}>{query.status}</span>
          <span className="spacer" />
          <button
            type="button"
            className="btn btn--sm btn--ghost btn--icon"
            aria-label={t("activity.copyStatement")}
            title={t("activity.copyStatement")}
            onClick={() => copy(text, t("activity.statementWhat"))}
          >
            <Icon name="copy" />
          </button>
          <button
            type="button"
            className="btn btn--sm btn--ghost btn--icon"
            aria-label={t("common.closePanel")}
            title={t("common.closePanel")}
            onClick={() => select(null)}
          >
            <Icon name="x" />
          </button>
        </div>
        {query.live && <Actions query={query} cancel={cancel} onTerminate={() => setTerminating(true)} />}
        {terminating && <Terminate query={query} text={text} onClose={() => setTerminating(false)} />}
      </div>
      <div className="panel__scroll">
        {cancel && <Proof query={query} cancel={cancel} onTerminate={() => setTerminating(true)} />}
        {!cancel && query.ours?.cancel && (
          <ClientProof query={query} program={query.ours.program} cancel={query.ours.cancel} />
        )}
        <div className="panel__section">
          <pre className="drawer__sql selectable" data-testid="query-text">
            {text}
          </pre>
          {details && !details.whole && <p className="faint drawer__cut">{t("activity.cut")}</p>}
          {failed && <p className="faint drawer__cut">{t("activity.detailsFailed", { reason: failed })}</p>}
        </div>
        <Facts query={query} session={details?.session ?? null} elapsed={elapsedNow(query, asOf, now)} now={now} />
      </div>
    </aside>
  );
}

function badge(status: string): string {
  return { canceled: "badge--warn", failed: "badge--bad", success: "badge--ok" }[status] ?? "";
}

function Actions(props: { query: ListedQuery; cancel: Cancel | undefined; onTerminate: () => void }) {
  const { t } = useTranslation();
  const { query, cancel, onTerminate } = props;
  const [noting, setNoting] = useState(false);
  const source = useReads((state) => state.reads[query.target.database]?.about?.source);
  const busy = cancel?.running ?? false;
  return (
    <div className="row drawer__do">
      <button
        type="button"
        className="btn btn--sm"
        disabled={busy}
        onClick={() => void stop(query)}
        data-testid="cancel-query"
      >
        <Icon name="stop" />
        {busy && !cancel?.terminate ? t("activity.canceling") : t("activity.cancelQuery")}
      </button>
      {source !== "stat_activity" && (
        <button
          type="button"
          className="btn btn--sm btn--icon"
          disabled={busy}
          aria-label={t("activity.cancelWithNote")}
          title={t("activity.cancelWithNote")}
          onClick={() => setNoting(true)}
          data-testid="cancel-with-note"
        >
          <Icon name="file" />
        </button>
      )}
      <button
        type="button"
        className="btn btn--sm btn--danger-quiet"
        disabled={busy}
        onClick={onTerminate}
        data-testid="terminate-session"
      >
        <Icon name="power" />
        {busy && cancel?.terminate ? t("activity.terminating") : t("activity.terminate")}
      </button>
      {noting && <CancelNote query={query} onClose={() => setNoting(false)} />}
    </div>
  );
}

/** What it costs, whose it is and what it does, in one question for one's own and for another's. */
function Terminate({ query, text, onClose }: { query: ListedQuery; text: string; onClose: () => void }) {
  const { t } = useTranslation();
  const values = { session: String(query.session_id), database: query.target.database, user: query.user };
  return (
    <Dialog
      role="alertdialog"
      title={t("activity.terminateTitle", values)}
      onClose={onClose}
      foot={
        <>
          <button type="button" className="btn" onClick={onClose} data-autofocus>
            {t("common.goBack")}
          </button>
          <button
            type="button"
            className="btn btn--danger"
            onClick={() => {
              onClose();
              void terminate(query);
            }}
            data-testid="terminate-confirm"
          >
            {t("activity.terminate")}
          </button>
        </>
      }
    >
      <p className="dim">{t("activity.terminateText", values)}</p>
      <pre className="drawer__sql selectable">{text.slice(0, 1200)}</pre>
    </Dialog>
  );
}

/** The tab or the program behind a session of ours. */
function Origin({ ours }: { ours: OurSession }) {
  const { t } = useTranslation();
  const tab = useConsoles((state) => state.tabs.find(({ id }) => id === ours.tab));
  if (tab) return tab.file?.name ?? t("console.untitled", { number: tab.number });
  if (ours.client) return t("activity.clientProcess", { program: ours.client.program, pid: String(ours.client.pid) });
  return t("activity.ours");
}

interface FactsProps {
  query: ListedQuery;
  session: SessionFacts | null;
  elapsed: number;
  now: number;
}

function Facts({ query, session, elapsed, now }: FactsProps) {
  const { t } = useTranslation();
  // What the server says of its sessions is by its own clock; so is the query's start there.
  const shift = query.start - query.start_time;
  const program = session?.program || null;
  const list = phases(query, elapsed);
  const most = longest(list);
  return (
    <div className="panel__section">
      <dl className="defs">
        <dt>{t("activity.session")}</dt>
        <dd className="num selectable">{query.session_id < 0 ? t("activity.sessionGone") : query.session_id}</dd>
        <dt>{t("activity.dbUser")}</dt>
        <dd className="selectable">{query.user}</dd>
        <dt>{t("activity.dbName")}</dt>
        <dd className="selectable">{query.db_name}</dd>
        {!query.ours && program && (
          <>
            <dt>{t("activity.program")}</dt>
            <dd className="selectable">
              {program} <span className="faint">{session?.client}</span>
            </dd>
          </>
        )}
        {query.ours && (
          <>
            <dt>{t("activity.program")}</dt>
            <dd data-testid="query-ours">
              {query.ours.program}{" "}
              <span className="faint">
                <Origin ours={query.ours} />
              </span>
            </dd>
          </>
        )}
        <dt>{t("activity.started")}</dt>
        <dd className="num">{now - query.start > DAY ? moment(query.start, now) : clock(query.start)}</dd>
        {session && (
          <>
            <dt>{t("activity.sessionSince")}</dt>
            <dd className="num" data-testid="session-facts">
              {clock(session.since + shift)} <span className="faint">{session.status}</span>
            </dd>
            {session.transaction_since !== null && (
              <>
                <dt>{t("activity.transactionSince")}</dt>
                <dd className="num">
                  {clock(session.transaction_since + shift)}{" "}
                  <span className="faint">{age(now - session.transaction_since - shift)}</span>
                </dd>
              </>
            )}
          </>
        )}
        {(query.rows > 0 || query.bytes > 0) && (
          <>
            <dt>{t("activity.returned")}</dt>
            <dd className="num">{`${count(query.rows)} · ${bytes(query.bytes)}`}</dd>
          </>
        )}
        {query.cache_hit && (
          <>
            <dt>{t("activity.cache")}</dt>
            <dd>{t("activity.cacheHit")}</dd>
          </>
        )}
        {query.waits_for_lock && (
          <>
            <dt>{t("activity.lock")}</dt>
            <dd>{t("activity.waitsForLock")}</dd>
          </>
        )}
        <dt>{t("activity.whereItWent")}</dt>
        <dd>
          <div className="split-bar">
            <PhaseBar phases={list} />
            <small className="num">
              {most && most.name !== "unknown"
                ? t("activity.ofWhich", {
                    total: took(elapsed),
                    part: took(most.ms),
                    phase: t(`activity.${most.name}`),
                  })
                : took(elapsed)}
            </small>
          </div>
        </dd>
        {query.error && (
          <>
            <dt>{t("activity.error")}</dt>
            <dd className="mono selectable drawer__error">{query.error}</dd>
          </>
        )}
      </dl>
    </div>
  );
}
