// One cell, whole: for texts that a row cannot show.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { FailureNote } from "../../components/FailureNote";
import { asFailure, backend } from "../../ipc/backend";
import type { Failure, Cell as FullCell, ResultInfo } from "../../ipc/contract";
import { copy } from "../../lib/clipboard";
import { bytes, count } from "../../lib/format";
import type { Cell } from "./grid/selection";

interface Props {
  result: ResultInfo;
  cell: Cell;
  onClose: () => void;
}

export function CellViewer({ result, cell, onClose }: Props) {
  const { t } = useTranslation();
  const [full, setFull] = useState<FullCell | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const { row, column } = cell;
  const title = t("console.cell", { column: result.columns[column]?.name ?? "", row: count(row + 1) });

  useEffect(() => {
    let current = true;
    backend()
      .call("result_cell", { result: result.id, row, column })
      .then((answer) => current && setFull(answer))
      .catch((reason) => current && setFailure(asFailure(reason)));
    return () => {
      current = false;
    };
  }, [result.id, row, column]);

  const text = full?.text ?? null;
  return (
    <Dialog
      title={title}
      wide
      onClose={onClose}
      testId="cell-viewer"
      foot={
        <>
          {full && (
            <span className="faint num cell__size">
              {full.cut
                ? t("console.cellCut", { shown: bytes(new Blob([text ?? ""]).size), size: bytes(full.bytes) })
                : bytes(full.bytes)}
            </span>
          )}
          {text !== null && (
            <button type="button" className="btn" onClick={() => copy(text, title)}>
              {t("common.copy")}
            </button>
          )}
          <button type="button" className="btn" onClick={onClose} data-autofocus>
            {t("common.close")}
          </button>
        </>
      }
    >
      {failure && <FailureNote failure={failure} />}
      {full &&
        (text === null ? (
          <p className="dim">{t("console.cellNull")}</p>
        ) : (
          <pre className="codebox cell__text selectable">{text}</pre>
        ))}
    </Dialog>
  );
}
