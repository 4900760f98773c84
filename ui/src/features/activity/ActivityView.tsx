// What runs on a server, and the way to stop it.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { SkeletonRows } from "../../components/Skeleton";
import type { Activity } from "../../ipc/contract";
import { first, roleName } from "../../lib/choices";
import { copy } from "../../lib/clipboard";
import { useNow } from "../../lib/clock";
import { clock } from "../../lib/format";
import { useConsoles } from "../../lib/state/consoles";
import { useDatabases } from "../../lib/state/databases";
import { useNavigation } from "../../lib/state/navigation";
import { monitorGrant } from "./phases";
import { QueryDrawer } from "./QueryDrawer";
import { QueryTable } from "./QueryTable";
import { useActivity } from "./store";
import { TargetPicker } from "./TargetPicker";
import { Legend, TimelinePlot } from "./TimelinePlot";
import { Watch } from "./watch/Watch";
import "./activity.css";

const EVERY_MS = 5000;
/** Longer ago than this, ticking clocks would pretend to know. */
const FRESH_MS = 15_000;

export function ActivityView() {
  const { t } = useTranslation();
  const target = useActivity((state) => state.target);
  const snapshot = useActivity((state) => state.snapshot);
  const failure = useActivity((state) => state.failure);
  const refresh = useActivity((state) => state.refresh);
  const auto = useActivity((state) => state.auto);
  const selected = useActivity((state) => state.selected);
  const ticking = snapshot?.queries.some(({ live }) => live) ?? false;
  const clockNow = useNow(ticking ? 1000 : null);
  const fresh = snapshot !== null && (auto || clockNow - snapshot.as_of < FRESH_MS);
  const now = snapshot ? (fresh ? Math.max(clockNow, snapshot.as_of) : snapshot.as_of) : clockNow;
  const query = snapshot?.queries.find(({ query_id }) => query_id === selected);
  useStart();
  useAutoRefresh(auto);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes the drawer from anywhere in the view
    <div className="view act-view" onKeyDown={(event) => event.key === "Escape" && useActivity.getState().select(null)}>
      <section className="act" aria-label={t("nav.activity")}>
        <header className="head">
          <h1 className="head__title">{t("nav.activity")}</h1>
          <TargetPicker />
          <span className="spacer" />
          <Watch />
          {target && <RefreshButton />}
        </header>
        {failure && (
          <div className="strip-failure">
            <FailureNote failure={failure} onRetry={refresh} />
          </div>
        )}
        {snapshot ? (
          <>
            <ScopeNote activity={snapshot} />
            {failure && (
              <p className="act__note faint">{t("activity.refreshFailed", { time: clock(snapshot.as_of) })}</p>
            )}
            <LegendBar asOf={snapshot.as_of} />
            <TimelinePlot activity={snapshot} now={now} />
            {snapshot.queries.length === 0 ? (
              <Empty icon="activity" title={t("activity.emptyTitle")} text={t("activity.emptyText")} />
            ) : (
              <QueryTable activity={snapshot} now={now} />
            )}
          </>
        ) : target && !failure ? (
          <Reading />
        ) : (
          !failure && <Empty icon="activity" title={t("activity.pickTitle")} text={t("activity.pickText")} />
        )}
      </section>
      {query && snapshot && <QueryDrawer key={query.query_id} query={query} asOf={snapshot.as_of} now={now} />}
    </div>
  );
}

/** Starts where one works: the database one was sent to, else that of the console in front. */
function useStart(): void {
  const asked = useNavigation((state) => state.database);
  const list = useDatabases((state) => state.list);
  const entered = useRef(false);
  useEffect(() => {
    const { target, choose, refresh } = useActivity.getState();
    const navigation = useNavigation.getState();
    const database = list?.find(({ name }) => name === asked);
    if (database) {
      navigation.taken();
      const to = { database: database.name, db_user: first(database.db_users), db_name: first(database.db_names) };
      if (to.db_user && to.db_name && target?.database !== to.database) void choose(to);
      else if (target?.database === to.database) void refresh();
      return;
    }
    if (target) {
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

/** Only while the window is seen: each refresh keeps the workgroup awake and is billed. */
function useAutoRefresh(auto: boolean): void {
  useEffect(() => {
    if (!auto) return;
    const timer = setInterval(() => {
      if (!document.hidden) void useActivity.getState().refresh();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [auto]);
}

function RefreshButton() {
  const { t } = useTranslation();
  const refresh = useActivity((state) => state.refresh);
  const waiting = useActivity((state) => state.since !== null);
  return (
    <button type="button" className="btn btn--sm" disabled={waiting} onClick={refresh} data-testid="activity-refresh">
      <Icon name="refresh" />
      {t("activity.refresh")}
    </button>
  );
}

/** What the bars mean, how old the picture is, and whether it renews itself. */
function LegendBar({ asOf }: { asOf: number }) {
  const { t } = useTranslation();
  const auto = useActivity((state) => state.auto);
  const setAuto = useActivity((state) => state.setAuto);
  return (
    <div className="tl__top">
      <Legend />
      <span className="spacer" />
      <span className="faint num act__asof" title={t("activity.autoHint")} data-testid="activity-as-of">
        {auto ? t("activity.autoOn") : t("activity.asOf", { time: clock(asOf) })}
      </span>
      <button
        type="button"
        className="btn btn--sm btn--ghost tl__auto"
        title={t("activity.autoHint")}
        aria-pressed={auto}
        onClick={() => setAuto(!auto)}
        data-testid="activity-auto"
      >
        {auto ? t("activity.pause") : t("activity.auto")}
      </button>
    </div>
  );
}

function ScopeNote({ activity }: { activity: Activity }) {
  const { t } = useTranslation();
  const target = useActivity((state) => state.target);
  const engine = useDatabases((state) => state.list?.find(({ name }) => name === target?.database)?.engine);
  if (activity.scope === "all") return null;
  if (activity.scope === "unknown") return <p className="act__note faint">{t("activity.scopeUnknown")}</p>;
  const user = target?.db_user ?? "";
  const login = engine === "postgres" ? user : `IAMR:${roleName(user)}`;
  return (
    <div className="banner banner--strip" data-testid="activity-scope-own">
      <Icon name="user" />
      <span className="grow">{t("activity.scopeOwnText")}</span>
      <button
        type="button"
        className="btn btn--sm"
        title={monitorGrant(login)}
        onClick={() => copy(monitorGrant(login), t("activity.grantWhat"))}
      >
        {t("activity.copyGrant")}
      </button>
    </div>
  );
}

/** A sleeping workgroup takes its time; after two seconds it is fair to say so. */
function Reading() {
  const { t } = useTranslation();
  const since = useActivity((state) => state.since);
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
