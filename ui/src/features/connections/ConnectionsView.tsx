// The local proxies that run, under each the programs that use it, and below those that ran before.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../components/Dialog";
import { Empty } from "../../components/Empty";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { Keys } from "../../components/Keys";
import { SkeletonRows } from "../../components/Skeleton";
import type { Connection, RecentConnection } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { useNow } from "../../lib/clock";
import { sessionCount, useConnections } from "../../lib/state/connections";
import { useNavigation } from "../../lib/state/navigation";
import { Group } from "./Group";
import { RecentRows } from "./RecentRows";
import { StartProxy } from "./StartProxy";
import "./connections.css";

export function ConnectionsView() {
  const { t } = useTranslation();
  const { list, recent, loaded, failure, load } = useConnections();
  const starting = useNavigation((state) => state.startingProxy);
  const { startProxy } = useNavigation.getState();
  const [again, setAgain] = useState<RecentConnection | null>(null);
  // One clock for all ages and plots, so that they move together.
  const now = useNow(1000);
  const counts = {
    proxies: t("status.proxies", { count: list.length }),
    sessions: t("status.sessions", { count: sessionCount(list) }),
  };
  const close = () => {
    startProxy(false);
    setAgain(null);
  };
  // Going elsewhere closes the question; it is not there again on the way back.
  useEffect(() => () => startProxy(false), [startProxy]);

  return (
    <>
      <header className="head">
        <h1 className="head__title">{t("nav.connections")}</h1>
        {list.length > 0 && <span className="head__count">{t("connections.count", counts)}</span>}
        <span className="spacer" />
        {list.length > 1 && <StopAll list={list} />}
        <button type="button" className="btn btn--sm" onClick={() => startProxy(true)} data-testid="start-proxy-dialog">
          <Icon name="plus" />
          {t("connections.start")}
          <Keys of="Ctrl P" />
        </button>
      </header>
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={load} />
        </div>
      )}
      <div className="view">
        {!loaded ? (
          !failure && <SkeletonRows count={3} />
        ) : list.length === 0 && recent.length === 0 ? (
          <Empty icon="plug" title={t("connections.emptyTitle")} text={t("connections.emptyText")}>
            <button type="button" className="btn btn--sm btn--primary" onClick={() => startProxy(true)}>
              {t("connections.start")}
            </button>
          </Empty>
        ) : (
          <div className="cx">
            {list.length > 0 ? (
              <Table list={list} now={now} />
            ) : (
              <div className="cx__quiet">
                <p className="strong">{t("connections.emptyTitle")}</p>
                <p className="dim">{t("connections.emptyAgain")}</p>
              </div>
            )}
            {recent.length > 0 && <RecentRows list={recent} now={now} onAsk={setAgain} />}
          </div>
        )}
      </div>
      {(starting || again) && <StartProxy from={again} onClose={close} />}
    </>
  );
}

function Table({ list, now }: { list: Connection[]; now: number }) {
  const { t } = useTranslation();
  return (
    <div role="table" aria-label={t("nav.connections")} data-testid="connections">
      <div className="cx__cols" role="row">
        <Head className="cx__first" text={t("connections.program")} />
        <Head text={t("connections.state")} />
        <Head className="cx__user" text={t("connections.as")} />
        <Head className="right" text={t("connections.for")} />
        <Head className="right" text={t("connections.sent")} />
        <Head className="right" text={t("connections.received")} />
        <Head className="right" text={t("connections.rate")} />
        <Head text={t("connections.lastMinute")} />
        <Head text="" />
      </div>
      {list.map((connection) => (
        <Group key={connection.id} connection={connection} now={now} />
      ))}
    </div>
  );
}

function Head({ text, className }: { text: string; className?: string }) {
  return (
    <span role="columnheader" className={className ? `clip ${className}` : "clip"}>
      {text}
    </span>
  );
}

/** Asks first when work would be lost with it. */
function StopAll({ list }: { list: Connection[] }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const busy = list.flatMap(({ sessions }) => sessions).filter(({ state }) => state !== "idle").length;
  const stop = useAttempt(async () => {
    setAsking(false);
    await Promise.all(list.map(({ id }) => useConnections.getState().stop(id)));
  });
  return (
    <>
      <button
        type="button"
        className="btn btn--sm btn--ghost"
        disabled={stop.running}
        onClick={() => (busy > 0 ? setAsking(true) : stop.run())}
        data-testid="stop-all"
      >
        {stop.running ? t("connections.stopping") : t("connections.stopAll")}
      </button>
      {asking && (
        <Dialog
          title={t("connections.stopAllTitle")}
          role="alertdialog"
          onClose={() => setAsking(false)}
          foot={
            <>
              <button type="button" className="btn" data-autofocus onClick={() => setAsking(false)}>
                {t("common.goBack")}
              </button>
              <button type="button" className="btn btn--danger" onClick={() => stop.run()}>
                {t("connections.stopAllDo", { count: list.length })}
              </button>
            </>
          }
        >
          <p className="dim">{t("connections.stopAllText", { count: busy })}</p>
        </Dialog>
      )}
    </>
  );
}
