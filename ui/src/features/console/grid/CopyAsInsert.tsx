// INSERT needs the name of a table, which a result does not have.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { isComposing } from "../../../lib/ime";
import { tableName } from "./literals";

interface Props {
  /** As it was typed the last time. */
  table: string;
  onCopy: (typed: string, table: string) => void;
  onClose: () => void;
}

export function CopyAsInsert({ table, onCopy, onClose }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(table);
  const name = tableName(typed);
  const done = () => name && onCopy(typed, name);
  return (
    <Dialog
      title={t("console.insertTitle")}
      onClose={onClose}
      testId="copy-insert"
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t("common.goBack")}
          </button>
          <button
            type="button"
            className="btn btn--primary"
            disabled={!name}
            onClick={done}
            data-testid="copy-insert-do"
          >
            {t("console.copyInsert")}
          </button>
        </>
      }
    >
      <div className="field insert__field">
        <label className="field__label" htmlFor="insert-table">
          {t("console.insertTable")}
        </label>
        <input
          id="insert-table"
          className="input mono"
          value={typed}
          placeholder="schema.table"
          spellCheck={false}
          data-autofocus
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !isComposing(event)) done();
          }}
          data-testid="insert-table"
        />
        <span className="field__hint">{t("console.insertHint")}</span>
      </div>
    </Dialog>
  );
}
