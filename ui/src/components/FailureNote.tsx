// A failure on the screen: what, why, what to do, then the words of the server or of AWS as they came.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Failure } from "../ipc/contract";
import { copy } from "../lib/clipboard";
import { asText, explain, place } from "../lib/failure";
import { Icon } from "./Icon";

interface Props {
  failure: Failure;
  /** Does again what failed. */
  onRetry?: () => void;
  /** What else one can do about it right here. */
  children?: ReactNode;
}

export function FailureNote({ failure, onRetry, children }: Props) {
  const { t } = useTranslation();
  const explanation = explain(failure, t);
  const where = place(failure);
  return (
    <div className="failure" role="alert" data-testid="error-panel" data-code={failure.code}>
      <Icon name="cross" />
      <div className="failure__body">
        <p className="strong">{explanation.what}</p>
        {where && <p className="mono selectable">{where}</p>}
        <p className="dim selectable">{explanation.why}</p>
        <p className="dim">{explanation.fix}</p>
        {explanation.server && (
          <dl className="failure__server">
            <dt>{t("common.server")}</dt>
            <dd className="mono selectable">{explanation.server}</dd>
          </dl>
        )}
        <div className="failure__do">
          {onRetry && (
            <button type="button" className="btn btn--sm" onClick={onRetry}>
              {t("common.tryAgain")}
            </button>
          )}
          {children}
          <button
            type="button"
            className="btn btn--sm btn--ghost"
            onClick={() => copy(asText(explanation), t("common.errorWhat"))}
          >
            {t("common.copyError")}
          </button>
        </div>
      </div>
    </div>
  );
}
