// Before a statement that changes or removes more than may be meant runs in production. The safe button has the focus, so
// that an Enter on its way confirms nothing; which statements are asked about is decided in Rust.
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import type { Danger } from "../../ipc/contract";
import { type Question, type Tab, useConsoles } from "../../lib/state/consoles";
import { position } from "./run-state";
import "./danger.css";

const whats = {
  update_all: "guard.updateAll",
  delete_all: "guard.deleteAll",
  truncate: "guard.truncate",
  drop_table: "guard.dropTable",
  drop_schema: "guard.dropSchema",
  drop_database: "guard.dropDatabase",
} as const satisfies Record<Danger, string>;

/** Statements of a script that are quoted; the others are counted. */
const QUOTED = 5;

export function DangerDialog({ tab, question }: { tab: Tab; question: Question }) {
  const { t } = useTranslation();
  const answer = (yes: boolean) => void useConsoles.getState().answer(tab.id, yes);
  const { dangers, text } = question;
  const more = dangers.length - QUOTED;
  const { database, db_name } = tab.target;
  return (
    <Dialog
      title={t("guard.title", { count: dangers.length, database })}
      role="alertdialog"
      wide
      onClose={() => answer(false)}
      testId="danger-dialog"
      foot={
        <>
          <button type="button" className="btn" onClick={() => answer(false)} data-autofocus data-testid="danger-back">
            {t("common.goBack")}
          </button>
          <button type="button" className="btn btn--danger" onClick={() => answer(true)} data-testid="danger-run">
            {t("guard.run", { count: dangers.length, env: tab.env ?? database })}
          </button>
        </>
      }
    >
      <p className="dim">
        {t(tab.manual || tab.transaction ? "guard.textManual" : "guard.textAuto", { database, name: db_name })}
      </p>
      <ul className="danger" data-testid="danger-list">
        {dangers.slice(0, QUOTED).map(({ danger, from, to }) => (
          <li key={from}>
            <span className="danger__what">
              <span className="state--bad strong">{t(whats[danger])}</span>
              <span className="faint num">{t("console.line", position(text, from))}</span>
            </span>
            <pre className="danger__sql mono selectable">{text.slice(from, to)}</pre>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="dim">{t("guard.more", { count: more })}</p>}
    </Dialog>
  );
}
