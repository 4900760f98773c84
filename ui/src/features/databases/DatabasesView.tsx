// The list of databases, and beside it the one that is picked.
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { SkeletonRows } from "../../components/Skeleton";
import type { Database } from "../../ipc/contract";
import { useResources } from "../../lib/resources";
import { useDatabases } from "../../lib/state/databases";
import { useNavigation } from "../../lib/state/navigation";
import { DatabasePanel } from "./DatabasePanel";
import { DatabaseTable } from "./DatabaseTable";
import { type Filter, facets, matches, noFilter } from "./filter";
import "./databases.css";

const NARROW = 1000;

export function DatabasesView() {
  const { t } = useTranslation();
  const list = useDatabases((state) => state.list);
  const failure = useDatabases((state) => state.failure);
  const load = useDatabases((state) => state.load);
  const asked = useNavigation((state) => state.database);
  const [filter, setFilter] = useState<Filter>(noFilter);
  const [picked, setPicked] = useState<string | null>(null);
  // In a narrow window the panel lies over the list, so it waits until a row is picked.
  const [panelOpen, setPanelOpen] = useState(() => window.innerWidth > NARROW);
  const submit = useRef<() => void>(() => {});

  useEffect(() => {
    if (!asked) return;
    setPicked(asked);
    setPanelOpen(true);
    useNavigation.getState().taken();
  }, [asked]);

  const shown = useMemo(() => (list ?? []).filter((database) => matches(database, filter)), [list, filter]);
  const selected = shown.find(({ name }) => name === picked) ?? (picked === null ? shown[0] : undefined);

  const select = (name: string) => {
    setPicked(name);
    setPanelOpen(true);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes the panel from anywhere in the view
    <div className="view dbs-view" onKeyDown={(event) => event.key === "Escape" && setPanelOpen(false)}>
      <section className="dbs" aria-label={t("nav.databases")}>
        <header className="head">
          <h1 className="head__title">{t("nav.databases")}</h1>
          {list && <span className="head__count">{list.length}</span>}
        </header>
        <FilterBar list={list ?? []} filter={filter} onChange={setFilter} />
        {failure && (
          <div className="strip-failure">
            <FailureNote failure={failure} onRetry={load} />
          </div>
        )}
        {list === null ? (
          !failure && <SkeletonRows count={8} />
        ) : shown.length === 0 ? (
          <NothingShown list={list} filter={filter} onReset={() => setFilter(noFilter)} />
        ) : (
          <DatabaseTable
            databases={shown}
            selected={selected?.name ?? null}
            onSelect={select}
            onOpen={() => (panelOpen ? submit.current() : setPanelOpen(true))}
          />
        )}
      </section>
      {selected && panelOpen && (
        <DatabasePanel key={selected.name} database={selected} submit={submit} onClose={() => setPanelOpen(false)} />
      )}
    </div>
  );
}

interface FilterBarProps {
  list: Database[];
  filter: Filter;
  onChange: (filter: Filter) => void;
}

function FilterBar({ list, filter, onChange }: FilterBarProps) {
  const { t } = useTranslation();
  return (
    <div className="toolbar">
      <label className="input input--sm dbs__find">
        <Icon name="search" />
        <input
          className="input__text"
          type="search"
          placeholder={t("databases.find")}
          aria-label={t("databases.find")}
          value={filter.text}
          data-testid="databases-find"
          onChange={(event) => onChange({ ...filter, text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape" && filter.text !== "") {
              event.stopPropagation();
              onChange({ ...filter, text: "" });
            } else if (event.key === "ArrowDown") {
              event.preventDefault();
              event.currentTarget.closest(".dbs")?.querySelector<HTMLElement>("[role=grid]")?.focus();
            }
          }}
        />
      </label>
      <fieldset className="facets" aria-label={t("databases.env")}>
        <Facet
          on={filter.env === null}
          label={t("databases.all")}
          count={list.length}
          onPick={() => onChange({ ...filter, env: null })}
        />
        {facets(list).map(({ env, count }) => (
          <Facet
            key={env}
            on={filter.env === env}
            label={env}
            count={count}
            onPick={() => onChange({ ...filter, env })}
          />
        ))}
      </fieldset>
      <span className="spacer" />
      <label className="row dim dbs__mine">
        <input
          type="checkbox"
          className="check"
          checked={filter.onlyMine}
          onChange={(event) => onChange({ ...filter, onlyMine: event.target.checked })}
        />
        {t("databases.onlyMine")}
      </label>
    </div>
  );
}

function Facet({ on, label, count, onPick }: { on: boolean; label: string; count: number; onPick: () => void }) {
  return (
    <button type="button" className={on ? "facet is-on" : "facet"} aria-pressed={on} onClick={onPick}>
      {label} <span className="num">{count}</span>
    </button>
  );
}

function NothingShown({ list, filter, onReset }: { list: Database[]; filter: Filter; onReset: () => void }) {
  const { t } = useTranslation();
  const openImport = useResources((state) => state.setDialog);
  if (list.length === 0) {
    return (
      <Empty icon="db" title={t("databases.emptyTitle")} text={t("databases.emptyText")}>
        <button type="button" className="btn btn--sm btn--primary" onClick={() => openImport(true)}>
          {t("databases.emptyDo")}
        </button>
      </Empty>
    );
  }
  const text = filter.text ? t("databases.noMatchText", { text: filter.text }) : t("databases.noMatchFilter");
  return (
    <Empty icon="search" title={t("databases.noMatchTitle")} text={text}>
      <button type="button" className="btn btn--sm" onClick={onReset}>
        {t("databases.noMatchDo")}
      </button>
    </Empty>
  );
}
