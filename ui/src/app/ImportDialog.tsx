// Roles, users and databases from YAML: a file, or pasted text.
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../components/Dialog";
import { FailureNote } from "../components/FailureNote";
import { Icon } from "../components/Icon";
import { useAttempt } from "../lib/attempt";
import { createResources, useResources } from "../lib/resources";

export function ImportDialog() {
  const { t } = useTranslation();
  const setDialog = useResources((state) => state.setDialog);
  const [fileName, setFileName] = useState(t("import.textName"));
  const [text, setText] = useState("");
  const picker = useRef<HTMLInputElement>(null);
  const close = () => setDialog(false);
  const create = useAttempt((force: boolean) => createResources(fileName, text, force));
  const submit = async (force: boolean) => {
    if (await create.run(force)) close();
  };

  return (
    <Dialog
      title={t("import.title")}
      wide
      onClose={close}
      testId="import-dialog"
      foot={
        <>
          <button type="button" className="btn" onClick={close}>
            {t("common.goBack")}
          </button>
          <button
            type="button"
            className="btn btn--primary"
            disabled={create.running || text.trim() === ""}
            onClick={() => submit(false)}
            data-testid="import-create"
          >
            {create.running ? t("import.creating") : t("import.create")}
          </button>
        </>
      }
    >
      <p className="dim">{t("import.lead")}</p>
      <div className="import__file">
        <button type="button" className="btn btn--sm" onClick={() => picker.current?.click()}>
          <Icon name="file" />
          {t("import.open")}
        </button>
        <span className="mono dim clip">{fileName}</span>
        <input
          ref={picker}
          type="file"
          accept=".yaml,.yml,text/yaml"
          hidden
          data-testid="import-file"
          onChange={async (event) => {
            const file = event.target.files?.[0];
            if (!file) return;
            create.clear();
            setFileName(file.name);
            setText(await file.text());
          }}
        />
      </div>
      <textarea
        className="input import__text mono"
        aria-label={t("import.text")}
        placeholder={t("import.placeholder")}
        spellCheck={false}
        data-autofocus
        value={text}
        data-testid="import-text"
        onChange={(event) => setText(event.target.value)}
      />
      {create.failure && (
        <FailureNote failure={create.failure}>
          {create.failure.code === "already_exists" && (
            <button type="button" className="btn btn--sm" onClick={() => submit(true)} data-testid="import-replace">
              {t("common.replace")}
            </button>
          )}
        </FailureNote>
      )}
    </Dialog>
  );
}
