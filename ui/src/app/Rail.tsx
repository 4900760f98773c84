import { useTranslation } from "react-i18next";
import { EnvTick } from "../components/Env";
import { Icon, type IconName } from "../components/Icon";
import { Keys } from "../components/Keys";
import { useConnections } from "../lib/state/connections";
import { useConsoles } from "../lib/state/consoles";
import { useDatabases } from "../lib/state/databases";
import { useNavigation, type View } from "../lib/state/navigation";

export function Rail() {
  const { t } = useTranslation();
  const databases = useDatabases((state) => state.list);
  const connections = useConnections((state) => state.list);
  const consoles = useConsoles((state) => state.tabs.length);
  const { go, setPalette } = useNavigation.getState();
  return (
    <nav className="rail" aria-label={t("nav.label")}>
      <div className="rail__brand">
        <Icon name="door" />
        <span>{t("app.name")}</span>
      </div>
      <button
        type="button"
        className="rail__search"
        title={t("nav.search")}
        onClick={() => setPalette(true)}
        data-testid="palette-open"
      >
        <Icon name="search" size="sm" />
        <span className="grow">{t("nav.search")}</span>
        <Keys of="Ctrl K" />
      </button>
      <Item view="databases" icon="db" count={databases?.length} />
      <Item view="connections" icon="plug" count={connections.length} />
      <Item view="console" icon="console" count={consoles} />
      <Item view="activity" icon="activity" />
      {connections.length > 0 && <div className="rail__section">{t("nav.openNow")}</div>}
      <div className="rail__open">
        {connections.map(({ id, env, target, port }) => (
          <button
            type="button"
            key={id}
            className="rail__item"
            title={target.database}
            onClick={() => go("connections", target.database)}
          >
            <EnvTick env={env} />
            <span className="clip">{target.database}</span>
            <span className="rail__count">:{port}</span>
          </button>
        ))}
      </div>
      <div className="rail__foot">
        <Item view="settings" icon="gear" />
      </div>
    </nav>
  );
}

function Item({ view, icon, count }: { view: View; icon: IconName; count?: number }) {
  const { t } = useTranslation();
  const current = useNavigation((state) => state.view === view);
  const go = useNavigation((state) => state.go);
  return (
    <button
      type="button"
      className={current ? "rail__item is-current" : "rail__item"}
      aria-current={current ? "page" : undefined}
      title={t(`nav.${view}`)}
      onClick={() => go(view)}
      data-testid={`nav-${view}`}
    >
      <Icon name={icon} />
      <span>{t(`nav.${view}`)}</span>
      {count !== undefined && count > 0 && <span className="rail__count">{count}</span>}
    </button>
  );
}
