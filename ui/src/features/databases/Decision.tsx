// Whether the roles allow a login, said before one tries, with every step on demand.
import { useEffect, useState } from "react";
import { Trans, useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { asFailure, backend } from "../../ipc/backend";
import type { AccessDecision, Database, Failure, Target } from "../../ipc/contract";
import { permits } from "../../lib/choices";

/** Asks the roles a moment after the last key, and forgets answers to older questions. */
export function useDecision(target: Target): { decision: AccessDecision | null; failure: Failure | null } {
  const { database, db_user, db_name } = target;
  const [decision, setDecision] = useState<AccessDecision | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    setDecision(null);
    setFailure(null);
    const asked = { database, db_user: db_user.trim(), db_name: db_name.trim() };
    if (asked.db_user === "" || asked.db_name === "") return;
    let current = true;
    const timer = setTimeout(() => {
      backend()
        .call("access_check", asked)
        .then((answer) => current && setDecision(answer))
        .catch((reason) => current && setFailure(asFailure(reason)));
    }, 120);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [database, db_user, db_name]);
  return { decision, failure };
}

interface DecisionProps {
  decision: AccessDecision | null;
  complete: boolean;
  choices: Database;
  target: Target;
}

export function Decision({ decision, complete, choices, target }: DecisionProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  if (!complete) return <p className="row faint decision">{t("databases.choose")}</p>;
  if (!decision) {
    // Nothing jumps when the answer comes: the line keeps its place, and known refusals are not asked twice.
    const hopeless = !permits(choices.db_users, target.db_user) || !permits(choices.db_names, target.db_name);
    return <p className="row faint decision">{hopeless ? t("databases.denied") : t("databases.checking")}</p>;
  }
  const { allowed, role, reason, steps } = decision;
  const key = allowed ? (role ? "allowedBy" : "allowed") : role ? "deniedBy" : "denied";
  return (
    <>
      <p className="row dim decision" data-testid="decision" data-allowed={allowed}>
        <span className={allowed ? "state state--ok" : "state state--bad"}>
          <Icon name={allowed ? "okc" : "cross"} size="sm" />
        </span>
        <span className="clip">
          <Trans i18nKey={`databases.${key}`} values={{ role }} components={{ b: <b className="strong" /> }} />
        </span>
        <span className="spacer" />
        <button
          type="button"
          className="link"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          data-testid="decision-why"
        >
          {open ? t("databases.hide") : t("databases.why")}
        </button>
      </p>
      {(open || !allowed) && <p className="dim decision__reason selectable">{reason}</p>}
      {open && (
        <ol className="steps decision__steps">
          {steps.map((step, index) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: the order is the identity
              key={index}
              className={step.matched ? "step step--ok" : "step step--skip"}
            >
              <span className="step__mark">
                <Icon name={step.matched ? "check" : "x"} />
              </span>
              <div>
                <div>
                  {step.role} · {step.effect} · <span className="mono">{step.condition}</span>
                </div>
                <div className="step__note selectable">{step.detail}</div>
              </div>
              <span className="step__time">{t(step.matched ? "databases.matched" : "databases.notMatched")}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
