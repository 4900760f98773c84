// In the context bar: whether statements commit by themselves, the transaction that is open, and its two ways out. All of
// it is what the server says; nothing is read from the text.
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { keys } from "../../../components/Keys";
import { asFailure } from "../../../ipc/backend";
import { hourMinute } from "../../../lib/format";
import { isRunning, type Tab, useConsoles } from "../../../lib/state/consoles";
import { useToasts } from "../../../lib/state/toasts";
import { useEndTransaction } from "./useEndTransaction";
import "./transaction.css";

export const COMMIT_KEYS = "Ctrl Shift Y";
export const ROLL_BACK_KEYS = "Ctrl Shift X";

export function TransactionControl({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  const { commit, rollBack, ending } = useEndTransaction(tab);
  const { transaction, manual } = tab;
  const busy = isRunning(tab) || ending;
  const since = transaction
    ? t("transaction.since", { count: transaction.statements, time: hourMinute(transaction.since) })
    : "";
  const setManual = (to: boolean) => {
    useConsoles
      .getState()
      .setManual(tab.id, to)
      .catch((reason) => useToasts.getState().fail(asFailure(reason)));
  };

  return (
    <>
      <span className="con__choice tx__mode">
        <select
          aria-label={t("transaction.mode")}
          title={t(manual ? "transaction.manualHint" : "transaction.autoHint")}
          value={manual ? "manual" : "auto"}
          onChange={(event) => setManual(event.target.value === "manual")}
          data-testid="transaction-mode"
        >
          <option value="auto">{t("transaction.auto")}</option>
          <option value="manual">{t("transaction.manual")}</option>
        </select>
        <Icon name="down" />
      </span>
      {transaction && (
        <>
          <span
            className={`state tx__state ${transaction.failed ? "state--bad" : "state--warn"}`}
            data-testid="transaction-state"
            data-state={transaction.failed ? "failed" : "open"}
          >
            <i className={transaction.failed ? "dot dot--bad" : "dot dot--warn"} />
            {t(transaction.failed ? "transaction.failed" : "transaction.open")}
          </span>
          <span className="dim num clip tx__more" title={since} data-testid="transaction-since">
            {since}
          </span>
          {!transaction.failed && (
            <button
              type="button"
              className="btn btn--sm"
              disabled={busy}
              title={keys(COMMIT_KEYS)}
              onClick={commit}
              data-testid="commit"
            >
              {t("transaction.commit")}
            </button>
          )}
          <button
            type="button"
            className={transaction.failed ? "btn btn--sm" : "btn btn--sm btn--ghost"}
            disabled={busy}
            title={keys(ROLL_BACK_KEYS)}
            onClick={rollBack}
            data-testid="roll-back"
          >
            {t("transaction.rollBack")}
          </button>
        </>
      )}
    </>
  );
}
