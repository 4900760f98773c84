// The grid in React: what it shows, what is selected, copying, and the viewer of one cell.
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { asFailure, backend } from "../../../ipc/backend";
import type { Failure, ResultInfo } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import { useToasts } from "../../../lib/state/toasts";
import { CellViewer } from "../CellViewer";
import { GridView } from "./GridView";
import { bounds, type Cell, cellCount, type Selection } from "./selection";
import { totals } from "./sums";
import { toTsv } from "./tsv";
import { type Row, RowWindows } from "./windows";

/** Copying more is an export. */
const MOST_COPIED_ROWS = 100_000;
const MOST_SUMMED = 10_000;
const PAGE = 1000;

export function ResultGrid({ result }: { result: ResultInfo }) {
  const { t, i18n } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const grid = useRef<GridView | null>(null);
  const rows = useRef<RowWindows | null>(null);
  const [selection, setSelection] = useState<Selection | null>(null);
  const [seen, setSeen] = useState({ first: 0, last: -1 });
  const [opened, setOpened] = useState<Cell | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const total = result.rows;
  const current = useRef({ result, selection });
  current.current = { result, selection };

  const copySelection = useCallback(async () => {
    const { result: from, selection: what } = current.current;
    if (!what) return;
    const box = bounds(what);
    const lines = box.bottom - box.top + 1;
    const toasts = useToasts.getState();
    if (lines > MOST_COPIED_ROWS) {
      return toasts.tell(t("console.copyTooMuch", { rows: count(lines), most: count(MOST_COPIED_ROWS) }));
    }
    try {
      const cells = await readCells(from.id, box.top, lines, box.left, box.right);
      await backend().clipboard.write(toTsv(cells));
      const n = cellCount(box);
      toasts.tell(t("console.copiedCells", { count: n, n: count(n) }));
    } catch (reason) {
      toasts.fail(asFailure(reason));
    }
  }, [t]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: columns belong to the id; a new language redraws the labels
  useEffect(() => {
    if (!host.current) return;
    const source = new RowWindows(
      (first, size) => backend().call("result_window", { result: result.id, first, count: size }),
      () => {
        setFailure(source.failure);
        grid.current?.refresh();
      },
    );
    const view = new GridView(
      host.current,
      result.columns,
      source,
      { label: t("console.grid"), rowNumber: t("console.rowNumber"), resize: t("common.resize") },
      {
        selected: setSelection,
        seen: (first, last) =>
          setSeen((before) => (before.first === first && before.last === last ? before : { first, last })),
        open: setOpened,
        copy: copySelection,
      },
    );
    grid.current = view;
    rows.current = source;
    setSelection(null);
    return () => {
      grid.current = null;
      rows.current = null;
      source.close();
      view.destroy();
    };
  }, [result.id, i18n.language, copySelection]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new grid must be told too
  useEffect(() => grid.current?.setRows(total), [total, result.id, i18n.language]);

  return (
    <>
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={() => rows.current?.retry()} />
        </div>
      )}
      <div className="dgrid" ref={host} data-testid="result-rows" data-rows={total} />
      <div className="gridfoot num">
        <SelectionSums selection={selection} rows={rows.current} />
        <span className="spacer" />
        {seen.last >= seen.first && (
          <span>
            {t("console.rowsSeen", { first: count(seen.first + 1), last: count(seen.last + 1), all: count(total) })}
          </span>
        )}
      </div>
      {opened && (
        <CellViewer
          result={result}
          cell={opened}
          onClose={() => {
            setOpened(null);
            grid.current?.focus();
          }}
        />
      )}
    </>
  );
}

function SelectionSums({ selection, rows }: { selection: Selection | null; rows: RowWindows | null }) {
  const { t } = useTranslation();
  if (!selection) return null;
  const box = bounds(selection);
  const cells = cellCount(box);
  const sums = cells > 1 && cells <= MOST_SUMMED && rows ? totals(cellsHere(rows, box)) : null;
  return (
    <>
      <span>{t("console.cells", { count: cells, n: count(cells) })}</span>
      {sums && (
        <>
          <span>
            <span className="faint">{t("console.sum")}</span> {sums.sum}
          </span>
          <span>
            <span className="faint">{t("console.average")}</span> {sums.average}
          </span>
        </>
      )}
    </>
  );
}

/** Cells that have not arrived make the sum unknown: a text that is no number stands for them. */
function cellsHere(rows: RowWindows, box: ReturnType<typeof bounds>): Array<string | null> {
  const out: Array<string | null> = [];
  for (let row = box.top; row <= box.bottom; row++) {
    const cells = rows.row(row);
    for (let column = box.left; column <= box.right; column++) {
      const text = cells?.[column];
      out.push(text === undefined ? "?" : text);
    }
  }
  return out;
}

/** The whole text of every cell, also of those that the grid shows cut. */
async function readCells(result: string, top: number, lines: number, left: number, right: number): Promise<Row[]> {
  const out: Row[] = [];
  while (out.length < lines) {
    const size = Math.min(PAGE, lines - out.length);
    const page = await backend().call("result_window", { result, first: top + out.length, count: size });
    if (page.rows.length === 0) break;
    for (const { row, column } of page.cut) {
      const cells = page.rows[row - page.first];
      if (!cells || column < left || column > right) continue;
      cells[column] = (await backend().call("result_cell", { result, row, column })).text;
    }
    out.push(...page.rows.map((cells) => cells.slice(left, right + 1)));
  }
  return out;
}
