// Cancels with a note: Redshift shows it to the owner in place of its own sentence.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { isComposing } from "../../lib/ime";
import type { ListedQuery } from "./listed";
import { stop } from "./stopping";

/** As the engine checks it. */
const LONGEST = 256;

interface Props {
  query: ListedQuery;
  onClose: () => void;
}

export function CancelNote({ query, onClose }: Props) {
  const { t } = useTranslation();
  const [note, setNote] = useState("");
  const bad = note.includes("\\");
  const ready = note.trim() !== "" && !bad;
  const send = () => {
    if (!ready) return;
    onClose();
    void stop(query, { note: note.trim() });
  };
  return (
    <Dialog
      title={t("activity.noteTitle")}
      onClose={onClose}
      testId="note-dialog"
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t("common.goBack")}
          </button>
          <button type="button" className="btn btn--primary" disabled={!ready} onClick={send} data-testid="note-send">
            {t("activity.cancelQuery")}
          </button>
        </>
      }
    >
      <p className="dim">{t("activity.noteText", { user: query.user })}</p>
      <div className="cancel-note">
        <input
          className="input"
          aria-label={t("activity.noteTitle")}
          placeholder={t("activity.notePlaceholder")}
          maxLength={LONGEST}
          value={note}
          onChange={(event) => setNote(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !isComposing(event)) send();
          }}
          data-autofocus
          data-testid="note-text"
        />
        {bad && (
          <p className="field__hint is-bad" role="alert">
            {t("activity.noteBackslash")}
          </p>
        )}
      </div>
    </Dialog>
  );
}
