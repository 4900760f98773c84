// One lane per query, the same order of phases in each. A picture of the table below it.
import { useTranslation } from "react-i18next";
import type { Activity } from "../../ipc/contract";
import { clock, hourMinute } from "../../lib/format";
import { PhaseBar, phaseClasses } from "./PhaseBar";
import { phaseNames, timeline } from "./phases";
import { useActivity } from "./store";

const LANE = 20;

export function Legend() {
  const { t } = useTranslation();
  return (
    <span className="legend">
      {phaseNames.map((name) => (
        <span key={name}>
          <i className={phaseClasses[name]} />
          {t(`activity.${name}`)}
        </span>
      ))}
    </span>
  );
}

export function TimelinePlot({ activity, now }: { activity: Activity; now: number }) {
  const { t } = useTranslation();
  const selected = useActivity((state) => state.selected);
  const select = useActivity((state) => state.select);
  const plot = timeline(activity.queries, activity.as_of, now);
  if (!plot) return null;
  const label = plot.step < 60_000 ? clock : hourMinute;
  return (
    <figure className="tl" aria-label={t("activity.timeline")}>
      <div className="tl__plot" style={{ height: plot.lanes.length * LANE + 18 }} aria-hidden="true">
        {plot.ticks.map(({ at, left }) => (
          <span key={at}>
            <i className="tl__grid" style={{ left: `${left}%` }} />
            {plot.nowLeft - left > 12 && (
              <span className="tl__x" style={{ left: `${left}%` }}>
                {label(at)}
              </span>
            )}
          </span>
        ))}
        {plot.lanes.map(({ query, left, width, phases }, index) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the same choice is made by keys in the table
          // biome-ignore lint/a11y/useKeyWithClickEvents: the same choice is made by keys in the table
          <div
            key={query.query_id}
            className={query.query_id === selected ? "tl__lane is-selected" : "tl__lane"}
            style={{ top: index * LANE }}
            onClick={() => select(query.query_id)}
          >
            <span className="tl__id">{query.query_id}</span>
            <span className="tl__track">
              <span className="tl__bar" style={{ left: `${left}%`, width: `${width}%` }}>
                <PhaseBar phases={phases} />
              </span>
              {query.status === "canceled" && <i className="tl__end" style={{ left: `${left + width}%` }} />}
            </span>
          </div>
        ))}
        <i className="tl__now" style={{ left: `${plot.nowLeft}%` }} />
        <span className="tl__x tl__x--now" style={{ left: `${plot.nowLeft}%` }}>
          {clock(now)}
        </span>
      </div>
    </figure>
  );
}
