// One session: which program, what it does, for how long, and what it moved.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import type { Session, SessionOrigin, SessionState } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { age, bytes, count } from "../../lib/format";
import { useConnections } from "../../lib/state/connections";
import { Sparkline } from "./Sparkline";
import { lastMinute } from "./traffic";

const origins = {
  tcp: "connections.originTcp",
  unix: "connections.originUnix",
  internal: "connections.originInternal",
} as const satisfies Record<SessionOrigin, string>;

const states = {
  connecting: { words: "connections.stateConnecting", look: "state state--run", dot: "dot dot--run" },
  idle: { words: "connections.stateIdle", look: "state dim", dot: "dot dot--ring" },
  in_transaction: { words: "connections.stateInTransaction", look: "state state--warn", dot: "dot dot--warn" },
  failed_transaction: { words: "connections.stateFailed", look: "state state--bad", dot: "dot dot--bad" },
  running: { words: "connections.stateRunning", look: "state state--run", dot: "dot dot--run" },
} as const satisfies Record<SessionState, { words: string; look: string; dot: string }>;

export function SessionRow({ session, now }: { session: Session; now: number }) {
  const { t } = useTranslation();
  const end = useAttempt(() => useConnections.getState().stopSession(session.id));
  const program = session.program || t("connections.noProgram");
  const from = fromWhere(session, t);
  const user = t("connections.target", { user: session.db_user, name: session.db_name });
  const state = states[session.state];
  const traffic = lastMinute(session.traffic, now);
  const title = [
    program,
    from,
    session.peer,
    session.backend_pid !== null && t("connections.backend", { pid: session.backend_pid }),
    t("connections.statements", { count: session.statements, shown: count(session.statements) }),
  ];
  return (
    <>
      <div className="cx__row" role="row" data-testid={`session-${session.id}`} data-state={session.state}>
        <Cell className="clip cx__first" title={title.filter(Boolean).join("\n")}>
          <span className={session.program ? undefined : "faint"}>{program}</span>
          <span className="faint cx__from">{from}</span>
        </Cell>
        <Cell className="clip">
          <span className={state.look}>
            <i className={state.dot} aria-hidden="true" />
            {t(state.words)}
          </span>
        </Cell>
        <Cell className="clip dim cx__user" title={user}>
          {user}
        </Cell>
        <Cell className="right">{age(now - session.started_at)}</Cell>
        <Cell className="right dim">{bytes(session.bytes_up)}</Cell>
        <Cell className="right">{bytes(session.bytes_down)}</Cell>
        <Cell className="right dim">{t("connections.perSecond", { bytes: bytes(traffic.at(-1) ?? 0) })}</Cell>
        <Cell>
          <Sparkline values={traffic} />
        </Cell>
        <Cell className="cx__do">
          <button
            type="button"
            className="btn btn--sm btn--ghost"
            disabled={end.running}
            aria-label={t("connections.endOf", { program })}
            onClick={() => end.run()}
            data-testid={`end-${session.id}`}
          >
            {end.running ? t("connections.ending") : t("connections.end")}
          </button>
        </Cell>
      </div>
      {end.failure && (
        <div className="strip-failure">
          <FailureNote failure={end.failure} />
        </div>
      )}
    </>
  );
}

function Cell({ className, title, children }: { className?: string; title?: string; children: React.ReactNode }) {
  return (
    <span role="cell" className={className} title={title}>
      {children}
    </span>
  );
}

/** The client's program and process where the system tells, else the way it came. */
function fromWhere(
  { process, origin, program, other_user }: Session,
  t: ReturnType<typeof useTranslation>["t"],
): string {
  const way =
    process === null
      ? t(origins[origin])
      : process.program === program
        ? t("connections.pid", { pid: process.pid })
        : t("connections.process", { program: process.program, pid: process.pid });
  return other_user ? t("connections.ofUser", { what: way, user: other_user }) : way;
}
