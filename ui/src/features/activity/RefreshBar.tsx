// How old the picture is, how far back it goes, and whether it renews itself: each read may wake a paused workgroup,
// and is billed.
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Select } from "../../components/Select";
import { clock } from "../../lib/format";
import { intervals, readAt, useOursRun, useReads } from "./reads";
import { ranges } from "./timeline";

export function RefreshBar({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  const { range, every, auto, reads } = useReads();
  const { setAuto, setEvery, setRange } = useReads.getState();
  const ours = useOursRun();
  const hidden = useHidden();
  useAutoRefresh((auto || ours) && !hidden, every);
  const at = readAt(reads);
  const seconds = every / 1000;
  const state = hidden && (auto || ours) ? "hidden" : auto ? "auto" : ours ? "ours" : "off";
  const words = {
    hidden: t("activity.autoHidden"),
    auto: t("activity.autoEvery", { count: seconds }),
    ours: t("activity.autoOurs", { count: seconds }),
    off: at === null ? "" : t("activity.asOf", { time: clock(at) }),
  }[state];
  return (
    <div className="tl__top">
      <Select
        small
        className="act__range"
        aria-label={t("activity.range")}
        value={range}
        onChange={(event) => void setRange(Number(event.target.value))}
        data-testid="activity-range"
      >
        {ranges.map((choice) => (
          <option key={choice} value={choice}>
            {rangeWords(choice)}
          </option>
        ))}
      </Select>
      {children}
      <span className="spacer" />
      <span
        className="faint num act__asof clip"
        title={t("activity.autoHint")}
        data-state={state}
        data-testid="activity-as-of"
      >
        {words}
      </span>
      <Select
        small
        className="act__every"
        aria-label={t("activity.interval")}
        title={t("activity.autoHint")}
        value={every}
        onChange={(event) => setEvery(Number(event.target.value))}
        data-testid="activity-every"
      >
        {intervals.map((interval) => (
          <option key={interval} value={interval}>
            {t("activity.everySeconds", { count: interval / 1000 })}
          </option>
        ))}
      </Select>
      <button
        type="button"
        className="btn btn--sm btn--ghost"
        title={t("activity.autoHint")}
        aria-pressed={auto}
        onClick={() => setAuto(!auto)}
        data-testid="activity-auto"
      >
        {auto ? t("activity.pause") : t("activity.auto")}
      </button>
    </div>
  );

  function rangeWords(ms: number): string {
    const minutes = ms / 60_000;
    if (minutes < 60) return t("activity.lastMinutes", { count: minutes });
    return minutes <= 1440
      ? t("activity.lastHours", { count: minutes / 60 })
      : t("activity.lastDays", { count: minutes / 1440 });
  }
}

/** Whether nobody can see the window. */
function useHidden(): boolean {
  const [hidden, setHidden] = useState(() => document.hidden);
  useEffect(() => {
    const look = () => setHidden(document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return hidden;
}

function useAutoRefresh(on: boolean, every: number): void {
  useEffect(() => {
    if (!on) return;
    // Seen again after a while, what is shown is older than it says.
    const at = readAt(useReads.getState().reads);
    if (at !== null && Date.now() - at >= every) void refreshThoseThatAnswer();
    const timer = setInterval(refreshThoseThatAnswer, every);
    return () => clearInterval(timer);
  }, [on, every]);
}

/** A server that failed waits for its person to try again. */
async function refreshThoseThatAnswer(): Promise<void> {
  const { targets, reads, refresh } = useReads.getState();
  const answering = targets.filter(({ database }) => !reads[database]?.failure);
  await Promise.all(answering.map(({ database }) => refresh(database)));
}
