// What runs on the servers one looks at, and the way to stop it.
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { Icon } from "../../components/Icon";
import { SkeletonRows } from "../../components/Skeleton";
import { first } from "../../lib/choices";
import { useNow } from "../../lib/clock";
import { useConsoles } from "../../lib/state/consoles";
import { useDatabases } from "../../lib/state/databases";
import { useNavigation } from "../../lib/state/navigation";
import { CancelMany } from "./CancelMany";
import { ConfirmCancel } from "./ConfirmCancel";
import { FilterBar } from "./FilterBar";
import {
  filtered,
  type Group,
  type Grouping,
  groups,
  isFiltered,
  nextSort,
  noFilters,
  type Sort,
  sorted,
  usersOf,
} from "./filters";
import { GroupTable } from "./GroupTable";
import type { ListedQuery } from "./listed";
import { QueryDrawer } from "./QueryDrawer";
import { QueryTable } from "./QueryTable";
import { RefreshBar } from "./RefreshBar";
import { allQueries, type Read, readAt, useOursRun, useReads } from "./reads";
import { useActivity } from "./store";
import { TargetNotes } from "./TargetNotes";
import { Targets } from "./Targets";
import { TimelinePlot } from "./TimelinePlot";
import { Watch } from "./watch/Watch";
import "./activity.css";

/** Longer ago than this, ticking clocks would pretend to know. */
const FRESH_MS = 15_000;

export function ActivityView() {
  const { t } = useTranslation();
  const targets = useReads((state) => state.targets);
  const reads = useReads((state) => state.reads);
  const selected = useActivity((state) => state.selected);
  const queries = useMemo(() => allQueries(targets, reads), [targets, reads]);
  const [filters, setFilters] = useState(noFilters);
  const now = useMoment(queries);
  const query = queries.find(({ key }) => key === selected);
  const known = targets.flatMap(({ database }) => reads[database] ?? []);
  const read = known.some(({ about }) => about !== null);
  useStart();

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes the drawer from anywhere in the view
    <div className="view act-view" onKeyDown={(event) => event.key === "Escape" && useActivity.getState().select(null)}>
      <section className="act" aria-label={t("nav.activity")}>
        <header className="head">
          <h1 className="head__title">{t("nav.activity")}</h1>
          <Targets />
          <span className="spacer" />
          <Watch />
          {read && <CancelMany queries={queries} />}
          {targets.length > 0 && <RefreshButton />}
        </header>
        <TargetNotes reads={known} />
        {read ? (
          <Queries known={known} queries={queries} filters={filters} onFilters={setFilters} now={now} />
        ) : known.some(({ failure }) => !failure) ? (
          <Reading />
        ) : (
          targets.length === 0 && (
            <Empty icon="activity" title={t("activity.pickTitle")} text={t("activity.pickText")} />
          )
        )}
      </section>
      <ConfirmCancel />
      {query && <QueryDrawer key={query.key} query={query} asOf={query.asOf} now={now} />}
    </div>
  );
}

interface QueriesProps {
  known: Read[];
  queries: ListedQuery[];
  filters: typeof noFilters;
  onFilters: (filters: typeof noFilters) => void;
  now: number;
}

function Queries({ known, queries, filters, onFilters, now }: QueriesProps) {
  const { t } = useTranslation();
  const range = useReads((state) => state.range);
  const [sort, setSort] = useState<Sort | null>(null);
  const [grouping, setGrouping] = useState<Grouping>("none");
  const shown = useMemo(() => filtered(queries, filters), [queries, filters]);
  const rows = useMemo(() => sorted(shown, sort), [shown, sort]);
  const users = useMemo(() => usersOf(queries), [queries]);
  const grouped = useMemo(() => (grouping === "none" ? [] : groups(shown, grouping)), [shown, grouping]);
  const several = known.length > 1;
  const uncounted = known.every(({ about }) => about === null || about.source !== "history");

  const open = (group: Group) => {
    onFilters({ ...filters, ...(grouping === "user" ? { user: group.key } : { hash: group.key }) });
    setGrouping("none");
  };

  return (
    <>
      <RefreshBar>
        <MineSwitch on={filters.onlyMine} onChange={(onlyMine) => onFilters({ ...filters, onlyMine })} />
      </RefreshBar>
      {queries.length > 0 && <TimelinePlot queries={shown} range={range} now={now} several={several} />}
      {queries.length > 0 && (
        <FilterBar
          filters={filters}
          onFilters={onFilters}
          users={users}
          databases={known.map(({ target }) => target.database)}
          grouping={grouping}
          onGrouping={setGrouping}
          shown={shown.length}
          total={queries.length}
        />
      )}
      {queries.length === 0 ? (
        <Nothing known={known} />
      ) : rows.length === 0 ? (
        <Empty icon="filter" title={t("activity.noMatchTitle")} text={t("activity.noMatchText")}>
          {isFiltered(filters) && (
            <button type="button" className="btn" onClick={() => onFilters(noFilters)}>
              {t("activity.clearFilters")}
            </button>
          )}
        </Empty>
      ) : grouping === "none" ? (
        <QueryTable
          queries={rows}
          now={now}
          several={several}
          uncounted={uncounted}
          sort={sort}
          onSort={(by) => setSort(nextSort(sort, by))}
        />
      ) : (
        <GroupTable groups={grouped} by={grouping} uncounted={uncounted} onOpen={open} />
      )}
    </>
  );
}

