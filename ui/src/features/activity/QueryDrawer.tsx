// One query: its text, its facts, where its time went, and the cancel with its proof.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import type { Query } from "../../ipc/contract";
import { copy } from "../../lib/clipboard";
import { clock, took } from "../../lib/format";
import { useDatabases } from "../../lib/state/databases";
import { CancelNote } from "./CancelNote";
import { ClientProof, Proof } from "./CancelProof";
import { type Cancel, cancelKey, useCancels } from "./cancels";
import { PhaseBar } from "./PhaseBar";
import { elapsedNow, longest, phases } from "./phases";
import { stop, terminate } from "./stopping";
import { useActivity } from "./store";

/** SYS_QUERY_HISTORY cuts the text here. */
const TEXT_LIMIT = 4000;

interface Props {
  query: Query;
  asOf: number;
  now: number;
}

export function QueryDrawer({ query, asOf, now }: Props) {
  const { t } = useTranslation();
  const target = useActivity((state) => state.target);
  const cancel = useCancels((state) => (target ? state.cancels[cancelKey(target, query)] : undefined));
  const [terminating, setTerminating] = useState(false);
  const select = useActivity((state) => state.select);
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
            onClick={() => copy(query.text, t("activity.statementWhat"))}
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
        {terminating && <Terminate query={query} onClose={() => setTerminating(false)} />}
      </div>
      <div className="panel__scroll">
        {cancel && <Proof query={query} cancel={cancel} onTerminate={() => setTerminating(true)} />}
        {!cancel && query.ours?.cancel && (
          <ClientProof query={query} program={query.ours.program} cancel={query.ours.cancel} />
        )}
        <div className="panel__section">
          <pre className="drawer__sql selectable">{query.text}</pre>
          {query.text.length >= TEXT_LIMIT && <p className="faint drawer__cut">{t("activity.cut")}</p>}
        </div>
        <Facts query={query} elapsed={elapsedNow(query, asOf, now)} />
      </div>
    </aside>
  );
}

function badge(status: string): string {
  return { canceled: "badge--warn", failed: "badge--bad", success: "badge--ok" }[status] ?? "";
}

function Actions(props: { query: Query; cancel: Cancel | undefined; onTerminate: () => void }) {
  const { t } = useTranslation();
  const { query, cancel, onTerminate } = props;
  const [noting, setNoting] = useState(false);
  const target = useActivity((state) => state.target);
  const engine = useDatabases((state) => state.list?.find(({ name }) => name === target?.database)?.engine);
  const busy = cancel?.running ?? false;
  return (
    <div className="row drawer__do">
      <button
        type="button"
        className="btn btn--sm"
        disabled={busy}
        onClick={() => void stop(target, query)}
        data-testid="cancel-query"
      >
        <Icon name="stop" />
        {busy && !cancel?.terminate ? t("activity.canceling") : t("activity.cancelQuery")}
      </button>
      {engine !== "postgres" && (
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
      {noting && target && <CancelNote target={target} query={query} onClose={() => setNoting(false)} />}
    </div>
  );
}

/** One's own session is ended after this one question; another's is asked about with its text. */
function Terminate({ query, onClose }: { query: Query; onClose: () => void }) {
  const { t } = useTranslation();
  const target = useActivity((state) => state.target);
  const values = { session: String(query.session_id), database: target?.database ?? "", user: query.user };
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
              void terminate(target, query);
            }}
            data-testid="terminate-confirm"
          >
            {t("activity.terminate")}
          </button>
        </>
      }
    >
      <p className="dim">{t("activity.terminateText", values)}</p>
      <pre className="drawer__sql selectable">{query.text.slice(0, 1200)}</pre>
    </Dialog>
  );
}

function Facts({ query, elapsed }: { query: Query; elapsed: number }) {
  const { t } = useTranslation();
  const list = phases(query, elapsed);
  const most = longest(list);
  return (
    <div className="panel__section">
      <dl className="defs">
        <dt>{t("activity.session")}</dt>
        <dd className="num selectable">{query.session_id}</dd>
        <dt>{t("activity.dbUser")}</dt>
        <dd className="selectable">{query.user}</dd>
        <dt>{t("activity.dbName")}</dt>
        <dd className="selectable">{query.db_name}</dd>
        {query.ours && (
          <>
            <dt>{t("activity.program")}</dt>
            <dd>
              {query.ours.program} <span className="faint">{t("activity.ours")}</span>
            </dd>
          </>
        )}
        <dt>{t("activity.started")}</dt>
        <dd className="num">{clock(query.start_time)}</dd>
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
