// Why a statement failed: where, why, what to do, then the server's sentence as it came.
import { useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { copy } from "../../lib/clipboard";
import { asText, explain } from "../../lib/failure";
import { position, type RunFailure } from "./run-state";

interface Props {
  failed: RunFailure;
  /** The text that ran. */
  text: string;
  onGoTo: (offset: number) => void;
}

export function ErrorPanel({ failed, text, onGoTo }: Props) {
  const { t } = useTranslation();
  const { failure, statement } = failed;
  const explanation = explain(failure, t);
  const offset = failure.sql?.from ?? statement?.from ?? null;
  return (
    <div className="err" role="alert" data-testid="error-panel" data-code={failure.code}>
      <Icon name="cross" />
      <div>
        <h2>{explanation.what}</h2>
        <dl>
          {offset !== null && (
            <>
              <dt>{t("common.where")}</dt>
              <dd>
                <button type="button" className="link" onClick={() => onGoTo(offset)} data-testid="error-where">
                  {t("console.line", position(text, offset))}
                </button>
              </dd>
            </>
          )}
          <dt>{t("common.why")}</dt>
          <dd className="selectable">{explanation.why}</dd>
          <dt>{t("common.fix")}</dt>
          <dd>{explanation.fix}</dd>
          {explanation.server && (
            <>
              <dt>{t("common.server")}</dt>
              <dd className="mono selectable err__server" data-testid="error-server">
                {explanation.server}
              </dd>
            </>
          )}
        </dl>
        <button
          type="button"
          className="btn btn--sm err__copy"
          onClick={() => copy(asText(explanation), t("common.errorWhat"))}
        >
          {t("common.copyError")}
        </button>
      </div>
    </div>
  );
}
