// Settings: what happens on the left, the control on the right. Saved as they change.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Select } from "../../components/Select";
import { asFailure, backend, type Preferences } from "../../ipc/backend";
import type { Remembering } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { useResources } from "../../lib/resources";
import { usePreferences } from "../../lib/state/preferences";
import { useStatus } from "../../lib/state/status";
import { useToasts } from "../../lib/state/toasts";
import { EditorSettings } from "./EditorSettings";
import { Setting } from "./Setting";
import "./settings.css";

const themes: Preferences["theme"][] = ["system", "light", "dark", "contrast"];

export function SettingsView() {
  const { t } = useTranslation();
  const language = usePreferences((state) => state.language);
  const set = usePreferences((state) => state.set);
  const openImport = useResources((state) => state.setDialog);
  const status = useStatus((state) => state.status);
  return (
    <>
      <header className="head">
        <h1 className="head__title">{t("nav.settings")}</h1>
        <span className="spacer" />
        <span className="faint">{t("settings.saved")}</span>
      </header>
      <div className="view sets">
        <div className="sets__body">
          <h2>{t("settings.appearance")}</h2>
          <Setting label={t("settings.theme")} hint={t("settings.themeHint")}>
            <ThemePicker />
          </Setting>
          <Setting label={t("settings.language")} hint={t("settings.languageHint")}>
            <Select
              aria-label={t("settings.language")}
              value={language}
              onChange={(event) => set({ language: event.target.value as Preferences["language"] })}
              data-testid="language"
            >
              <option value="system">{t("settings.system")}</option>
              <option value="en">{t("settings.english")}</option>
              <option value="ko">{t("settings.korean")}</option>
            </Select>
          </Setting>
          <Remembered />
          <EditorSettings />
          <h2>{t("settings.resources")}</h2>
          <Setting label={t("settings.yaml")} hint={t("settings.yamlHint")}>
            <button type="button" className="btn" onClick={() => openImport(true)} data-testid="open-import">
              {t("import.open")}
            </button>
          </Setting>
          <SignIn />
          <h2>{t("settings.about")}</h2>
          <Setting label={t("settings.version")}>
            <span className="selectable num" data-testid="version">
              {status?.version}
            </span>
          </Setting>
          <Setting label={t("settings.home")} hint={t("settings.homeHint")}>
            <span className="mono selectable sets__path">{status?.home}</span>
          </Setting>
        </div>
      </div>
    </>
  );
}

function ThemePicker() {
  const { t } = useTranslation();
  const theme = usePreferences((state) => state.theme);
  const set = usePreferences((state) => state.set);
  return (
    <fieldset className="theme" aria-label={t("settings.theme")} data-testid="theme">
      {themes.map((name) => (
        <label key={name} className={theme === name ? "theme__one is-on" : "theme__one"} data-testid={`theme-${name}`}>
          <input
            type="radio"
            name="theme"
            className="theme__radio"
            checked={theme === name}
            onChange={() => set({ theme: name })}
          />
          <i className={`theme__picture theme__picture--${name}`} />
          {t(`settings.${name}`)}
        </label>
      ))}
    </fieldset>
  );
}

const fail = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

/** What the console keeps on the disk: SQL may hold values that nobody else should read. */
function Remembered() {
  const { t } = useTranslation();
  const [kept, setKept] = useState<Remembering | null>(null);
  useEffect(() => {
    backend().call("console_remembering", null).then(setKept).catch(fail);
  }, []);
  const set = (next: Remembering) => {
    const before = kept;
    setKept(next);
    backend()
      .call("console_remember", next)
      .catch((reason) => {
        setKept(before);
        fail(reason);
      });
  };
  const forget = useAttempt(async () => {
    const count = await backend().call("history_forget", { what: "everything" });
    useToasts.getState().tell(t("history.forgotten", { count, n: count }));
  });
  return (
    <>
      <h2>{t("nav.console")}</h2>
      <Setting label={t("settings.history")} hint={t("settings.historyHint")}>
        <Switch
          label={t("settings.history")}
          on={kept?.history ?? null}
          onSet={(history) => kept && set({ ...kept, history })}
          testId="keep-history"
        />
      </Setting>
      <Setting label={t("settings.tabs")} hint={t("settings.tabsHint")}>
        <Switch
          label={t("settings.tabs")}
          on={kept?.tabs ?? null}
          onSet={(tabs) => kept && set({ ...kept, tabs })}
          testId="keep-tabs"
        />
      </Setting>
      <Setting label={t("history.forgetAll")} hint={t("settings.forgetHint")}>
        <button
          type="button"
          className="btn btn--danger-quiet"
          disabled={forget.running}
          onClick={() => forget.run()}
          data-testid="forget-history"
        >
          {t("history.forget")}
        </button>
      </Setting>
      {forget.failure && <FailureNote failure={forget.failure} />}
    </>
  );
}

interface SwitchProps {
  label: string;
  /** null until it is known. */
  on: boolean | null;
  onSet: (on: boolean) => void;
  testId: string;
}

function Switch({ label, on, onSet, testId }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      className={on ? "switch is-on" : "switch"}
      aria-checked={on ?? false}
      aria-label={label}
      disabled={on === null}
      onClick={() => onSet(!on)}
      data-testid={testId}
    />
  );
}

function SignIn() {
  const { t } = useTranslation();
  const identity = useStatus((state) => state.status?.identity ?? null);
  const signOut = useAttempt(() => useStatus.getState().signOut());
  if (!identity) return null;
  const { user, roles, aws, aws_failure } = identity;
  return (
    <>
      <h2>{t("settings.signIn")}</h2>
      <Setting label={t("settings.signedIn", { user })} hint={t("settings.signOutHint")}>
        <button
          type="button"
          className="btn"
          disabled={signOut.running}
          onClick={() => signOut.run()}
          data-testid="sign-out"
        >
          {signOut.running ? t("settings.signingOut") : t("settings.signOut")}
        </button>
      </Setting>
      {signOut.failure && <FailureNote failure={signOut.failure} />}
      {roles.length > 0 && <Setting label={t("settings.roles", { roles: roles.join(", ") })} />}
      {aws && (
        <Setting label={t("settings.arn")} hint={t("settings.source", { source: aws.source })}>
          <span className="mono selectable sets__path">{aws.arn}</span>
        </Setting>
      )}
      {aws_failure && <FailureNote failure={aws_failure} />}
    </>
  );
}
