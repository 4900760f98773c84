// The statement that makes a table or view, to read, to copy, or to go on from in a tab of its own.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { FailureNote } from "../../../components/FailureNote";
import { asFailure, backend } from "../../../ipc/backend";
import type { Failure, ObjectRow } from "../../../ipc/contract";
import { copy } from "../../../lib/clipboard";
import { type Tab, useConsoles } from "../../../lib/state/consoles";
import { useToasts } from "../../../lib/state/toasts";

interface Props {
  tab: Tab;
  row: ObjectRow;
  onClose: () => void;
}

export function Definition({ tab, row, onClose }: Props) {
  const { t } = useTranslation();
  const { target } = tab;
  const [sql, setSql] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { schema, name } = row;
  const full = `${schema}.${name}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog is of one table for as long as it is open
  useEffect(() => {
    let over = false;
    backend()
      .call("object_definition", { target, schema: schema ?? "", name })
      .then(
        (text) => over || setSql(text),
        (reason) => over || setFailure(asFailure(reason)),
      );
    return () => {
      over = true;
    };
  }, []);

  const edit = () => {
    onClose();
    useConsoles
      .getState()
      .open(target, sql ?? "", tab.read_only)
      .catch((reason) => useToasts.getState().fail(asFailure(reason)));
  };

  return (
    <Dialog
      title={t("objects.definitionOf", { name: full })}
      wide
      onClose={onClose}
      testId="definition"
      foot={
        <>
          {sql !== null && (
            <>
              <button type="button" className="btn" onClick={edit} data-testid="definition-edit">
                {t("objects.openInTab")}
              </button>
              <button
                type="button"
                className="btn"
                onClick={() => void copy(sql, t("objects.definitionOf", { name: full }))}
                data-testid="definition-copy"
              >
                {t("common.copy")}
              </button>
            </>
          )}
          <button type="button" className="btn btn--primary" onClick={onClose} data-autofocus>
            {t("common.close")}
          </button>
        </>
      }
    >
      {failure && <FailureNote failure={failure} />}
      {!failure && sql === null && <p className="dim">{t("objects.definitionWait")}</p>}
      {sql !== null && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long text is scrolled with the keys
        <pre className="otree__sql mono selectable" tabIndex={0} data-testid="definition-sql">
          {sql}
        </pre>
      )}
    </Dialog>
  );
}
