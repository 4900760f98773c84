// What the menus of a column's head and of selected cells offer.
import type { TFunction } from "i18next";
import type { PopupEntry } from "../../../components/PopupMenu";
import type { Column } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import type { CopyFormat } from "./formats";
import { frozenTo, hiddenColumns, type Layout, movedColumn, withAllColumns, withColumn, withoutColumn } from "./layout";
import { bounds, type Selection } from "./selection";

/** A menu is no place for more names than this; all of them come back at once by their own entry. */
const MOST_HIDDEN = 12;

interface ColumnDo {
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
  const entries: PopupEntry[] = [];
  const frozen = at < layout.frozen;
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

interface CellDo {
  copyAs: (format: CopyFormat, head?: boolean) => void;
  open: () => void;
}

export function cellEntries(selection: Selection | null, t: TFunction, act: CellDo): PopupEntry[] {
  if (!selection) return [];
  const { left, right } = bounds(selection);
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
  entries.push("line", { id: "open", label: t("console.openCell"), keys: "Enter", run: act.open });
  return entries;
}
