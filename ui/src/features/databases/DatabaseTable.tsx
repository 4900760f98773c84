// The rows. The table is one Tab stop: arrows move the selection, Enter opens the console.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { EnvChip, EnvTick } from "../../components/Env";
import { Icon } from "../../components/Icon";
import type { Database } from "../../ipc/contract";
import { reachable } from "../../lib/choices";
import { isComposing } from "../../lib/ime";
import { useConnections } from "../../lib/state/connections";

interface Props {
  databases: Database[];
  selected: string | null;
  onSelect: (name: string) => void;
  onOpen: () => void;
}

export function DatabaseTable({ databases, selected, onSelect, onOpen }: Props) {
  const { t } = useTranslation();
  const body = useRef<HTMLTableSectionElement>(null);
  const at = databases.findIndex(({ name }) => name === selected);

  useEffect(() => {
    body.current?.children[at]?.scrollIntoView?.({ block: "nearest" });
  }, [at]);

  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event)) return;
    const last = databases.length - 1;
    const page = 12;
    const moves: Record<string, number> = {
      ArrowDown: Math.min(at + 1, last),
      ArrowUp: Math.max(at - 1, 0),
      PageDown: Math.min(at + page, last),
      PageUp: Math.max(at - page, 0),
      Home: 0,
      End: last,
    };
    const to = databases[moves[event.key] ?? -1];
    if (to) onSelect(to.name);
    else if (event.key === "Enter") onOpen();
    else return;
    event.preventDefault();
  };

  return (
    <div className="dbs__list">
      <table
        className="table"
        role="grid"
        tabIndex={0}
        aria-label={t("nav.databases")}
        aria-rowcount={databases.length + 1}
        onKeyDown={onKey}
      >
        <colgroup>
          <col style={{ width: 160 }} />
          <col />
          <col style={{ width: 158 }} />
          <col style={{ width: 122 }} />
          <col style={{ width: 74 }} />
        </colgroup>
        <thead>
          <tr>
            <th className="sorted">{t("databases.name")}</th>
            <th>{t("databases.description")}</th>
            <th>{t("databases.labels")}</th>
            <th>{t("databases.users")}</th>
            <th>{t("databases.local")}</th>
          </tr>
        </thead>
        <tbody ref={body}>
          {databases.map((database) => (
            <Row
              key={database.name}
              database={database}
              selected={database.name === selected}
              onSelect={() => onSelect(database.name)}
              onOpen={onOpen}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  database: Database;
  selected: boolean;
  onSelect: () => void;
  onOpen: () => void;
}

function Row({ database, selected, onSelect, onOpen }: RowProps) {
  const port = useConnections((state) => state.list.find(({ target }) => target.database === database.name)?.port);
  const labels = database.labels.filter(({ name }) => name !== "env");
  return (
    <tr
      className={selected ? "is-selected" : undefined}
      aria-selected={selected}
      onClick={onSelect}
      onDoubleClick={onOpen}
      data-testid={`database-${database.name}`}
    >
      <td>
        <span className="dbs__name">
          <EnvTick env={database.env} />
          <span className={reachable(database) ? "strong clip" : "clip dim"}>{database.name}</span>
          {!reachable(database) && (
            <span className="faint dbs__lock">
              <Icon name="lock" size="sm" />
            </span>
          )}
        </span>
      </td>
      <td className="dim" title={database.description}>
        {database.description}
      </td>
      <td>
        <span className="chips" title={database.labels.map(({ name, value }) => `${name}: ${value}`).join(", ")}>
          <EnvChip env={database.env} />
          {labels.map(({ name, value }) => (
            <span className="chip" key={name}>
              <span className="chip__key">{name}</span>
              {value}
            </span>
          ))}
        </span>
      </td>
      <td>
        <Users database={database} />
      </td>
      <td className="num">
        {port !== undefined && (
          <span className="state">
            <i className="dot dot--ok" />
            {port}
          </span>
        )}
      </td>
    </tr>
  );
}

function Users({ database }: { database: Database }) {
  const { t } = useTranslation();
  const { allowed, wildcard } = database.db_users;
  const one = allowed[0];
  if (one === undefined) return <span className="faint">{t(wildcard ? "databases.anyRole" : "databases.noRole")}</span>;
  const more = allowed.length - 1;
  return (
    <span title={allowed.join(", ")}>
      {one} {more > 0 && <span className="more">{t("databases.more", { count: more })}</span>}
    </span>
  );
}
