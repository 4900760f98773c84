// The first screen: which Postern user, and which AWS credentials.
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { Select } from "../../components/Select";
import { asFailure, backend } from "../../ipc/backend";
import type { Failure, SignInOptions } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { useResources } from "../../lib/resources";
import { usePreferences } from "../../lib/state/preferences";
import { useStatus } from "../../lib/state/status";
import "./session.css";

export function SignInView() {
  const { t } = useTranslation();
  const revision = useResources((state) => state.revision);
  const openImport = useResources((state) => state.setDialog);
  const [options, setOptions] = useState<SignInOptions | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);

  const load = useCallback(() => {
    backend()
      .call("sign_in_options", null)
      .then((answer) => {
        setOptions(answer);
        setFailure(null);
      })
      .catch((reason) => setFailure(asFailure(reason)));
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a created user must appear in the list
  useEffect(load, [load, revision]);

  return (
    <div className="wel" data-testid="sign-in">
      <main className="wel__scroll">
        <div className="wel__in">
          <section>
            <div className="wel__mark">
              <Icon name="door" />
            </div>
            <h1>{t("signIn.title")}</h1>
            <p className="wel__lead">{t("signIn.lead")}</p>
            <div className="wel__alt">
              <button type="button" className="wel__link" onClick={() => openImport(true)} data-testid="open-import">
                <Icon name="file" />
                {t("signIn.importLink")}
              </button>
              <p className="wel__hint">{t("signIn.importHint")}</p>
            </div>
          </section>
          <section>
            {failure && <FailureNote failure={failure} onRetry={load} />}
            {options && (options.users.length > 0 ? <SignInForm options={options} /> : <NoUsers onLook={load} />)}
          </section>
        </div>
      </main>
      <WelcomeBar />
    </div>
  );
}

function SignInForm({ options }: { options: SignInOptions }) {
  const { t } = useTranslation();
  const signIn = useStatus((state) => state.signIn);
  const [user, setUser] = useState(options.users[0] ?? "");
  const [profile, setProfile] = useState<string | null>(null);
  const attempt = useAttempt(() => signIn({ user, aws_profile: profile }));

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void attempt.run();
      }}
    >
      <Step number="1" title={t("signIn.who")} now>
        <p>{t("signIn.whoHint")}</p>
        <div className="wel__field">
          <Select
            aria-label={t("signIn.user")}
            value={user}
            onChange={(event) => setUser(event.target.value)}
            data-testid="sign-in-user"
          >
            {options.users.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </Select>
        </div>
      </Step>
      <Step number="2" title={t("signIn.aws")} now>
        <p>{t("signIn.awsHint")}</p>
        <fieldset className="card src" aria-label={t("signIn.aws")} data-testid="sign-in-profile">
          <Source checked={profile === null} onPick={() => setProfile(null)} testId="profile-default">
            <span className="strong">{t("signIn.chain")}</span>
            <span className="faint clip">{t("signIn.chainHint")}</span>
          </Source>
          {options.profiles.map((name) => (
            <Source key={name} checked={profile === name} onPick={() => setProfile(name)} testId={`profile-${name}`}>
              <span className="strong">{t("signIn.profile", { name })}</span>
            </Source>
          ))}
        </fieldset>
        {attempt.failure && (
          <div className="wel__failure">
            <FailureNote failure={attempt.failure} />
          </div>
        )}
        <div className="row wel__do">
          <button
            type="submit"
            className="btn btn--lg btn--primary"
            disabled={attempt.running}
            data-testid="sign-in-submit"
          >
            {attempt.running ? t("signIn.submitting") : t("signIn.submit")}
          </button>
        </div>
      </Step>
      <Step number="3" title={t("signIn.connect")} last>
        <p className="faint">{t("signIn.connectHint")}</p>
      </Step>
    </form>
  );
}

interface SourceProps {
  checked: boolean;
  onPick: () => void;
  testId: string;
  children: React.ReactNode;
}

function Source({ checked, onPick, testId, children }: SourceProps) {
  return (
    <label className="list-row">
      <input type="radio" name="profile" className="radio" checked={checked} onChange={onPick} data-testid={testId} />
      {children}
    </label>
  );
}

function NoUsers({ onLook }: { onLook: () => void }) {
  const { t } = useTranslation();
  const openImport = useResources((state) => state.setDialog);
  return (
    <Step number="1" title={t("signIn.noUsers")} now last>
      <p>{t("signIn.noUsersWhy")}</p>
      <p>{t("signIn.noUsersFix")}</p>
      <div className="codebox wel__code" data-testid="no-users">
        {t("signIn.noUsersCommand", { name: t("signIn.noUsersName") })}
      </div>
      <div className="row wel__do">
        <button type="button" className="btn btn--lg btn--primary" onClick={() => openImport(true)}>
          {t("signIn.importLink")}
        </button>
        <button type="button" className="btn btn--lg btn--ghost" onClick={onLook}>
          {t("common.tryAgain")}
        </button>
      </div>
    </Step>
  );
}

interface StepProps {
  number: string;
  title: string;
  now?: boolean;
  last?: boolean;
  children: React.ReactNode;
}

function Step({ number, title, now, last, children }: StepProps) {
  return (
    <div className={last ? "wel__step wel__step--last" : "wel__step"}>
      <span className={now ? "wel__no is-now" : "wel__no"}>{number}</span>
      <div>
        <h2 className={now ? undefined : "faint"}>{title}</h2>
        {children}
      </div>
    </div>
  );
}

function WelcomeBar() {
  const { t } = useTranslation();
  const home = useStatus((state) => state.status?.home ?? "");
  const language = usePreferences((state) => state.language);
  const set = usePreferences((state) => state.set);
  return (
    <footer className="status">
      <span className="status__item">
        <Icon name="user" />
        {t("status.noUser")}
      </span>
      <i className="status__sep" />
      <span className="status__item clip" title={t("status.home", { path: home })}>
        {home}
      </span>
      <span className="spacer" />
      <label className="status__item status__select">
        <select
          aria-label={t("settings.language")}
          value={language}
          onChange={(event) => set({ language: event.target.value as typeof language })}
        >
          <option value="system">{t("settings.system")}</option>
          <option value="en">{t("settings.english")}</option>
          <option value="ko">{t("settings.korean")}</option>
        </select>
        <Icon name="down" />
      </label>
    </footer>
  );
}
