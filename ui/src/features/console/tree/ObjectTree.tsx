// What the database holds, beside the editor: a tree of which only the rows on the screen exist, a search over all of it,
// and what can be done with a table. It is one Tab stop; arrows move inside.
import type { TFunction } from "i18next";
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon, type IconName } from "../../../components/Icon";
import { type PopupEntry, PopupMenu } from "../../../components/PopupMenu";
import { asFailure, backend } from "../../../ipc/backend";
import type { ObjectKind, ObjectRow, ObjectSql } from "../../../ipc/contract";
import { copy } from "../../../lib/clipboard";
import { count } from "../../../lib/format";
import { isComposing } from "../../../lib/ime";
import { isRunning, type Tab, useConsoles } from "../../../lib/state/consoles";
import { nothingOpen, targetKey, useObjects } from "../../../lib/state/objects";
import { useToasts } from "../../../lib/state/toasts";
import { CatalogueFoot, CatalogueState } from "./CatalogueState";
import { Definition } from "./Definition";
import { isTable, short, shortType, toggled } from "./open";
import { useRows } from "./useRows";

const ROW = 24;
/** Rows beyond this would make an element that browsers clamp; nobody scrolls so far. */
const MOST = 300_000;
/** Hits of a search that are shown. Another letter finds more than scrolling does. */
const HITS = 5_000;

export interface TreeActions {
  insert: (text: string) => void;
  preview: (sql: string) => void;
}

const icons: Record<ObjectKind, IconName> = {
  database: "db",
  other_database: "db",
  schema: "schema",
  external_schema: "cloud",
  shared_schema: "ext",
  table: "table",
  view: "view",
  materialized_view: "view",
  late_binding_view: "view",
  external_table: "table",
  shared_table: "table",
  column: "column",
  functions: "fn",
  function: "fn",
  procedure: "fn",
  cte: "table",
  alias: "column",
};

