// The local proxies that run, and under each the programs that use it.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";
import { EnvChip, EnvTick } from "../../components/Env";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { MenuButton, type MenuEntry } from "../../components/MenuButton";
import type { Connection, Session, SessionOrigin } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { copy } from "../../lib/clipboard";
import { useNow } from "../../lib/clock";
import { age, bytes, hourMinute } from "../../lib/format";
import { sessionCount, useConnections } from "../../lib/state/connections";
import { useNavigation } from "../../lib/state/navigation";
import "./connections.css";

export function ConnectionsView() {
  const { t } = useTranslation();
  const list = useConnections((state) => state.list);
  const failure = useConnections((state) => state.failure);
  const load = useConnections((state) => state.load);
  const go = useNavigation((state) => state.go);
  const counts = {
    proxies: t("status.proxies", { count: list.length }),
    sessions: t("status.sessions", { count: sessionCount(list) }),
  };
  return (
    <>
      <header className="head">
        <h1 className="head__title">{t("nav.connections")}</h1>
        {list.length > 0 && <span className="head__count">{t("connections.count", counts)}</span>}
      </header>
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={load} />
        </div>
      )}
      <div className="view">
        {list.length === 0 ? (
          <Empty icon="plug" title={t("connections.emptyTitle")} text={t("connections.emptyText")}>
            <button type="button" className="btn btn--sm btn--primary" onClick={() => go("databases")}>
              {t("connections.emptyDo")}
            </button>
          </Empty>
        ) : (
          <section className="cx" aria-label={t("nav.connections")}>
            <div className="cx__cols" aria-hidden="true">
              <span className="cx__first">{t("connections.program")}</span>
              <span>{t("connections.as")}</span>
              <span>{t("connections.origin")}</span>
              <span className="right">{t("connections.for")}</span>
              <span className="right">{t("connections.sent")}</span>
              <span className="right">{t("connections.received")}</span>
              <span />
            </div>
            {list.map((connection) => (
              <Group key={connection.id} connection={connection} />
            ))}
          </section>
        )}
      </div>
    </>
  );
}

function Group({ connection }: { connection: Connection }) {
  const { t } = useTranslation();
  const { id, env, host, port, target, sessions } = connection;
  const head = useRef<HTMLDivElement>(null);
  const asked = useNavigation((state) => state.database === target.database);
  const stop = useAttempt(() => useConnections.getState().stop(id));
  const address = `${host}:${port}`;

  useEffect(() => {
    if (!asked) return;
    head.current?.scrollIntoView?.({ block: "nearest" });
    useNavigation.getState().taken();
  }, [asked]);

  return (
    <div data-testid={`connection-${target.database}`}>
      <div className="cx__head" ref={head}>
        <div className="cx__id">
          <EnvTick env={env} />
          <b className="strong clip">{target.database}</b>
          <EnvChip env={env} />
          <span className="cx__addr mono">
            <span className="selectable" data-testid="connection-address">
              {address}
            </span>
            <MenuButton
              label={t("connections.copyAs")}
              className="btn btn--ghost btn--icon"
              entries={copyEntries(connection, t)}
              testId={`copy-as-${target.database}`}
            >
              <Icon name="copy" />
            </MenuButton>
          </span>
          <span className="dim clip">{t("connections.target", { user: target.db_user, name: target.db_name })}</span>
        </div>
        <div className="cx__do">
          <span className="faint num hide-narrow">
            {t("connections.since", { time: hourMinute(connection.opened_at) })}
          </span>
          <span className="num right cx__bytes">{bytes(connection.bytes_up)}</span>
          <span className="num right cx__bytes">{bytes(connection.bytes_down)}</span>
          <button
            type="button"
            className="btn btn--sm"
            disabled={stop.running}
            onClick={() => stop.run()}
            data-testid={`stop-${target.database}`}
          >
            <Icon name="stop" />
            {stop.running ? t("connections.stopping") : t("connections.stop")}
          </button>
        </div>
      </div>
      {stop.failure && (
        <div className="strip-failure">
          <FailureNote failure={stop.failure} />
        </div>
      )}
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} />
      ))}
      {sessions.length === 0 && <p className="cx__none faint">{t("connections.none", { address })}</p>}
    </div>
  );
}

type Translate = ReturnType<typeof useTranslation>["t"];

function copyEntries({ strings, host, port, unix_socket }: Connection, t: Translate): MenuEntry[] {
  const entry = (id: string, icon: MenuEntry["icon"], label: string, text: string): MenuEntry => ({
    id,
    icon,
    label,
    note: text.split("\n")[0],
    run: () => void copy(text, label),
  });
  const entries = [
    entry("psql", "console", t("connections.psql"), strings.psql),
    entry("uri", "globe", t("connections.uri"), strings.uri),
    entry("jdbc", "box", t("connections.jdbc"), strings.jdbc),
    entry("env", "keyboard", t("connections.env"), strings.env),
    entry("address", "plug", t("connections.address"), `${host}:${port}`),
  ];
  if (unix_socket) entries.push(entry("socket", "file", t("connections.socket"), unix_socket));
  return entries;
}

const origins = {
  tcp: "connections.originTcp",
  unix: "connections.originUnix",
  internal: "connections.originInternal",
} as const satisfies Record<SessionOrigin, string>;

function SessionRow({ session }: { session: Session }) {
  const { t } = useTranslation();
  const now = useNow(1000);
  const end = useAttempt(() => useConnections.getState().stopSession(session.id));
  const program = session.program || t("connections.noProgram");
  const pid = session.backend_pid;
  return (
    <>
      <div className="cx__row" data-testid={`session-${session.id}`}>
        <span className="clip cx__first" title={pid === null ? program : t("connections.backend", { pid })}>
          <span className={session.program ? undefined : "faint"}>{program}</span>
          {pid !== null && <span className="faint num cx__pid">{pid}</span>}
        </span>
        <span className="clip dim">{t("connections.target", { user: session.db_user, name: session.db_name })}</span>
        <span className="dim clip">{t(origins[session.origin])}</span>
        <span className="right">{age(now - session.started_at)}</span>
        <span className="right dim">{bytes(session.bytes_up)}</span>
        <span className="right">{bytes(session.bytes_down)}</span>
        <button type="button" className="btn btn--sm btn--ghost" disabled={end.running} onClick={() => end.run()}>
          {end.running ? t("connections.ending") : t("connections.end")}
        </button>
      </div>
      {end.failure && (
        <div className="strip-failure">
          <FailureNote failure={end.failure} />
        </div>
      )}
    </>
  );
}
