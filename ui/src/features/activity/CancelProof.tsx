// What became of a cancel, step by step: one asked for here, or one that a client of ours has asked for itself.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import type { CancelOutcome, CancelReport, CancelStep, CancelStepKind, ClientCancel, Query } from "../../ipc/contract";
import { copy } from "../../lib/clipboard";
import { seconds } from "../../lib/format";
import type { Cancel } from "./cancels";
import { story } from "./story";

const titles = {
  canceled: "proof",
  terminated: "proof",
  ended: "proof",
  already_finished: "proofPlain",
  query_changed: "proofPlain",
  not_seen: "proofPlain",
  confirmation_needed: "proofPlain",
  still_running: "proofNot",
  not_permitted: "proofNot",
} as const satisfies Record<CancelOutcome, string>;

/** A cancel that was asked for in this panel. */
export function Proof(props: { query: Query; cancel: Cancel; onTerminate: () => void }) {
  const { t } = useTranslation();
  const { query, cancel, onTerminate } = props;
  const { report, failure, running } = cancel;
  return (
    <>
      {running && <Busy />}
      {failure && (
        <div className="panel__section">
          <FailureNote failure={failure} />
        </div>
      )}
      {report && (
        <Report query={query} title={t(`activity.${titles[report.outcome]}`)} report={report}>
          <Next query={query} report={report} terminated={cancel.terminate} onTerminate={onTerminate} />
        </Report>
      )}
    </>
  );
}

/** A cancel that a client of ours asked for, such as Ctrl+C in psql. */
export function ClientProof(props: { query: Query; program: string; cancel: ClientCancel }) {
  const { t } = useTranslation();
  const { query, program, cancel } = props;
  const title = program ? t("activity.clientCancel", { program }) : t("activity.clientCancelUnnamed");
  return (
    <>
      {!cancel.outcome && <Busy />}
      <Report query={query} title={title} report={cancel} />
    </>
  );
}

/** What can be done about a cancel that did not do. */
function Next(props: { query: Query; report: CancelReport; terminated: boolean; onTerminate: () => void }) {
  const { t } = useTranslation();
  const { query, report, terminated, onTerminate } = props;
  const { grant } = report;
  if (report.outcome === "still_running" && !terminated && query.live) {
    return (
      <>
        <p className="dim drawer__next">{t("activity.terminateText", { user: query.user })}</p>
        <button
          type="button"
          className="btn btn--sm btn--danger-quiet"
          onClick={onTerminate}
          data-testid="offer-terminate"
        >
          <Icon name="power" />
          {t("activity.terminate")}
        </button>
      </>
    );
  }
  if (report.outcome !== "not_permitted") return null;
  return (
    <>
      <p className="dim drawer__next">{t(grant ? "activity.grantNeeded" : "activity.superuserNeeded")}</p>
      {grant && (
        <div className="row drawer__grant">
          <code className="mono clip selectable grow" title={grant}>
            {grant}
          </code>
          <button
            type="button"
            className="btn btn--sm"
            onClick={() => copy(grant, t("activity.grantWhat"))}
            data-testid="copy-cancel-grant"
          >
            {t("activity.copyGrant")}
          </button>
        </div>
      )}
    </>
  );
}

function Busy() {
  return (
    <div className="progress progress--busy">
      <i />
    </div>
  );
}

type Told = Pick<ClientCancel, "outcome" | "steps" | "elapsed_ms" | "asked_at" | "session">;

function Report(props: { query: Query; title: string; report: Told; children?: ReactNode }) {
  const { t } = useTranslation();
  const { query, title, report, children } = props;
  const { outcome } = report;
  const proven = outcome !== null && titles[outcome] === "proof";
  const values = { query: query.query_id, session: String(query.session_id) };
  return (
    <div className="panel__section" role="status" data-testid="cancel-proof" data-outcome={outcome ?? "under-way"}>
      <h3 className="panel__title drawer__proof">
        {title}
        <span className="spacer" />
        <span className={`badge num ${proven ? "badge--ok" : "badge--warn"}`}>{`${seconds(report.elapsed_ms)} s`}</span>
      </h3>
      <ol className="steps">
        {report.steps.map((step) => (
          <Step key={`${step.kind}-${step.at_ms}`} step={step} session={values.session} />
        ))}
      </ol>
      {outcome && (
        <p className="row drawer__outcome">
          <span className={proven ? "state state--ok" : "state state--warn"}>
            <Icon name={proven ? "okc" : "alert"} size="sm" />
          </span>
          <span>
            <span className="dim">{t(`activity.outcome.${outcome}`, values)}</span>
            <span className="dim num drawer__story selectable" data-testid="cancel-story">
              {story(report, t)}
            </span>
          </span>
        </p>
      )}
      {children}
    </div>
  );
}

const calls: CancelStepKind[] = ["cancel_backend", "terminate_backend"];

function Step({ step, session }: { step: CancelStep; session: string }) {
  const { t } = useTranslation();
  return (
    <li className={step.ok ? "step step--ok" : "step step--warn"} data-testid={`step-${step.kind}`}>
      <span className="step__mark">
        <Icon name={step.ok ? "check" : "clock"} />
      </span>
      <div>
        <div className={calls.includes(step.kind) ? "mono drawer__call" : undefined}>
          {t(`activity.step.${step.kind}`, { session })}
        </div>
        {step.detail && <div className="step__note selectable">{step.detail}</div>}
      </div>
      <span className="step__time">{`${seconds(step.at_ms)} s`}</span>
    </li>
  );
}