export function ObjectTree({ tab, actions }: { tab: Tab; actions: TreeActions }) {
  const { t } = useTranslation();
  const { target } = tab;
  const key = targetKey(target);
  const state = useObjects((objects) => objects.states[key]);
  const open = useObjects((objects) => objects.open[key] ?? nothingOpen);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [menu, setMenu] = useState<{ row: ObjectRow; x: number; y: number } | null>(null);
  const [defined, setDefined] = useState<ObjectRow | null>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const search = text.trim() === "" ? null : text;
  const first = Math.max(0, Math.floor(view.top / ROW) - 4);
  const last = Math.ceil((view.top + view.height) / ROW) + 4;
  const version = `${state?.as_of ?? 0}`;
  const rows = useRows({ target, open: search === null ? open : nothingOpen, search }, version, first, last);
  const limit = search === null ? MOST : HITS;
  const total = Math.min(rows.total, limit);
  const there = state?.as_of != null;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    // Not where nothing is laid out.
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins at its first hit
  useEffect(() => {
    setAt(0);
    if (box.current) box.current.scrollTop = 0;
  }, [search, key]);

  useEffect(() => {
    if (at >= total && total > 0) setAt(total - 1);
  }, [at, total]);

  const wake = useCallback(() => {
    if (!state || state.phase === "absent") void useObjects.getState().read(target, false).catch(fail);
  }, [state, target]);

  const used = tab.run !== null;
  useEffect(() => {
    // What runs has woken the workgroup.
    if (used) wake();
  }, [used, wake]);

  const gone = there && search === null && rows.current && rows.total === 0;
  useEffect(() => {
    // Of many catalogues the shell keeps those used last.
    if (gone) void useObjects.getState().read(target, false).catch(fail);
  }, [gone, target]);

  const go = (to: number) => {
    const next = Math.max(0, Math.min(total - 1, to));
    setAt(next);
    const element = box.current;
    if (!element) return;
    if (next * ROW < element.scrollTop) element.scrollTop = next * ROW;
    else if ((next + 1) * ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = (next + 1) * ROW - element.clientHeight;
  };

  const toggle = (row: ObjectRow) => {
    if (search === null && row.open !== null) useObjects.getState().setOpen(target, toggled(open, row));
  };

  const act = (row: ObjectRow) => {
    if (row.kind === "other_database") openThere(row);
    else if (hasMenu(row)) actions.insert(row.sql);
    else toggle(row);
  };

  const openThere = (row: ObjectRow) =>
    useConsoles
      .getState()
      .open({ ...target, db_name: row.name }, undefined, tab.read_only)
      .catch(fail);

  const withSql = (row: ObjectRow, then: (sql: ObjectSql) => void) =>
    backend()
      .call("object_sql", { target, schema: row.schema ?? "", name: row.name })
      .then(then)
      .catch(fail);

  const entries = (row: ObjectRow): PopupEntry[] => {
    if (row.kind === "other_database")
      return [{ id: "open", label: t("objects.openThere"), icon: "console", run: () => void openThere(row) }];
    const insert: PopupEntry = {
      id: "insert",
      label: t("objects.insertName"),
      keys: "Enter",
      run: () => actions.insert(row.sql),
    };
    const copied: PopupEntry = {
      id: "copy",
      label: t("objects.copyName"),
      icon: "copy",
      run: () => void copy(row.sql, row.sql),
    };
    if (!isTable(row)) return [insert, copied];
    const preview: PopupEntry = {
      id: "preview",
      label: t("objects.preview"),
      icon: "play",
      run: () => void withSql(row, (sql) => actions.preview(sql.preview)),
    };
    return [
      // A tab runs one thing at a time.
      ...(isRunning(tab) ? [] : [preview]),
      { id: "definition", label: t("objects.definition"), icon: "file", run: () => setDefined(row) },
      "line",
      insert,
      {
        id: "select",
        label: t("objects.insertSelect"),
        run: () => void withSql(row, (sql) => actions.insert(sql.select)),
      },
      copied,
    ];
  };

  const menuAt = (index: number, x?: number, y?: number) => {
    const row = rows.at(index);
    const element = box.current;
    if (!row || !element || !hasMenu(row)) return;
    const place = element.getBoundingClientRect();
    setMenu({
      row,
      x: x ?? place.left + 32,
      y: y ?? place.top + (index + 1) * ROW - element.scrollTop,
    });
  };

  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows.at(at);
    const page = Math.max(1, Math.floor(view.height / ROW) - 1);
    if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) menuAt(at);
    else if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at - 1);
    else if (event.key === "PageDown") go(at + page);
    else if (event.key === "PageUp") go(at - page);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(total - 1);
    else if (event.key === "ArrowRight" && row) row.open === false ? toggle(row) : row.open && go(at + 1);
    else if (event.key === "ArrowLeft" && row) {
      if (row.open && search === null) toggle(row);
      else if (row.parent !== null) go(row.parent);
    } else if (event.key === " " && row) toggle(row);
    else if (event.key === "Enter" && row) act(row);
    else return;
    event.preventDefault();
  };

  const visible: number[] = [];
  for (let index = first; index < Math.min(last, total); index++) visible.push(index);
  const active = rows.at(at);

  return (
    <aside className="con__tree" aria-label={t("objects.title")} data-testid="object-tree">
      <label className="input input--sm con__find">
        <Icon name="search" />
        <input
          value={text}
          placeholder={t("objects.find")}
          aria-label={t("objects.find")}
          onFocus={wake}
          onChange={(event) => {
            setText(event.target.value);
            wake();
          }}
          onKeyDown={(event) => {
            if (isComposing(event)) return;
            if (event.key === "Escape" && text !== "") setText("");
            else if (event.key === "ArrowDown" || event.key === "Enter") box.current?.focus();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
          data-testid="object-search"
        />
      </label>
      <CatalogueState target={target} state={state} />
      <div
        className="tree otree"
        role="tree"
        aria-label={t("objects.title")}
        aria-activedescendant={active ? `${id}-${at}` : undefined}
        tabIndex={there ? 0 : -1}
        ref={box}
        onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
        onKeyDown={onKey}
        data-total={rows.total}
        data-testid="objects"
      >
        <div className="otree__all" style={{ height: total * ROW }} role="presentation">
          {visible.map((index) => {
            const row = rows.at(index);
            if (!row) return null;
            return (
              <Row
                key={index}
                row={row}
                id={`${id}-${index}`}
                index={index}
                on={index === at}
                flat={search !== null}
                onPick={() => {
                  setAt(index);
                  box.current?.focus();
                }}
                onToggle={() => toggle(row)}
                onAct={() => act(row)}
                onMenu={(x, y) => {
                  setAt(index);
                  menuAt(index, x, y);
                }}
              />
            );
          })}
        </div>
      </div>
      {search !== null && there && rows.current && (
        <p className="otree__note" role="status" data-testid="object-hits">
          {rows.total > HITS
            ? t("objects.hitsMore", { n: count(rows.total), shown: count(HITS) })
            : t("objects.hits", { count: rows.total, n: count(rows.total) })}
        </p>
      )}
      <CatalogueFoot target={target} state={state} />
      {menu && (
        <PopupMenu
          label={t("objects.menu", { name: menu.row.name })}
          at={menu}
          entries={entries(menu.row)}
          onClose={() => {
            setMenu(null);
            box.current?.focus();
          }}
          testId="object-menu"
        />
      )}
      {defined && <Definition tab={tab} row={defined} onClose={() => setDefined(null)} />}
    </aside>
  );
}

interface RowProps {
  row: ObjectRow;
  id: string;
  index: number;
  on: boolean;
  /** A hit of a search, which stands by itself. */
  flat: boolean;
  onPick: () => void;
  onToggle: () => void;
  onAct: () => void;
  onMenu: (x?: number, y?: number) => void;
}

function Row({ row, id, index, on, flat, onPick, onToggle, onAct, onMenu }: RowProps) {
  const { t } = useTranslation();
  const facts = row.column;
  const notes = facts
    ? [
        facts.primary && t("objects.primary"),
        facts.distribution && t("objects.distribution"),
        facts.partition && t("objects.partition"),
        facts.sort !== 0 && t("objects.sort", { place: Math.abs(facts.sort) }),
        facts.not_null && t("objects.notNull"),
        facts.encoding && t("objects.encoding", { name: facts.encoding }),
      ].filter(Boolean)
    : [];
  const name = row.kind === "functions" ? t("objects.functions") : row.name;
  const path = flat ? [row.schema, row.table].filter(Boolean).join(".") : "";
  const aside = flat ? path : sideNote(row, t);
  const key = facts && (facts.primary || facts.distribution || facts.sort !== 0);
  const title = [
    flat && path ? `${path}.${name}` : name,
    row.detail,
    ...notes,
    row.remarks,
    isTable(row) && row.count !== null && t("objects.rowCount", { count: row.count, n: count(row.count) }),
  ]
    .filter(Boolean)
    .join("\n");
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keys
    <div
      className={`tree__row otree__row${flat ? " otree__row--flat" : ""}${on ? " is-selected" : ""}`}
      role="treeitem"
      id={id}
      aria-level={row.depth + 1}
      aria-setsize={row.of}
      aria-posinset={row.place}
      aria-expanded={flat ? undefined : (row.open ?? undefined)}
      aria-selected={on}
      aria-label={[t(`objectKind.${row.kind}`), name, row.detail, aside, ...notes].filter(Boolean).join(", ")}
      style={{ top: index * ROW, "--depth": row.depth } as React.CSSProperties}
      title={title}
      onClick={onPick}
      onDoubleClick={onAct}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(event.clientX, event.clientY);
      }}
      data-testid={`object-${[row.schema, row.table, row.name].filter(Boolean).join(".")}`}
      data-kind={row.kind}
    >
      {!flat && (
        <button
          type="button"
          tabIndex={-1}
          aria-hidden="true"
          className={`otree__chev${row.open === null ? " is-none" : ""}`}
          onClick={(event) => {
            event.stopPropagation();
            onPick();
            onToggle();
          }}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          {row.open !== null && <Icon name={row.open ? "down" : "right"} />}
        </button>
      )}
      <Icon name={key ? "key" : icons[row.kind]} />
      <span className="clip">{name}</span>
      {aside !== "" && <span className="tree__type clip">{aside}</span>}
      {on && hasMenu(row) && (
        <button
          type="button"
          tabIndex={-1}
          aria-hidden="true"
          className="otree__more"
          title={t("objects.menu", { name })}
          onClick={(event) => {
            event.stopPropagation();
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            onMenu(left, bottom);
          }}
          data-testid="object-more"
        >
          <Icon name="more" />
        </button>
      )}
    </div>
  );
}

function sideNote(row: ObjectRow, t: TFunction): string {
  if (row.column) return shortType(row.detail).replace(/\(.*\)$/, "");
  if (row.kind === "function" || row.kind === "procedure") return row.detail;
  if (row.kind === "external_schema") return t("objects.external");
  if (row.kind === "shared_schema") return t("objects.shared");
  if (row.kind === "late_binding_view") return t("objects.late");
  if (row.kind === "materialized_view") return t("objects.materialized");
  if (row.count === null || (row.count === 0 && !isTable(row))) return "";
  return short(row.count);
}

function hasMenu({ kind }: ObjectRow): boolean {
  return !["database", "schema", "external_schema", "shared_schema", "functions"].includes(kind);
}

function fail(reason: unknown): void {
  useToasts.getState().fail(asFailure(reason));
}
