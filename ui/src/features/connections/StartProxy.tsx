// Starting a local proxy with everything that can be chosen: to where, on which port, for whom.
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ChoiceField } from "../../components/ChoiceField";
import { Dialog } from "../../components/Dialog";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { UsePort } from "../../components/UsePort";
import type { ConnectionAuth, Database, PasswordMethod, RecentConnection, Target } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { first, reachable } from "../../lib/choices";
import { isLinux } from "../../lib/platform";
import { parsePort } from "../../lib/port";
import { keptPort, useConnections } from "../../lib/state/connections";
import { useDatabases } from "../../lib/state/databases";
import { isLoopback } from "./address";

interface Props {
  /** One that ran before, to begin with its settings. */
  from: RecentConnection | null;
  onClose: () => void;
}

export function StartProxy({ from, onClose }: Props) {
  const { t } = useTranslation();
  const databases = useDatabases((state) => state.list)?.filter(reachable) ?? [];
  const recent = useConnections((state) => state.recent);
  const begin = databases.find(({ name }) => name === from?.target.database) ?? databases[0];
  const [target, setTarget] = useState<Target>(() => from?.target ?? targetOf(begin));
  const [port, setPort] = useState("");
  const [auth, setAuth] = useState<AuthChoice>(() =>
    from ? choiceOf(from.auth) : isLinux ? "same_user" : "scram-sha-256",
  );
  const [tls, setTls] = useState(from?.tls ?? false);
  const [readOnly, setReadOnly] = useState(from?.read_only ?? false);
  const [address, setAddress] = useState(from?.address ?? "");
  const [anywhere, setAnywhere] = useState(false);

  const database = databases.find(({ name }) => name === target.database);
  const chosen = parsePort(port);
  const kept = keptPort(recent, target);
  const beyond = address.trim() !== "" && !isLoopback(address.trim());
  const start = useAttempt(async (at: number | null) => {
    await useConnections.getState().open({
      target: { ...target, db_user: target.db_user.trim(), db_name: target.db_name.trim() },
      port: at,
      auth: authOf(auth),
      tls,
      read_only: readOnly,
      address: address.trim() || undefined,
      anywhere: beyond && anywhere,
    });
    onClose();
  });
  const complete = database && target.db_user.trim() !== "" && target.db_name.trim() !== "" && chosen !== undefined;
  const ready = complete && (!beyond || (anywhere && auth !== "same_user")) && !start.running;
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (ready) void start.run(chosen ?? null);
  };
  const formId = useId();

  return (
    <Dialog
      title={t("connections.startTitle")}
      onClose={onClose}
      testId="start-dialog"
      wide
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t("common.goBack")}
          </button>
          <button type="submit" form={formId} className="btn btn--primary" disabled={!ready} data-testid="start-submit">
            {start.running ? t("connections.starting") : t("connections.start")}
          </button>
        </>
      }
    >
      {databases.length === 0 ? (
        <p className="dim">{t("connections.noDatabase")}</p>
      ) : (
        <form id={formId} className="start" onSubmit={submit}>
          <Field label={t("connections.database")}>
            {(id) => (
              <Select
                id={id}
                value={target.database}
                data-autofocus
                data-testid="start-database"
                onChange={({ target: { value } }) => setTarget(targetOf(databases.find(({ name }) => name === value)))}
              >
                {databases.map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {database && (
            <>
              <ChoiceField
                label={t("databases.dbUser")}
                choices={database.db_users}
                value={target.db_user}
                onChange={(db_user) => setTarget({ ...target, db_user })}
                testId="start-db-user"
              />
              <ChoiceField
                label={t("databases.dbName")}
                choices={database.db_names}
                value={target.db_name}
                onChange={(db_name) => setTarget({ ...target, db_name })}
                testId="start-db-name"
              />
            </>
          )}
          <Field
            label={t("databases.port")}
            bad={chosen === undefined}
            hint={t(
              chosen === undefined ? "databases.portBad" : kept ? "connections.portKept" : "connections.portFirst",
              {
                port: kept,
              },
            )}
          >
            {(id) => (
              <input
                id={id}
                className={chosen === undefined ? "input num is-bad" : "input num"}
                inputMode="numeric"
                placeholder={kept?.toString()}
                value={port}
                aria-invalid={chosen === undefined}
                data-testid="start-port"
                onChange={(event) => setPort(event.target.value)}
              />
            )}
          </Field>
          <Field label={t("connections.who")} hint={t(hints[auth])}>
            {(id) => (
              <Select
                id={id}
                value={auth}
                data-testid="start-auth"
                onChange={(event) => setAuth(event.target.value as AuthChoice)}
              >
                {choices.map((choice) => (
                  <option key={choice} value={choice}>
                    {t(names[choice])}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          <Field label={t("readOnly.tab")} hint={t("readOnly.proxyHint")}>
            {(id) => (
              <input
                id={id}
                type="checkbox"
                className="check"
                checked={readOnly}
                data-testid="start-read-only"
                onChange={(event) => setReadOnly(event.target.checked)}
              />
            )}
          </Field>
          <Field label={t("connections.tls")} hint={t("connections.tlsHint")}>
            {(id) => (
              <input
                id={id}
                type="checkbox"
                className="check"
                checked={tls}
                data-testid="start-tls"
                onChange={(event) => setTls(event.target.checked)}
              />
            )}
          </Field>
          <Field label={t("connections.listenAt")} hint={beyond ? undefined : t("connections.listenHint")}>
            {(id) => (
              <input
                id={id}
                className="input mono"
                placeholder="127.0.0.1"
                spellCheck={false}
                autoComplete="off"
                value={address}
                data-testid="start-address"
                onChange={(event) => setAddress(event.target.value)}
              />
            )}
          </Field>
          {beyond && (
            <div className="banner banner--bad start__beyond" data-testid="start-beyond">
              <Icon name="alert" />
              <div>
                <p className="state--bad strong">{t("connections.beyondTitle")}</p>
                <p className="dim">
                  {t(auth === "same_user" ? "connections.beyondPassword" : "connections.beyondText")}
                </p>
                <label className="row start__anywhere">
                  <input
                    type="checkbox"
                    className="check"
                    checked={anywhere}
                    data-testid="start-anywhere"
                    onChange={(event) => setAnywhere(event.target.checked)}
                  />
                  {t("connections.beyondYes")}
                </label>
              </div>
            </div>
          )}
        </form>
      )}
      {start.failure && (
        <FailureNote failure={start.failure}>
          <UsePort
            failure={start.failure}
            onUse={(free) => {
              setPort(String(free));
              void start.run(free);
            }}
          />
        </FailureNote>
      )}
    </Dialog>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  bad?: boolean;
  children: (id: string) => React.ReactNode;
}

function Field({ label, hint, bad, children }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      {children(id)}
      {hint && <div className={bad ? "field__hint is-bad" : "field__hint"}>{hint}</div>}
    </div>
  );
}

type AuthChoice = "same_user" | PasswordMethod;

const choices: AuthChoice[] = isLinux
  ? ["same_user", "scram-sha-256", "md5", "cleartext"]
  : ["scram-sha-256", "md5", "cleartext"];

const names = {
  same_user: "connections.whoSameUser",
  "scram-sha-256": "connections.whoScram",
  md5: "connections.whoMd5",
  cleartext: "connections.whoCleartext",
} as const satisfies Record<AuthChoice, string>;

const hints = {
  same_user: "connections.hintSameUser",
  "scram-sha-256": "connections.hintScram",
  md5: "connections.hintMd5",
  cleartext: "connections.hintCleartext",
} as const satisfies Record<AuthChoice, string>;

function authOf(choice: AuthChoice): ConnectionAuth {
  return choice === "same_user" ? { kind: "same_user" } : { kind: "password", method: choice };
}

function choiceOf(auth: ConnectionAuth): AuthChoice {
  return auth.kind === "same_user" ? "same_user" : auth.method;
}

function targetOf(database: Database | undefined): Target {
  if (!database) return { database: "", db_user: "", db_name: "" };
  return { database: database.name, db_user: first(database.db_users), db_name: first(database.db_names) };
}
