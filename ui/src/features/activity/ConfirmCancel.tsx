// Before somebody else's query is canceled, or their session ended: whose it is, and what it does. The safe button has the focus.
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { useCancels } from "./cancels";
import { answer } from "./stopping";

/** Longer ones are cut: this is to be recognised, not read. */
const QUOTED = 1200;

export function ConfirmCancel() {
  const { t } = useTranslation();
  const question = useCancels((state) => state.question);
  if (!question) return null;
  const { query, wish } = question;
  const { terminate, note } = wish;
  const values = { user: query.user, session: String(query.session_id), database: query.target.database };
  return (
    <Dialog
      title={t(terminate ? "activity.terminateTitle" : "activity.confirmTitle", values)}
      role="alertdialog"
      wide
      onClose={() => void answer(false)}
      testId="confirm-cancel"
      foot={
        <>
          <button type="button" className="btn" onClick={() => void answer(false)} data-autofocus>
            {t("common.goBack")}
          </button>
          <button
            type="button"
            className="btn btn--danger"
            onClick={() => void answer(true)}
            data-testid="confirm-cancel-yes"
          >
            {t(terminate ? "activity.terminate" : "activity.cancelQuery")}
          </button>
        </>
      }
    >
      <p className="dim">{t(terminate ? "activity.terminateText" : "activity.confirmText", values)}</p>
      {note && <p className="dim">{t("activity.noteWillBe", { note })}</p>}
      <pre className="drawer__sql selectable" data-testid="confirm-cancel-text">
        {query.text.slice(0, QUOTED)}
      </pre>
    </Dialog>
  );
}