/** No query at all, which means different things. */
function Nothing({ known }: { known: Read[] }) {
  const { t } = useTranslation();
  const limited = known.some(({ about }) => about?.scope !== "all");
  return limited ? (
    <Empty icon="user" title={t("activity.emptyOwnTitle")} text={t("activity.emptyOwnText")} />
  ) : (
    <Empty icon="activity" title={t("activity.emptyTitle")} text={t("activity.emptyText")} />
  );
}

/** The time to draw: it goes on while something lives and what was read is fresh, and stands otherwise. */
function useMoment(queries: ListedQuery[]): number {
  const reads = useReads((state) => state.reads);
  const auto = useReads((state) => state.auto);
  const renewed = useOursRun() || auto;
  const ticking = queries.some(({ live }) => live);
  const clockNow = useNow(ticking ? 1000 : null);
  const at = readAt(reads);
  if (at === null) return clockNow;
  const latest = queries.reduce((most, { asOf }) => Math.max(most, asOf), at);
  const fresh = renewed || clockNow - latest < FRESH_MS;
  return fresh && ticking ? Math.max(clockNow, latest) : latest;
}

/** Starts where one works: the database one was sent to, else that of the console in front. */
function useStart(): void {
  const asked = useNavigation((state) => state.database);
  const list = useDatabases((state) => state.list);
  const entered = useRef(false);
  useEffect(() => {
    const { targets, choose, refresh } = useReads.getState();
    const navigation = useNavigation.getState();
    const database = list?.find(({ name }) => name === asked);
    if (database) {
      navigation.taken();
      const to = { database: database.name, db_user: first(database.db_users), db_name: first(database.db_names) };
      const shown = targets.some((target) => target.database === database.name);
      if (shown) void refresh();
      else if (to.db_user && to.db_name) void choose(to);
      return;
    }
    if (targets.length > 0) {
      // Coming back is asking again, but a new list of databases is not.
      if (!entered.current) void refresh();
      entered.current = true;
      return;
    }
    entered.current = true;
    const { tabs, active } = useConsoles.getState();
    const tab = tabs.find(({ id }) => id === active);
    if (tab) void choose(tab.target);
  }, [asked, list]);
}

function MineSwitch({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  const { t } = useTranslation();
  return (
    <div className="segmented act__mine" role="group" aria-label={t("activity.whose")}>
      {[false, true].map((mine) => (
        <button
          key={String(mine)}
          type="button"
          className={mine === on ? "segmented__item is-on" : "segmented__item"}
          aria-pressed={mine === on}
          onClick={() => onChange(mine)}
          data-testid={mine ? "activity-mine" : "activity-all"}
        >
          {t(mine ? "activity.onlyMine" : "activity.allUsers")}
        </button>
      ))}
    </div>
  );
}

function RefreshButton() {
  const { t } = useTranslation();
  const waiting = useReads((state) => Object.values(state.reads).some(({ since }) => since !== null));
  return (
    <button
      type="button"
      className="btn btn--sm"
      disabled={waiting}
      aria-label={t("activity.refresh")}
      title={t("activity.autoHint")}
      onClick={() => void useReads.getState().refresh()}
      data-testid="activity-refresh"
    >
      <Icon name="refresh" />
      <span className="hide-narrow">{t("activity.refresh")}</span>
    </button>
  );
}

/** A sleeping workgroup takes its time; after two seconds it is fair to say so. */
function Reading() {
  const { t } = useTranslation();
  const since = useReads((state) =>
    Object.values(state.reads).reduce<number | null>(
      (least, read) => ((read.since ?? 0) > 0 ? Math.min(least ?? Infinity, read.since ?? 0) : least),
      null,
    ),
  );
  const now = useNow(500);
  const late = since !== null && now - since > 2000;
  return (
    <>
      <div className="progress progress--busy">
        <i />
      </div>
      <p className="act__note faint" role="status">
        {late ? t("activity.waking") : t("activity.reading")}
      </p>
      <SkeletonRows count={6} />
    </>
  );
}
