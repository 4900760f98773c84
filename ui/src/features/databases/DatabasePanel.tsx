// One database: its facts, and the form that connects to it.
import { type RefObject, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ChoiceField } from "../../components/ChoiceField";
import { EnvChip } from "../../components/Env";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { UsePort } from "../../components/UsePort";
import type { Connection, Database, Target } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { first, roleName } from "../../lib/choices";
import { copy } from "../../lib/clipboard";
import { parsePort } from "../../lib/port";
import { keptPort, useConnections } from "../../lib/state/connections";
import { useConsoles } from "../../lib/state/consoles";
import { useNavigation } from "../../lib/state/navigation";
import { Decision, useDecision } from "./Decision";

interface Props {
  database: Database;
  /** Enter in the list runs what the primary button does. */
  submit: RefObject<() => void>;
}

export function DatabasePanel({ database, submit, onClose }: Props & { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <aside className="panel dbs__panel" aria-label={database.name} data-testid="database-panel">
      <div className="panel__head">
        <EnvChip env={database.env} solid />
        <h2 className="head__title clip">{database.name}</h2>
        <span className="spacer" />
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("common.closePanel")}
          title={t("common.closePanel")}
          onClick={onClose}
        >
          <Icon name="x" />
        </button>
      </div>
      <div className="panel__scroll">
        <Facts database={database} />
        <Connect database={database} submit={submit} />
      </div>
    </aside>
  );
}

function Facts({ database }: { database: Database }) {
  const { t } = useTranslation();
  return (
    <div className="panel__section">
      {database.description && <p className="dim dbs__about">{database.description}</p>}
      <dl className="defs">
        <Fact term={t("databases.workgroup")} value={database.workgroup} />
        <Fact term={t("databases.account")} value={database.account} />
        <Fact term={t("databases.region")} value={database.region} />
        <dt>{t("databases.endpoint")}</dt>
        <dd>
          <span className="mono clip endpoint selectable" title={database.endpoint}>
            {database.endpoint}
          </span>
          <button
            type="button"
            className="btn btn--sm btn--ghost btn--icon endpoint__copy"
            aria-label={t("common.copy")}
            title={t("common.copy")}
            onClick={() => copy(database.endpoint, t("databases.endpointWhat"))}
          >
            <Icon name="copy" />
          </button>
        </dd>
        {database.labels.length > 0 && (
          <>
            <dt>{t("databases.labels")}</dt>
            <dd className="chips chips--wrap">
              <EnvChip env={database.env} />
              {database.labels
                .filter(({ name }) => name !== "env")
                .map(({ name, value }) => (
                  <span className="chip" key={name}>
                    <span className="chip__key">{name}</span>
                    {value}
                  </span>
                ))}
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Fact({ term, value }: { term: string; value: string | null }) {
  if (!value) return null;
  return (
    <>
      <dt>{term}</dt>
      <dd className="selectable">{value}</dd>
    </>
  );
}

function Connect({ database, submit }: Props) {
  const { t } = useTranslation();
  const [dbUser, setDbUser] = useState(() => first(database.db_users));
  const [dbName, setDbName] = useState(() => first(database.db_names));
  // Until somebody types one: what this login keeps.
  const [typedPort, setPort] = useState<string | null>(null);
  const proxy = useConnections((state) => state.list.find(({ target }) => target.database === database.name));
  const { decision, failure: checkFailure } = useDecision({
    database: database.name,
    db_user: dbUser,
    db_name: dbName,
  });

  const target: Target = { database: database.name, db_user: dbUser.trim(), db_name: dbName.trim() };
  const complete = target.db_user !== "" && target.db_name !== "";
  const allowed = complete && decision?.allowed !== false;
  const kept = useConnections((state) => keptPort(state.recent, target));
  const port = typedPort ?? kept?.toString() ?? "";
  const chosenPort = parsePort(port);

  const openConsole = useAttempt(async () => {
    await useConsoles.getState().open(target);
    useNavigation.getState().go("console");
  });
  const start = useAttempt((at: number | null) => useConnections.getState().open({ target, port: at }));
  const stop = useAttempt(() => useConnections.getState().stop(proxy?.id ?? ""));
  const failure = openConsole.failure ?? start.failure ?? stop.failure ?? checkFailure;

  useEffect(() => {
    submit.current = () => {
      if (allowed && !openConsole.running) void openConsole.run();
    };
  });

  return (
    <div className="panel__section">
      <h3 className="panel__title">{t("databases.connect")}</h3>
      <ChoiceField
        label={t("databases.dbUser")}
        choices={database.db_users}
        value={dbUser}
        onChange={setDbUser}
        testId="db-user"
        hint={
          database.engine === "redshift-serverless" && dbUser !== ""
            ? t("databases.signsInAs", { role: roleName(dbUser) })
            : undefined
        }
      />
      <ChoiceField
        label={t("databases.dbName")}
        choices={database.db_names}
        value={dbName}
        onChange={setDbName}
        testId="db-name"
      />
      {proxy ? <RunningProxy proxy={proxy} /> : <PortField value={port} onChange={setPort} />}
      <div className="connect__do">
        <button
          type="button"
          className="btn btn--primary"
          disabled={!allowed || openConsole.running}
          onClick={() => openConsole.run()}
          data-testid="open-console"
        >
          {openConsole.running ? t("databases.opening") : t("databases.openConsole")}
        </button>
        {proxy ? (
          <button
            type="button"
            className="btn"
            disabled={stop.running}
            onClick={() => stop.run()}
            data-testid="stop-proxy"
          >
            <Icon name="stop" />
            {stop.running ? t("databases.stopping") : t("databases.stopProxy")}
          </button>
        ) : (
          <button
            type="button"
            className="btn"
            disabled={!allowed || chosenPort === undefined || start.running}
            onClick={() => start.run(chosenPort ?? null)}
            data-testid="start-proxy"
          >
            {start.running ? t("databases.starting") : t("databases.startProxy")}
          </button>
        )}
      </div>
      <Decision decision={decision} complete={complete} choices={database} target={target} />
      {failure && (
        <div className="connect__failure">
          <FailureNote failure={failure}>
            <UsePort
              failure={failure}
              onUse={(free) => {
                setPort(String(free));
                void start.run(free);
              }}
            />
          </FailureNote>
        </div>
      )}
    </div>
  );
}

function PortField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const port = parsePort(value);
  const bad = port === undefined;
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {t("databases.port")}
      </label>
      <input
        id={id}
        className={bad ? "input num is-bad" : "input num"}
        inputMode="numeric"
        value={value}
        aria-invalid={bad}
        data-testid="local-port"
        onChange={(event) => onChange(event.target.value)}
      />
      <div className={bad ? "field__hint is-bad" : "field__hint"}>
        {t(bad ? "databases.portBad" : port === null ? "databases.portFree" : "databases.portKept")}
      </div>
    </div>
  );
}

function RunningProxy({ proxy }: { proxy: Connection }) {
  const { t } = useTranslation();
  const address = `${proxy.host}:${proxy.port}`;
  return (
    <div className="field">
      <span className="field__label">{t("databases.runsAt")}</span>
      <span className="row">
        <span className="state" data-testid="proxy-address">
          <i className="dot dot--ok" />
          <span className="mono selectable">{address}</span>
        </span>
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("common.copy")}
          title={t("common.copy")}
          onClick={() => copy(address, address)}
        >
          <Icon name="copy" />
        </button>
      </span>
    </div>
  );
}
