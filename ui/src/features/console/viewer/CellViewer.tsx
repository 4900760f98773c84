// One cell, whole: its text, its tree when it is JSON or SUPER, its bytes.
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { Keys } from "../../../components/Keys";
import { asFailure } from "../../../ipc/backend";
import type { Failure, Cell as FullCell, ResultInfo } from "../../../ipc/contract";
import { copy } from "../../../lib/clipboard";
import { bytes, count } from "../../../lib/format";
import { bytesOf, hexLine, hexLines, isBinary } from "./hex";
import { JsonTree } from "./JsonTree";
import { isBranch, type JsonNode, parseJson } from "./json";
import { Lines } from "./Lines";
import { PlainText } from "./PlainText";

type Look = "text" | "tree" | "bytes";

interface Props {
  result: ResultInfo;
  /** Row of the screen, and how many there are. */
  row: number;
  rows: number;
  /** Column of the result. */
  source: number;
  /** Gives a cell of the screen whole. */
  read: (row: number, source: number) => Promise<FullCell>;
  /** Asks for a cell of the same column, above or below. */
  onRow: (row: number) => void;
  onClose: () => void;
}

const lookWords = { text: "console.lookText", tree: "console.lookTree", bytes: "console.lookBytes" } as const;

const HEX_ROW = 20;

export function CellViewer({ result, row, rows, source, read, onRow, onClose }: Props) {
  const { t } = useTranslation();
  const [full, setFull] = useState<FullCell | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [picked, setPicked] = useState<Look | null>(null);
  const [wrap, setWrap] = useState(true);
  const column = result.columns[source];
  const type = column?.type_name ?? "";
  const title = t("console.cell", { column: column?.name ?? "", row: count(row + 1) });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the cell says what to read
  useEffect(() => {
    let current = true;
    read(row, source)
      .then((answer) => {
        if (!current) return;
        setFull(answer);
        setFailure(null);
      })
      .catch((reason) => current && setFailure(asFailure(reason)));
    return () => {
      current = false;
    };
  }, [result.id, row, source]);

  const text = full?.text ?? null;
  const tree = useMemo(() => treeOf(text), [text]);
  const looks: Look[] = tree ? ["tree", "text", "bytes"] : ["text", "bytes"];
  const usual: Look = isBinary(type) ? "bytes" : tree ? "tree" : "text";
  const look = picked && looks.includes(picked) ? picked : usual;

  const step = (by: number) => {
    const next = row + by;
    if (next >= 0 && next < rows) onRow(next);
  };

  return (
    <Dialog
      title={title}
      large
      onClose={onClose}
      onKey={(event) => {
        if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
        event.preventDefault();
        step(event.key === "ArrowUp" ? -1 : 1);
      }}
      testId="cell-viewer"
      foot={
        <>
          <span className="viewer__steps">
            <button
              type="button"
              className="btn btn--icon"
              aria-label={t("console.cellAbove")}
              title={`${t("console.cellAbove")}  Alt ↑`}
              disabled={row === 0}
              onClick={() => step(-1)}
            >
              <Icon name="up" />
            </button>
            <button
              type="button"
              className="btn btn--icon"
              aria-label={t("console.cellBelow")}
              title={`${t("console.cellBelow")}  Alt ↓`}
              disabled={row >= rows - 1}
              onClick={() => step(1)}
              data-testid="cell-below"
            >
              <Icon name="down" />
            </button>
          </span>
          {full && (
            <span className="faint num cell__size">
              {type}
              {" · "}
              {full.cut
                ? t("console.cellCut", { shown: bytes(new Blob([text ?? ""]).size), size: bytes(full.bytes) })
                : bytes(full.bytes)}
            </span>
          )}
          {text !== null && (
            <button type="button" className="btn" onClick={() => copy(text, title)} data-testid="copy-cell">
              {t("common.copy")}
            </button>
          )}
          <button type="button" className="btn" onClick={onClose} data-autofocus>
            {t("common.close")} <Keys of="Esc" />
          </button>
        </>
      }
    >
      <div className="viewer">
        {text !== null && (
          <div className="segmented viewer__looks" role="tablist" aria-label={t("console.looks")}>
            {looks.map((one) => (
              <button
                type="button"
                role="tab"
                key={one}
                className={`segmented__item${one === look ? " is-on" : ""}`}
                aria-selected={one === look}
                onClick={() => setPicked(one)}
                data-testid={`look-${one}`}
              >
                {t(lookWords[one])}
              </button>
            ))}
          </div>
        )}
        {failure && <FailureNote failure={failure} />}
        {full && text === null && !failure && <p className="dim">{t("console.cellNull")}</p>}
        {text === "" && <p className="dim viewer__note">{t("console.cellEmpty")}</p>}
        {text !== null && text !== "" && look === "text" && (
          <PlainText key={`${row}-${source}`} text={text} wrap={wrap} onWrap={setWrap} />
        )}
        {tree && look === "tree" && <JsonTree key={`${row}-${source}`} root={tree} column={column?.name ?? ""} />}
        {text !== null && text !== "" && look === "bytes" && <Bytes text={text} type={type} />}
      </div>
    </Dialog>
  );
}

/** Only what has branches is worth a tree: a number is JSON too. */
function treeOf(text: string | null): JsonNode | null {
  if (text === null || !/^\s*[[{]/.test(text)) return null;
  const root = parseJson(text);
  return root && isBranch(root) ? root : null;
}

function Bytes({ text, type }: { text: string; type: string }) {
  const all = useMemo(() => bytesOf(text, type), [text, type]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <div className="viewer__hex selectable" tabIndex={0} data-testid="cell-bytes">
      <Lines
        count={hexLines(all)}
        height={HEX_ROW}
        reveal={null}
        className="viewer__lines"
        line={(index) => {
          const { offset, hex, ascii } = hexLine(all, index);
          return (
            <div className="viewer__hexrow" key={index}>
              <span className="faint">{offset}</span>
              <span>{hex}</span>
              <span className="dim">{ascii}</span>
            </div>
          );
        }}
      />
    </div>
  );
}
