// One local proxy and the sessions that run through it.
import type { TFunction } from "i18next";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { EnvChip, EnvTick } from "../../components/Env";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { MenuButton, type MenuEntry } from "../../components/MenuButton";
import { asFailure, backend } from "../../ipc/backend";
import type { Connection, CopyWhat } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { copy } from "../../lib/clipboard";
import { bytes, hourMinute } from "../../lib/format";
import { useConnections } from "../../lib/state/connections";
import { useNavigation } from "../../lib/state/navigation";
import { useToasts } from "../../lib/state/toasts";
import { SessionRow } from "./SessionRow";
import { Sparkline } from "./Sparkline";
import { lastMinute } from "./traffic";

export function Group({ connection, now }: { connection: Connection; now: number }) {
  const { t } = useTranslation();
  const { id, env, target, sessions } = connection;
  const head = useRef<HTMLDivElement>(null);
  const asked = useNavigation((state) => state.database === target.database);
  const stop = useAttempt(() => useConnections.getState().stop(id));
  const address = addressOf(connection);
  const login = t("connections.target", { user: target.db_user, name: target.db_name });
  const traffic = lastMinute(connection.traffic, now);

  useEffect(() => {
    if (!asked) return;
    head.current?.scrollIntoView?.({ block: "nearest" });
    useNavigation.getState().taken();
  }, [asked]);

  return (
    <div role="rowgroup" className="cx__group" data-testid={`connection-${target.database}`}>
      <div className="cx__head" role="row" ref={head}>
        <div className="cx__id" role="rowheader" aria-colspan={3}>
          <EnvTick env={env} />
          <b className="strong clip" title={target.database}>
            {target.database}
          </b>
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
          <span className="dim clip cx__login" title={login}>
            {login}
          </span>
        </div>
        <div className="cx__facts" role="cell" aria-colspan={3}>
          <span className="faint num hide-narrow">
            {t("connections.since", { time: hourMinute(connection.opened_at) })}
          </span>
          <Admits connection={connection} />
        </div>
        <span className="num right strong" role="cell" data-testid={`rate-${target.database}`}>
          {t("connections.perSecond", { bytes: bytes(traffic.at(-1) ?? 0) })}
        </span>
        <span role="cell">
          <Sparkline values={traffic} />
        </span>
        <span role="cell" className="cx__do">
          <button
            type="button"
            className="btn btn--sm"
            disabled={stop.running}
            aria-label={t("connections.stopOf", { name: target.database })}
            onClick={() => stop.run()}
            data-testid={`stop-${target.database}`}
          >
            <Icon name="stop" />
            {stop.running ? t("connections.stopping") : t("connections.stop")}
          </button>
        </span>
      </div>
      {stop.failure && (
        <div className="strip-failure">
          <FailureNote failure={stop.failure} />
        </div>
      )}
      {sessions.map((session) => (
        <SessionRow key={session.id} session={session} now={now} />
      ))}
      {sessions.length === 0 && <p className="cx__none faint">{t("connections.none", { address })}</p>}
    </div>
  );
}

/** Who may use it, in chips. What other machines can reach is never a quiet one. */
function Admits({ connection: { auth, tls, beyond_loopback, read_only, host } }: { connection: Connection }) {
  const { t } = useTranslation();
  return (
    <>
      {read_only && (
        <span className="chip" title={t("readOnly.proxyHint")} data-testid="read-only-chip">
          <Icon name="eye" />
          {t("readOnly.tab")}
        </span>
      )}
      {tls && (
        <span className="chip" title={t("connections.tlsTitle", { file: tls.ca_file })}>
          <Icon name="lock" />
          {t("connections.tls")}
        </span>
      )}
      {auth.kind === "same_user" ? (
        <span className="chip" title={t("connections.hintSameUser")}>
          <Icon name="user" />
          {t("connections.onlyYou")}
        </span>
      ) : (
        <span className="chip" title={t("connections.passwordTitle", { method: auth.method })}>
          <Icon name="key" />
          {t("connections.withPassword")}
        </span>
      )}
      {beyond_loopback && (
        <span className="chip cx__beyond" title={t("connections.beyondOf", { host })} data-testid="beyond-loopback">
          <Icon name="alert" />
          {t("connections.beyondChip")}
        </span>
      )}
    </>
  );
}

function addressOf({ host, port }: Connection): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

type Translate = TFunction;

/** Where there is a password, the shell copies, so that what is copied works and the window never holds it. */
function copyEntries(connection: Connection, t: Translate): MenuEntry[] {
  const { id, strings, auth, unix_socket } = connection;
  const secret = auth.kind === "password";
  const plain = (entry: string, icon: MenuEntry["icon"], label: string, text: string): MenuEntry => ({
    id: entry,
    icon,
    label,
    note: text.split("\n")[0],
    run: () => void copy(text, label),
  });
  const entry = (what: CopyWhat, icon: MenuEntry["icon"], label: string, text: string): MenuEntry =>
    secret
      ? { ...plain(what, icon, label, text), run: () => void copyByShell(id, what, label, t) }
      : plain(what, icon, label, text);
  const address = addressOf(connection);
  const entries = [
    entry("psql", "console", t("connections.psql"), strings.psql),
    entry("uri", "globe", t("connections.uri"), strings.uri),
    entry("jdbc", "box", t("connections.jdbc"), strings.jdbc),
    entry("env", "keyboard", t("connections.env"), strings.env),
    plain("address", "plug", t("connections.address"), address),
  ];
  if (secret) entries.push(entry("password", "key", t("connections.password"), t("connections.passwordNote")));
  if (unix_socket) entries.push(plain("socket", "file", t("connections.socket"), unix_socket));
  return entries;
}

async function copyByShell(id: string, what: CopyWhat, label: string, t: Translate): Promise<void> {
  try {
    await backend().call("connection_copy", { id, what });
    useToasts.getState().tell(t("common.copied", { what: label }));
  } catch (reason) {
    useToasts.getState().fail(asFailure(reason));
  }
}
