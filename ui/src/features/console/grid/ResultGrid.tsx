// The grid in React: what it shows, what is selected, its menus, copying, and the viewer of one cell.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { PopupMenu } from "../../../components/PopupMenu";
import { asFailure, backend } from "../../../ipc/backend";
import type { Column, Failure, ResultInfo } from "../../../ipc/contract";
import { copy as copyOne } from "../../../lib/clipboard";
import { count } from "../../../lib/format";
import { useToasts } from "../../../lib/state/toasts";
import { CellViewer } from "../viewer/CellViewer";
import { CopyAsInsert } from "./CopyAsInsert";
import type { Range, Rows } from "./copying";
import { FilterBox } from "./FilterBox";
import { FindBar } from "./FindBar";
import type { CopyFormat } from "./formats";
import { GridFoot } from "./GridFoot";
import { type GridHooks, GridView } from "./GridView";
import { arranged, type Layout } from "./layout";
import { cellEntries, columnEntries } from "./menus";
import { keepPlace, placeOf } from "./places";
import { StatsPanel } from "./StatsPanel";
import { bounds, type Cell, type Selection } from "./selection";
import { useCopy } from "./useCopy";
import { ViewStrip } from "./ViewStrip";
import { marksOf, nextSort, type ViewSpec, valueFilter, withFilter } from "./view-spec";
import { useView, useViews } from "./views";
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
  const [selection, setSelection] = useState<Selection | null>(null);
  const [layout, setLayout] = useState<Layout>(
    () => placeOf(result.id, null)?.layout ?? arranged(result.columns.map(() => 0)),
  );
  const [seen, setSeen] = useState({ first: 0, last: -1, following: false });
  const [opened, setOpened] = useState<{ row: number; source: number } | null>(null);
  const [filtering, setFiltering] = useState<{ source: number; x: number; y: number } | null>(null);
  const [finding, setFinding] = useState(0);
  const [counted, setCounted] = useState<number | null>(null);
  const findStep = useRef<((back: boolean) => void) | null>(null);
  const [menu, setMenu] = useState<Menu | null>(null);
  const [inserting, setInserting] = useState(false);
  const [going, setGoing] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [said, setSaid] = useState("");
  const shown = useView(result.id);
  const viewId = shown.view?.id ?? null;
  const spec = shown.making?.spec ?? shown.spec;
  const total = shown.view ? shown.view.rows : result.rows;
  const following = growing && !shown.view;
  const columns = result.columns;
  const apply = (next: ViewSpec) => void useViews.getState().apply(result.id, next);

  const rows = useMemo<Rows>(
    () => ({
      window: (first, size) =>
        backend().call("result_window", {
          result: result.id,
          ...(viewId ? { view: viewId } : {}),
          first,
          count: size,
        }),
      cell: (row, column) => backend().call("result_cell", { result: result.id, row, column }),
    }),
    [result.id, viewId],
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
  const keepValue = (keep: boolean) => {
    const source = selection ? layout.order[selection.focus.column] : undefined;
    if (!selection || source === undefined) return;
    // The whole value: what the grid shows may be cut.
    wholeCell(selection.focus.row, source).then(
      ({ text, cut }) =>
        cut
          ? useToasts.getState().tell(t("console.valueTooLong"))
          : apply(withFilter(spec, valueFilter(source, text, keep))),
      (reason) => useToasts.getState().fail(asFailure(reason)),
    );
  };
  const wholeCell = async (row: number, source: number) =>
    rows.cell(windows.current?.number(row) ?? (await numberOf(rows, row)), source);
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
    sort: (source, also) => apply(nextSort(spec, source, also)),
    goTo: () => setGoing(true),
    find: () => setFinding((asked) => asked + 1),
    findNext: (back) => (finding > 0 ? findStep.current?.(back) : setFinding(1)),
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
      placeOf(result.id, viewId),
    );
    grid.current = view;
    windows.current = source;
    view.setMarks(marksOf(shown.spec));
    return () => {
      keepPlace(result.id, viewId, view.place());
      grid.current = null;
      windows.current = null;
      source.close();
      view.destroy();
    };
  }, [result.id, viewId, i18n.language]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new grid must be told too
  useEffect(() => grid.current?.setRows(total, following), [total, following, result.id, viewId, i18n.language]);

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
      <ViewStrip result={result} view={shown} />
      <div className="rgrid__body">
        <div className="rgrid__main">
          <div className="dgrid" ref={host} data-testid="result-rows" data-rows={total} data-view={viewId ?? ""} />
          {finding > 0 && (
            <FindBar
              result={result.id}
              view={viewId}
              spec={shown.spec}
              asked={finding}
              step={findStep}
              from={() => {
                const source = selection && layout.order[selection.focus.column];
                return selection && source != null ? { row: selection.focus.row, column: source } : null;
              }}
              onFound={({ place }) => grid.current?.goTo(place.row, place.column)}
              onHit={(hit) => grid.current?.setHit(hit)}
              onKeepRows={(filter) => apply(withFilter(spec, filter))}
              onClose={() => {
                setFinding(0);
                grid.current?.focus();
              }}
            />
          )}
        </div>
        {counted !== null && (
          // Another column begins anew: under its name nothing of the one before may stand.
          <StatsPanel
            key={counted}
            result={result}
            view={viewId}
            source={counted}
            onClose={() => {
              setCounted(null);
              grid.current?.focus();
            }}
          />
        )}
      </div>
      <GridFoot
        rows={rows}
        columns={columns}
        layout={layout}
        selection={selection}
        copying={busy}
        seen={seen}
        total={total}
        going={going}
        onFind={() => setFinding((asked) => asked + 1)}
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
            spec,
            apply,
            filter: (source) => setFiltering({ source, x: menu.x, y: menu.y }),
            statistics: setCounted,
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
          entries={cellEntries(selection, t, {
            copyAs,
            open: () => selection && openCell(selection.focus),
            keepValue,
          })}
          onClose={closeMenu}
          testId="cell-menu"
        />
      )}
      {filtering && columns[filtering.source] && (
        <FilterBox
          column={columns[filtering.source] as Column}
          source={filtering.source}
          at={filtering}
          onApply={(filter) => {
            setFiltering(null);
            apply(withFilter(spec, filter));
            grid.current?.focus();
          }}
          onClose={() => {
            setFiltering(null);
            grid.current?.focus();
          }}
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
          rows={total}
          source={opened.source}
          read={wholeCell}
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

/** Which row of the result a row of the screen is, when it is not here. */
async function numberOf(rows: Rows, row: number): Promise<number> {
  const { numbers } = await rows.window(row, 1);
  return numbers?.[0] ?? row;
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
    sort: (source, also) => live.current?.sort(source, also),
    goTo: () => live.current?.goTo(),
    find: () => live.current?.find(),
    findNext: (back) => live.current?.findNext(back),
    did: (what, source, at) => live.current?.did(what, source, at),
  };
}
