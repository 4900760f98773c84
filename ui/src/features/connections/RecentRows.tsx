// Local proxies that do not run now. Each keeps its port, so that programs set up for it find it there again.
import { useTranslation } from "react-i18next";
import { EnvTick } from "../../components/Env";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { UsePort } from "../../components/UsePort";
import type { RecentConnection } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { moment } from "../../lib/format";
import { useConnections } from "../../lib/state/connections";
import { isLoopback } from "./address";

interface Props {
  list: RecentConnection[];
  now: number;
  /** For one that has to be asked about again before it starts. */
  onAsk: (recent: RecentConnection) => void;
}

export function RecentRows({ list, now, onAsk }: Props) {
  const { t } = useTranslation();
  return (
    <section aria-label={t("connections.recent")} data-testid="recent">
      <h2 className="cx__recent">{t("connections.recent")}</h2>
      {list.map((recent) => {
        const { database, db_user, db_name } = recent.target;
        return <Row key={`${database}\n${db_user}\n${db_name}`} recent={recent} now={now} onAsk={onAsk} />;
      })}
    </section>
  );
}

function Row({ recent, now, onAsk }: { recent: RecentConnection; now: number; onAsk: Props["onAsk"] }) {
  const { t } = useTranslation();
  const { target, env, port, auth, tls, address, read_only } = recent;
  const start = useAttempt((at: number | null) =>
    useConnections.getState().open({ target, port: at, auth, tls, read_only, address: address ?? undefined }),
  );
  const forget = useAttempt(() => useConnections.getState().forget(target));
  const beyond = address !== null && !isLoopback(address);
  const failure = start.failure ?? forget.failure;
  const words = [
    t("connections.target", { user: target.db_user, name: target.db_name }),
    recent.runs_in
      ? t("connections.runsIn", { owner: recent.runs_in })
      : recent.stopped_at === null
        ? t("connections.lastStarted", { time: moment(recent.opened_at, now) })
        : t("connections.stopped", { time: moment(recent.stopped_at, now) }),
    auth.kind === "password" ? t("connections.withPassword") : null,
    read_only ? t("readOnly.tab") : null,
    tls ? t("connections.tls") : null,
    beyond ? t("connections.beyondChip") : null,
  ];
  return (
    <>
      <div className="cx__old" data-testid={`recent-${target.database}`}>
        <span className="row cx__name">
          <EnvTick env={env} />
          <span className="clip">{target.database}</span>
        </span>
        <span className="mono dim" data-testid={`recent-address-${target.database}`}>
          {address ?? "127.0.0.1"}:{port}
        </span>
        <span className="faint clip">{words.filter(Boolean).join(", ")}</span>
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("connections.forget", { port })}
          title={t("connections.forget", { port })}
          disabled={forget.running}
          onClick={() => forget.run()}
        >
          <Icon name="x" />
        </button>
        <button
          type="button"
          className="btn btn--sm"
          disabled={start.running || recent.runs_in !== null}
          title={recent.runs_in ? t("connections.runsIn", { owner: recent.runs_in }) : undefined}
          onClick={() => (beyond ? onAsk(recent) : start.run(null))}
          data-testid={`start-again-${target.database}`}
        >
          <Icon name="play" />
          {start.running ? t("connections.starting") : t("connections.again")}
        </button>
      </div>
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={start.failure ? () => void start.run(null) : undefined}>
            <UsePort failure={failure} onUse={(free) => void start.run(free)} />
          </FailureNote>
        </div>
      )}
    </>
  );
}
