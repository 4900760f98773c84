// How the catalogue is: not read, read just now, stopped, failed; and its age below the tree.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { asFailure } from "../../../ipc/backend";
import type { ObjectsState, Target } from "../../../ipc/contract";
import { useNow } from "../../../lib/clock";
import { count, moment, took } from "../../../lib/format";
import { useObjects } from "../../../lib/state/objects";
import { useToasts } from "../../../lib/state/toasts";

interface Props {
  target: Target;
  state: ObjectsState | undefined;
}

function read(target: Target, again: boolean): void {
  useObjects
    .getState()
    .read(target, again)
    .catch((reason) => useToasts.getState().fail(asFailure(reason)));
}

/** What stands above the tree, or in its place. */
export function CatalogueState({ target, state }: Props) {
  const { t } = useTranslation();
  const phase = state?.phase ?? "absent";
  if (phase === "ready") return null;
  if (phase === "reading") {
    return (
      <div className="otree__state" data-testid="objects-state" data-phase={phase}>
        <div className="progress progress--busy">
          <i />
        </div>
        <p className="num">
          {t("objects.reading", { tables: count(state?.tables ?? 0), columns: count(state?.columns ?? 0) })}
        </p>
        <button
          type="button"
          className="btn btn--sm"
          onClick={() =>
            void useObjects
              .getState()
              .stop(target)
              .catch(() => {})
          }
          data-testid="objects-stop"
        >
          <Icon name="stop" />
          {t("objects.stop")}
        </button>
      </div>
    );
  }
  if (phase === "failed" && state?.failure) {
    return (
      <div className="otree__state" data-testid="objects-state" data-phase={phase}>
        <FailureNote failure={state.failure} onRetry={() => read(target, true)} />
        <p className="faint">{t("objects.failedHint")}</p>
      </div>
    );
  }
  return (
    <div className="otree__state" data-testid="objects-state" data-phase={phase}>
      <p className="dim">{t(phase === "stopped" ? "objects.stopped" : "objects.absent")}</p>
      <button type="button" className="btn btn--sm" onClick={() => read(target, true)} data-testid="objects-read">
        {t("objects.read")}
      </button>
      <p className="faint">{t("objects.absentHint")}</p>
    </div>
  );
}

/** When it was read, what is not in it, and the button that reads it anew. */
export function CatalogueFoot({ target, state }: Props) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  if (state?.as_of == null) return null;
  const missing = state.missing.map(({ part, reason }) => `${t(`objectsMissing.${part}`)}\n${reason}`).join("\n\n");
  return (
    <div className="otree__foot">
      <span
        className="clip num"
        title={t("objects.figures", {
          tables: count(state.tables),
          columns: count(state.columns),
          time: took(state.took_ms),
        })}
        data-testid="objects-age"
      >
        {t(state.changed ? "objects.changed" : "objects.asOf", { time: moment(state.as_of, now) })}
      </span>
      {missing !== "" && (
        <span className="otree__missing" role="img" aria-label={missing} title={missing}>
          <Icon name="alert" size="sm" />
        </span>
      )}
      <span className="spacer" />
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("objects.refresh")}
        title={t("objects.refresh")}
        disabled={state.phase === "reading"}
        onClick={() => read(target, true)}
        data-testid="objects-refresh"
      >
        <Icon name="refresh" />
      </button>
    </div>
  );
}
