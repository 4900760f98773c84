// The way to rules that watch one's own queries in the databases that are shown, with how they go.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { asFailure } from "../../../ipc/backend";
import type { Failure, WatchState } from "../../../ipc/contract";
import { useNavigation } from "../../../lib/state/navigation";
import { useWatches } from "../../../lib/state/watches";
import { allQueries, useReads } from "../reads";
import { useActivity } from "../store";
import { WatchDialog } from "./WatchDialog";
import "./watch.css";

/** Of several watches the button shows the one that matters most. */
const order: WatchState[] = ["failing", "looking", "resting", "signed_out", "off"];

export function Watch() {
  const { t } = useTranslation();
  const targets = useReads((state) => state.targets);
  const list = useWatches((state) => state.list);
  const [open, setOpen] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  useAskedQuery();
  useEffect(() => {
    const { list: known, load } = useWatches.getState();
    if (!known) load().catch((reason) => setFailure(asFailure(reason)));
  }, []);
  if (targets.length === 0) return null;
  const shown = (list ?? []).filter(({ watch }) => targets.some(({ database }) => database === watch.target.database));
  const state = order.find((one) => shown.some((watching) => watching.state === one)) ?? "off";
  return (
    <>
      <button
        type="button"
        className="btn btn--sm"
        title={t("watch.hint")}
        aria-label={state === "off" ? t("watch.button") : `${t("watch.button")}, ${t(`watch.state.${state}`)}`}
        onClick={() => setOpen(true)}
        data-testid="watch-open"
        data-state={state}
      >
        <Icon name="eye" />
        <span className="hide-narrow">{t("watch.button")}</span>
        {state !== "off" && <span className={`watch__dot watch__dot--${state}`} />}
      </button>
      {open && (
        <WatchDialog targets={targets} unknown={list === null ? failure : null} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

/** A notification leads to its query, through the login that found it: once the list has it, it is the one in front. */
function useAskedQuery(): void {
  const asked = useNavigation((state) => state.query);
  const database = useNavigation((state) => (state.query === null ? null : state.database));
  useEffect(() => {
    const { targets, choose } = useReads.getState();
    const watching = useWatches.getState().list?.find(({ watch }) => watch.target.database === database);
    if (watching && !targets.some((target) => target.database === database)) void choose(watching.watch.target);
  }, [database]);
  const key = useReads(({ targets, reads }) =>
    asked === null ? null : (allQueries(targets, reads).find(({ query_id }) => query_id === asked)?.key ?? null),
  );
  useEffect(() => {
    if (key === null) return;
    useNavigation.getState().queryTaken();
    useActivity.getState().select(key);
  }, [key]);
}
