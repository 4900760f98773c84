// What has to be said of a server beside its queries: that it failed, whose queries it shows, what it does not keep.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { copy } from "../../lib/clipboard";
import { age, clock, count } from "../../lib/format";
import { type Read, useReads } from "./reads";

/** Clocks that differ by less are as good as the same. */
const SAME_CLOCK_MS = 10_000;

export function TargetNotes({ reads }: { reads: Read[] }) {
  return (
    <>
      {reads.map((read) => (
        <Failed key={`failure ${read.target.database}`} read={read} several={reads.length > 1} />
      ))}
      {reads.map((read) => (
        <Limited key={`scope ${read.target.database}`} read={read} several={reads.length > 1} />
      ))}
      <Remarks reads={reads} />
    </>
  );
}

function Failed({ read, several }: { read: Read; several: boolean }) {
  const { t } = useTranslation();
  const { failure, about, target } = read;
  if (!failure) return null;
  return (
    <>
      <div className="strip-failure" data-testid={`failure-${target.database}`}>
        <FailureNote failure={failure} onRetry={() => void useReads.getState().refresh(target.database)}>
          {several && <span className="dim">{target.database}</span>}
        </FailureNote>
      </div>
      {about && <p className="act__note faint">{t("activity.refreshFailed", { time: clock(about.as_of) })}</p>}
    </>
  );
}

/** "Only your own" is said with what would show the others, and never looks like an idle server. */
function Limited({ read, several }: { read: Read; several: boolean }) {
  const { t } = useTranslation();
  const { about, target } = read;
  if (about?.scope !== "own") return null;
  const { grant, source, hidden } = about;
  return (
    <div className="banner banner--strip" data-testid="activity-scope-own">
      <Icon name="user" />
      <span className="grow">
        {several && <span className="strong">{`${target.database}: `}</span>}
        {t(`activity.scopeOwnOf.${source}`)}
        {hidden > 0 && ` ${t("activity.hiddenSessions", { count: hidden })}`}
      </span>
      {grant && (
        <button
          type="button"
          className="btn btn--sm"
          title={grant}
          onClick={() => copy(grant, t("activity.grantWhat"))}
        >
          {t("activity.copyGrant")}
        </button>
      )}
    </div>
  );
}

function Remarks({ reads }: { reads: Read[] }) {
  const { t } = useTranslation();
  const several = reads.length > 1;
  const remarks = reads.flatMap(({ about, target }) => {
    if (!about) return [];
    const said: string[] = [];
    if (about.source !== "history") said.push(t(`activity.sourceOf.${about.source}`));
    if (about.scope === "unknown") said.push(t("activity.scopeUnknown"));
    if (about.cut) said.push(t("activity.cutRead", { number: count(10_000) }));
    const ahead = about.server_now - about.as_of;
    if (Math.abs(ahead) > SAME_CLOCK_MS) {
      said.push(t(ahead > 0 ? "activity.clockAhead" : "activity.clockBehind", { time: age(Math.abs(ahead)) }));
    }
    return said.map((text) => ({
      key: `${target.database} ${text}`,
      text: several ? `${target.database}: ${text}` : text,
    }));
  });
  return remarks.map(({ key, text }) => (
    <p key={key} className="act__note faint" data-testid="activity-remark">
      {text}
    </p>
  ));
}
