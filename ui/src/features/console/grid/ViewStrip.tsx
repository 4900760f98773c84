// Above the rows while they are sorted or filtered: how, how many are left, and the way back.
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import type { Column, Filter, ResultInfo } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import { testWords } from "./FilterBox";
import type { Progress } from "./tasks";
import { asTheyCame, isPlain, takesValue, unsorted, type ViewSpec, withoutFilter } from "./view-spec";
import { type ResultView, useViews } from "./views";

/** A value in a chip is cut here; its title has it whole. */
const VALUE = 40;

export function ViewStrip({ result, view }: { result: ResultInfo; view: ResultView }) {
  const { t } = useTranslation();
  const { apply, stop } = useViews.getState();
  const { making } = view;
  const spec = making?.spec ?? view.spec;
  if (isPlain(spec)) return null;
  const go = (next: ViewSpec) => void apply(result.id, next);
  const newer = view.view ? result.rows - view.view.of : 0;

  return (
    <div className="viewstrip num" data-testid="view-strip">
      <div className="viewstrip__chips">
        {spec.sort.map(({ column, descending }) => (
          <Chip
            key={`sort-${column}`}
            text={`${nameOf(result.columns, column)} ${descending ? "↓" : "↑"}`}
            label={t("console.removeSort", { column: nameOf(result.columns, column) })}
            onRemove={() => go(unsorted(spec, column))}
          />
        ))}
        {spec.filters.map((filter, at) => (
          <Chip
            key={JSON.stringify(filter)}
            funnel
            text={said(filter)}
            label={t("console.removeFilter", { filter: said(filter) })}
            onRemove={() => go(withoutFilter(spec, at))}
          />
        ))}
      </div>
      <button type="button" className="btn btn--sm btn--ghost" onClick={() => go(asTheyCame)} data-testid="view-clear">
        {t("console.clearView")}
      </button>
      <span className="spacer" />
      {making ? (
        <span className="viewstrip__busy" role="status">
          <span data-testid="view-progress">{progressText(making.progress)}</span>
          <button
            type="button"
            className="btn btn--sm btn--danger-quiet"
            onClick={() => stop(result.id)}
            data-testid="view-stop"
          >
            {t("console.stop")}
          </button>
        </span>
      ) : (
        view.view && (
          <span role="status" data-testid="view-rows">
            {t("console.viewRows", { rows: count(view.view.rows), of: count(view.view.of) })}
            {view.view.as_text > 0 && (
              <span className="faint">
                {" · "}
                {t("console.viewAsText", { count: view.view.as_text, n: count(view.view.as_text) })}
              </span>
            )}
          </span>
        )
      )}
      {!making && newer > 0 && (
        <button type="button" className="btn btn--sm" onClick={() => go(spec)} data-testid="view-renew">
          {t("console.viewNewer", { count: newer, n: count(newer) })}
        </button>
      )}
      {making && <i className="viewstrip__bar" style={{ width: `${percent(making.progress) ?? 0}%` }} />}
    </div>
  );

  function said(filter: Filter): string {
    const column = filter.column === null ? t("console.anyColumn") : nameOf(result.columns, filter.column);
    const words = `${column} ${t(testWords[filter.test])}`;
    if (!takesValue(filter.test)) return words;
    const bare = filter.column !== null && result.columns[filter.column]?.numeric;
    return `${words} ${bare ? filter.value : `'${short(filter.value ?? "")}'`}`;
  }

  function progressText(progress: Progress | null): string {
    const done = percent(progress);
    const words = spec.sort.length > 0 ? t("console.sorting") : t("console.filtering");
    return done === null ? words : `${words} ${done} %`;
  }
}

export function percent(progress: Progress | null): number | null {
  if (!progress || progress.of === 0) return null;
  return Math.min(100, Math.floor((progress.done / progress.of) * 100));
}

function short(value: string): string {
  return value.length > VALUE ? `${value.slice(0, VALUE)}…` : value;
}

function nameOf(columns: Column[], source: number): string {
  return columns[source]?.name ?? "";
}

interface ChipProps {
  funnel?: boolean;
  text: string;
  label: string;
  onRemove: () => void;
}

function Chip({ funnel, text, label, onRemove }: ChipProps) {
  return (
    <span className="chip chip--filter" title={text}>
      {funnel && <Icon name="filter" />}
      <span className="clip">{text}</span>
      <button type="button" className="viewstrip__x" aria-label={label} title={label} onClick={onRemove}>
        <Icon name="x" />
      </button>
    </span>
  );
}
