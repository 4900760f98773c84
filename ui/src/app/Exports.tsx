// What is on its way into files, above the status bar in every view: how far, Stop, and the folder when it is there.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../components/FailureNote";
import { Icon } from "../components/Icon";
import { asFailure } from "../ipc/backend";
import type { Export } from "../ipc/contract";
import { bytes, count, took } from "../lib/format";
import { hasEnded, share, useExports } from "../lib/state/exports";
import { useToasts } from "../lib/state/toasts";

const tell = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

export function Exports() {
  const { t } = useTranslation();
  const list = useExports((state) => state.list);
  const last = list.filter(({ state }) => hasEnded(state)).at(-1);
  return (
    <>
      {list.length > 0 && (
        <section className="exports" aria-label={t("export.list")}>
          {list.map((one) => (
            <Card key={one.id} one={one} />
          ))}
        </section>
      )}
      {/* Says once how an export ended. Counters stay silent while they run. */}
      <div className="sr" role="status" aria-live="polite">
        {last && ended(last)}
      </div>
    </>
  );

  function ended({ state, file, rows }: Export): string {
    if (state === "done") return t("export.saidDone", { count: rows, n: count(rows), file });
    return state === "failed" ? t("export.saidFailed", { file }) : t("export.saidStopped", { file });
  }
}

function Card({ one }: { one: Export }) {
  const { t } = useTranslation();
  const { id, state, file, folder, failure, as_text } = one;
  const { stop, forget, reveal } = useExports.getState();
  const over = hasEnded(state);
  return (
    <div className="toast export-card" data-testid={`export-${id}`} data-state={state}>
      <div className="grow export-card__body">
        {state === "failed" && failure ? (
          <FailureNote failure={failure} />
        ) : (
          <>
            <div className="export-card__head" title={`${folder}/${file}`}>
              {state === "done" && (
                <span className="state state--ok">
                  <Icon name="okc" />
                </span>
              )}
              <span className="clip strong">{file}</span>
            </div>
            {!over && <Progress one={one} />}
          </>
        )}
        <Facts one={one} />
        {as_text.length > 0 && state !== "failed" && (
          <div className="export-card__note" data-testid="export-as-text">
            {as_text.map(({ column, row, value }) => (
              <div key={column}>{t("export.asText", { column, row: count(row), value })}</div>
            ))}
          </div>
        )}
      </div>
      <div className="export-card__do">
        {!over && (
          <button
            type="button"
            className="btn btn--sm btn--danger-quiet"
            disabled={state === "stopping"}
            onClick={() => stop(id).catch(tell)}
            data-testid="export-stop"
          >
            <Icon name="stop" />
            {t("export.stop")}
          </button>
        )}
        {state === "done" && (
          <button
            type="button"
            className="btn btn--sm"
            onClick={() => reveal(id).catch(tell)}
            data-testid="export-reveal"
          >
            {t("export.openFolder")}
          </button>
        )}
        {over && (
          <button
            type="button"
            className="btn btn--sm btn--ghost btn--icon"
            aria-label={t("common.close")}
            onClick={() => forget(id).catch(tell)}
            data-testid="export-close"
          >
            <Icon name="x" />
          </button>
        )}
      </div>
    </div>
  );
}

function Progress({ one }: { one: Export }) {
  const { t } = useTranslation();
  const part = one.state === "writing" || one.state === "looking" ? share(one) : null;
  if (part === null) {
    return (
      <div className="progress progress--busy" role="progressbar" aria-label={t("export.progress", { file: one.file })}>
        <i />
      </div>
    );
  }
  const percent = Math.floor(part * 100);
  return (
    <progress
      className="export-card__progress"
      max={100}
      value={percent}
      aria-label={t("export.progress", { file: one.file })}
    />
  );
}

function Facts({ one }: { one: Export }) {
  const { t } = useTranslation();
  const { rows, total, bytes: size, elapsed_ms, state } = one;
  if (state === "failed") return null;
  if (state === "stopped") return <div className="export-card__facts faint">{t("export.stopped")}</div>;
  const known = total !== null && state !== "done";
  return (
    <div className="export-card__facts num faint">
      <span>{t(`export.${state}`)}</span>
      <span data-testid="export-rows" data-rows={rows}>
        {known
          ? t("export.rowsOf", { n: count(rows), all: count(total) })
          : t("export.rowsSoFar", { count: rows, n: count(rows) })}
      </span>
      {size > 0 && <span>{bytes(size)}</span>}
      <span>{took(elapsed_ms)}</span>
    </div>
  );
}
