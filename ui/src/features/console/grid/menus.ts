// What the menus of a column's head and of selected cells offer.
import type { TFunction } from "i18next";
import type { PopupEntry } from "../../../components/PopupMenu";
import type { Column } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import type { CopyFormat } from "./formats";
import { frozenTo, hiddenColumns, type Layout, movedColumn, withAllColumns, withColumn, withoutColumn } from "./layout";
import { bounds, type Selection } from "./selection";
import { sortedBy, unsorted, type ViewSpec, withoutFiltersOf } from "./view-spec";

/** A menu is no place for more names than this; all of them come back at once by their own entry. */
const MOST_HIDDEN = 12;

interface ColumnDo {
  spec: ViewSpec;
  apply: (spec: ViewSpec) => void;
  filter: (source: number) => void;
  statistics: (source: number) => void;
  arrange: (layout: Layout) => void;
  fit: (source: number) => void;
  copyName: (source: number) => void;
}

export function columnEntries(
  at: number,
  layout: Layout,
  columns: Column[],
  t: TFunction,
  act: ColumnDo,
): PopupEntry[] {
  const source = layout.order[at] ?? -1;
  const last = layout.order.length - 1;
  const hidden = hiddenColumns(layout);
  const frozen = at < layout.frozen;
  const entries: PopupEntry[] = [...sortEntries(source, t, act), "line"];
  entries.push({ id: "filter", label: t("console.filterDots"), icon: "filter", run: () => act.filter(source) });
  if (act.spec.filters.some(({ column }) => column === source)) {
    entries.push({
      id: "unfilter",
      label: t("console.clearFilter"),
      run: () => act.apply(withoutFiltersOf(act.spec, source)),
    });
  }
  entries.push(
    { id: "statistics", label: t("console.statistics"), icon: "stats", run: () => act.statistics(source) },
    "line",
  );
  entries.push({
    id: "freeze",
    label: frozen && at === layout.frozen - 1 ? t("console.unfreeze") : t("console.freezeTo"),
    run: () => act.arrange(frozenTo(layout, frozen && at === layout.frozen - 1 ? 0 : at + 1)),
  });
  entries.push({ id: "fit", label: t("console.fitColumn"), run: () => act.fit(source) });
  if (at > 0) {
    entries.push({
      id: "left",
      label: t("console.moveLeft"),
      keys: "Ctrl Shift ←",
      run: () => act.arrange(movedColumn(layout, at, at - 1)),
    });
  }
  if (at < last) {
    entries.push({
      id: "right",
      label: t("console.moveRight"),
      keys: "Ctrl Shift →",
      run: () => act.arrange(movedColumn(layout, at, at + 1)),
    });
  }
  entries.push("line");
  if (last > 0) {
    entries.push({
      id: "hide",
      label: t("console.hideColumn"),
      keys: "Del",
      run: () => act.arrange(withoutColumn(layout, at)),
    });
  }
  for (const other of hidden.slice(0, MOST_HIDDEN)) {
    entries.push({
      id: `show-${other}`,
      label: t("console.showColumn", { column: columns[other]?.name ?? "" }),
      run: () => act.arrange(withColumn(layout, other)),
    });
  }
  if (hidden.length > 1) {
    entries.push({
      id: "show-all",
      label: t("console.showAllColumns"),
      note: count(hidden.length),
      run: () => act.arrange(withAllColumns(layout)),
    });
  }
  if (last > 0 || hidden.length > 0) entries.push("line");
  entries.push({ id: "copy-name", label: t("console.copyName"), icon: "copy", run: () => act.copyName(source) });
  return entries;
}

function sortEntries(source: number, t: TFunction, { spec, apply }: ColumnDo): PopupEntry[] {
  const others = spec.sort.some(({ column }) => column !== source);
  const entries: PopupEntry[] = [
    { id: "up", label: t("console.sortUp"), icon: "up", run: () => apply(sortedBy(spec, source, false, false)) },
    { id: "down", label: t("console.sortDown"), icon: "down", run: () => apply(sortedBy(spec, source, true, false)) },
  ];
  if (others) {
    entries.push(
      { id: "also-up", label: t("console.sortAlsoUp"), run: () => apply(sortedBy(spec, source, false, true)) },
      { id: "also-down", label: t("console.sortAlsoDown"), run: () => apply(sortedBy(spec, source, true, true)) },
    );
  }
  if (spec.sort.some(({ column }) => column === source)) {
    entries.push({ id: "unsort", label: t("console.unsort"), run: () => apply(unsorted(spec, source)) });
  }
  return entries;
}

interface CellDo {
  keepValue: (keep: boolean) => void;
  copyAs: (format: CopyFormat, head?: boolean) => void;
  open: () => void;
}

export function cellEntries(selection: Selection | null, t: TFunction, act: CellDo): PopupEntry[] {
  if (!selection) return [];
  const { top, bottom, left, right } = bounds(selection);
  const entries: PopupEntry[] = [
    { id: "copy", label: t("common.copy"), icon: "copy", keys: "Ctrl C", run: () => act.copyAs("tsv") },
    { id: "copy-head", label: t("console.copyWithHead"), keys: "Ctrl Shift C", run: () => act.copyAs("tsv", true) },
    "line",
    { id: "csv", label: t("console.copyCsv"), run: () => act.copyAs("csv", true) },
    { id: "json", label: t("console.copyJson"), run: () => act.copyAs("json") },
    { id: "markdown", label: t("console.copyMarkdown"), run: () => act.copyAs("markdown") },
    { id: "insert", label: t("console.copyInsertDots"), run: () => act.copyAs("insert") },
  ];
  // A list is of one column.
  if (left === right) entries.push({ id: "in", label: t("console.copyIn"), run: () => act.copyAs("in") });
  if (top === bottom && left === right) {
    entries.push(
      "line",
      { id: "keep", label: t("console.keepValue"), icon: "filter", run: () => act.keepValue(true) },
      { id: "drop", label: t("console.dropValue"), run: () => act.keepValue(false) },
    );
  }
  entries.push("line", { id: "open", label: t("console.openCell"), keys: "Enter", run: act.open });
  return entries;
}
