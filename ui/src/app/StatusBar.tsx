// Who you are, until when, and what is running. Always.
import { useTranslation } from "react-i18next";
import { Icon } from "../components/Icon";
import type { Identity } from "../ipc/contract";
import { useNow } from "../lib/clock";
import { explain } from "../lib/failure";
import { age, hourMinute } from "../lib/format";
import { sessionCount, useConnections } from "../lib/state/connections";
import { isRunning, useConsoles } from "../lib/state/consoles";
import { hasEnded, useExports } from "../lib/state/exports";
import { useStatus } from "../lib/state/status";

export function StatusBar() {
  const { t } = useTranslation();
  const identity = useStatus((state) => state.status?.identity ?? null);
  const connections = useConnections((state) => state.list);
  const running = useConsoles((state) => state.tabs.filter(isRunning).length);
  const exporting = useExports((state) => state.list.filter((one) => !hasEnded(one.state)).length);
  return (
    <footer className="status" data-testid="status-bar">
      <span
        className="status__item"
        title={identity ? t("status.signedInAs", { user: identity.user }) : undefined}
        data-testid="status-user"
      >
        <Icon name="user" />
        {identity?.user ?? t("status.noUser")}
      </span>
      {identity && <AwsItems identity={identity} />}
      <i className="status__sep" />
      <span className="status__item">{t("status.proxies", { count: connections.length })}</span>
      <span className="status__item">{t("status.sessions", { count: sessionCount(connections) })}</span>
      {running > 0 && (
        <span className="status__item">
          <i className="dot dot--run" />
          {t("status.running", { count: running })}
        </span>
      )}
      {exporting > 0 && (
        <span className="status__item" data-testid="status-exports">
          <i className="dot dot--run" />
          {t("status.exporting", { count: exporting })}
        </span>
      )}
      <span className="spacer" />
    </footer>
  );
}

function AwsItems({ identity }: { identity: Identity }) {
  const { t } = useTranslation();
  const now = useNow(15_000);
  const profile = identity.aws_profile ?? t("status.chain");
  const aws = identity.aws;
  if (!aws) {
    const failure = identity.aws_failure;
    const title = failure ? `${explain(failure, t).what} ${explain(failure, t).why}` : undefined;
    return (
      <>
        <i className="status__sep" />
        <span className={`status__item${failure ? " state--warn" : ""}`} title={title} data-testid="status-aws">
          <Icon name={failure ? "alert" : "cloud"} />
          {failure ? t("status.awsFailed") : t("status.awsChecking")}
        </span>
      </>
    );
  }
  return (
    <>
      <i className="status__sep" />
      <span className="status__item" title={aws.arn} data-testid="status-aws">
        <Icon name="cloud" />
        {profile} · {aws.account}
      </span>
      <Expiry expiresAt={aws.expires_at} source={aws.source} now={now} />
    </>
  );
}

function Expiry({ expiresAt, source, now }: { expiresAt: number | null; source: string; now: number }) {
  const { t } = useTranslation();
  if (expiresAt === null) {
    return (
      <span
        className="status__item hide-narrow"
        title={t("status.lastingHint", { source })}
        data-testid="status-expiry"
      >
        <Icon name="clock" />
        {t("status.lasting")}
      </span>
    );
  }
  const left = expiresAt - now;
  const time = hourMinute(expiresAt);
  return (
    <span
      className={`status__item${left < 10 * 60_000 ? " state--warn" : ""}`}
      title={t("status.left", { time: age(left), source })}
      data-testid="status-expiry"
    >
      <Icon name="clock" />
      {left > 0 ? t("status.until", { time }) : t("status.ended", { time })}
    </span>
  );
}
