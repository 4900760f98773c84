// The grid in React: what it shows, what is selected, its menus, copying, and the viewer of one cell.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { PopupMenu } from "../../../components/PopupMenu";
import { backend } from "../../../ipc/backend";
import type { Failure, ResultInfo } from "../../../ipc/contract";
import { copy as copyOne } from "../../../lib/clipboard";
import { count } from "../../../lib/format";
import { CellViewer } from "../viewer/CellViewer";
import { CopyAsInsert } from "./CopyAsInsert";
import type { Range, Rows } from "./copying";
import type { CopyFormat } from "./formats";
import { GridFoot } from "./GridFoot";
import { type GridHooks, GridView } from "./GridView";
import { arranged, type Layout } from "./layout";
import { cellEntries, columnEntries } from "./menus";
import { keepPlace, placeOf } from "./places";
import { bounds, type Cell, type Selection } from "./selection";
import { useCopy } from "./useCopy";
import { RowWindows } from "./windows";

type Menu = { of: "column"; at: number; x: number; y: number } | { of: "cells"; x: number; y: number };

const didWords = {
  moved: "console.didMove",
  resized: "console.didResize",
  hidden: "console.didHide",
} as const;

/** The table of the last INSERT, for the next one. */
let lastTable = "";

export function ResultGrid({ result, growing }: { result: ResultInfo; growing: boolean }) {
  const { t, i18n } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const grid = useRef<GridView | null>(null);
  const windows = useRef<RowWindows | null>(null);
  const [selection, setSelection] = useState<Selection | null>(() => placeOf(result.id)?.selection ?? null);
  const [layout, setLayout] = useState<Layout>(
    () => placeOf(result.id)?.layout ?? arranged(result.columns.map(() => 0)),
  );
  const [seen, setSeen] = useState({ first: 0, last: -1, following: false });
  const [opened, setOpened] = useState<{ row: number; source: number } | null>(null);
  const [menu, setMenu] = useState<Menu | null>(null);
  const [inserting, setInserting] = useState(false);
  const [going, setGoing] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [said, setSaid] = useState("");
  const total = result.rows;
  const columns = result.columns;

  const rows = useMemo<Rows>(
    () => ({
      window: (first, size) => backend().call("result_window", { result: result.id, first, count: size }),
      cell: (row, column) => backend().call("result_cell", { result: result.id, row, column }),
    }),
    [result.id],
  );
  const { copy, busy } = useCopy(rows, columns);

  const range = (): Range | null => {
    if (!selection) return null;
    const { top, bottom, left, right } = bounds(selection);
    return { first: top, count: bottom - top + 1, sources: layout.order.slice(left, right + 1) };
  };
  const copyAs = (format: CopyFormat, head = false) => {
    const what = range();
    if (format === "insert") setInserting(true);
    else if (what) void copy(what, format, { head, table: "" });
  };
  const openCell = ({ row, column }: Cell) => {
    const source = layout.order[column];
    if (source !== undefined) setOpened({ row, source });
  };
  const nameOf = (source: number) => columns[source]?.name ?? "";

  // The grid outlives a render: it is handed what never changes, which calls what does.
  const live = useRef<GridHooks | null>(null);
  live.current = {
    selected: setSelection,
    arranged: setLayout,
    seen: (first, last, following) =>
      setSeen((before) =>
        before.first === first && before.last === last && before.following === following
          ? before
          : { first, last, following },
      ),
    open: openCell,
    copy: (head) => copyAs("tsv", head),
    copyName: (source) => void copyOne(nameOf(source), nameOf(source)),
    columnMenu: (at, x, y) => setMenu({ of: "column", at, x, y }),
    cellMenu: (x, y) => setMenu({ of: "cells", x, y }),
    goTo: () => setGoing(true),
    did: (what, source, at) =>
      setSaid(t(didWords[what], { column: nameOf(source), place: count(at + 1), all: count(layout.order.length) })),
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: columns belong to the id; a new language redraws the labels
  useEffect(() => {
    if (!host.current) return;
    const source = new RowWindows(rows.window, () => {
      setFailure(source.failure);
      grid.current?.refresh();
    });
    const view = new GridView(
      host.current,
      columns,
      source,
      {
        label: t("console.grid"),
        rowNumber: t("console.rowNumber"),
        resize: t("console.resizeColumn"),
        menu: t("console.columnMenu"),
        empty: t("console.emptyValue"),
        row: (row) => t("console.rowSaid", { row: count(row + 1) }),
        filtered: t("console.filteredSaid"),
        sorted: (descending) => t(descending ? "console.sortedDown" : "console.sortedUp"),
      },
      forwarded(live),
      placeOf(result.id),
    );
    grid.current = view;
    windows.current = source;
    return () => {
      keepPlace(result.id, view.place());
      grid.current = null;
      windows.current = null;
      source.close();
      view.destroy();
    };
  }, [result.id, i18n.language]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new grid must be told too
  useEffect(() => grid.current?.setRows(total, growing), [total, growing, result.id, i18n.language]);

  const closeMenu = useCallback(() => {
    setMenu(null);
    grid.current?.focus();
  }, []);

  return (
    <div className="rgrid">
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={() => windows.current?.retry()} />
        </div>
      )}
      <div className="dgrid" ref={host} data-testid="result-rows" data-rows={total} />
      <GridFoot
        rows={rows}
        columns={columns}
        layout={layout}
        selection={selection}
        copying={busy}
        seen={seen}
        total={total}
        going={going}
        onGoing={(open) => {
          setGoing(open);
          if (!open) grid.current?.focus();
        }}
        onGo={(row) => {
          setGoing(false);
          grid.current?.goTo(row);
          grid.current?.focus();
        }}
        onShowAll={() => grid.current?.showAllColumns()}
        onCopyMenu={(x, y) => setMenu({ of: "cells", x, y })}
      />
      <div className="sr" role="status" aria-live="polite">
        {said}
      </div>
      {menu?.of === "column" && (
        <PopupMenu
          label={nameOf(layout.order[menu.at] ?? -1)}
          at={menu}
          entries={columnEntries(menu.at, layout, columns, t, {
            arrange: (next) => grid.current?.arrange(next, false),
            fit: (source) => grid.current?.fit(source),
            copyName: (source) => void copyOne(nameOf(source), nameOf(source)),
          })}
          onClose={closeMenu}
          testId="column-menu"
        />
      )}
      {menu?.of === "cells" && (
        <PopupMenu
          label={t("console.copyAs")}
          at={menu}
          entries={cellEntries(selection, t, { copyAs, open: () => selection && openCell(selection.focus) })}
          onClose={closeMenu}
          testId="cell-menu"
        />
      )}
      {inserting && (
        <CopyAsInsert
          table={lastTable}
          onClose={() => setInserting(false)}
          onCopy={(typed, table) => {
            lastTable = typed;
            setInserting(false);
            const what = range();
            if (what) void copy(what, "insert", { head: false, table });
          }}
        />
      )}
      {opened && (
        <CellViewer
          result={result}
          row={opened.row}
          source={opened.source}
          onRow={(row) => {
            setOpened({ ...opened, row });
            grid.current?.goTo(row, opened.source);
          }}
          onClose={() => {
            setOpened(null);
            grid.current?.focus();
          }}
        />
      )}
    </div>
  );
}

/** Hooks that always call the newest ones. */
function forwarded(live: { current: GridHooks | null }): GridHooks {
  return {
    selected: (selection) => live.current?.selected(selection),
    arranged: (layout) => live.current?.arranged(layout),
    seen: (first, last, following) => live.current?.seen(first, last, following),
    open: (cell) => live.current?.open(cell),
    copy: (head) => live.current?.copy(head),
    copyName: (source) => live.current?.copyName(source),
    columnMenu: (at, x, y) => live.current?.columnMenu(at, x, y),
    cellMenu: (x, y) => live.current?.cellMenu(x, y),
    goTo: () => live.current?.goTo(),
    did: (what, source, at) => live.current?.did(what, source, at),
  };
}
