// Before a session with an open transaction is left: what would happen, and the ways to go.
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { FailureNote } from "../../../components/FailureNote";
import { useAttempt } from "../../../lib/attempt";
import { hourMinute } from "../../../lib/format";
import { isRunning, type Tab, useConsoles } from "../../../lib/state/consoles";

interface Props {
  tab: Tab;
  /** Closing the tab, or another session in it. */
  how: "close" | "switch";
  onStay: () => void;
  onLeave: () => void;
}

export function LeaveDialog({ tab, how, onStay, onLeave }: Props) {
  const { t } = useTranslation();
  const { transaction, target } = tab;
  const busy = isRunning(tab);
  const commit = useAttempt(async () => {
    // One that fails over it is rolled back: that is worth staying for.
    if (await useConsoles.getState().endTransaction(tab.id, true)) onLeave();
    else onStay();
  });
  const mayCommit = transaction !== null && !transaction.failed && !busy;
  return (
    <Dialog
      title={t(how === "close" ? "transaction.leaveClose" : "transaction.leaveSwitch")}
      role="alertdialog"
      onClose={onStay}
      testId="leave-dialog"
      foot={
        <>
          <button type="button" className="btn" onClick={onStay} data-autofocus data-testid="leave-stay">
            {t("common.goBack")}
          </button>
          {mayCommit && (
            <button
              type="button"
              className="btn"
              disabled={commit.running}
              onClick={() => commit.run()}
              data-testid="leave-commit"
            >
              {t(how === "close" ? "transaction.commitClose" : "transaction.commitSwitch")}
            </button>
          )}
          <button
            type="button"
            className="btn btn--danger"
            disabled={commit.running}
            onClick={onLeave}
            data-testid="leave-roll-back"
          >
            {t(how === "close" ? "transaction.rollBackClose" : "transaction.rollBackSwitch")}
          </button>
        </>
      }
    >
      <p className="dim">
        {t("transaction.leaveText", {
          count: transaction?.statements ?? 0,
          database: target.database,
          time: hourMinute(transaction?.since ?? 0),
        })}
      </p>
      {commit.failure && <FailureNote failure={commit.failure} />}
    </Dialog>
  );
}
