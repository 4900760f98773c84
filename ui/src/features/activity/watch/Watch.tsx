// The way to rules that watch one's own queries in the database in front, with how they go.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { asFailure } from "../../../ipc/backend";
import type { Failure } from "../../../ipc/contract";
import { useNavigation } from "../../../lib/state/navigation";
import { useWatches } from "../../../lib/state/watches";
import { useActivity } from "../store";
import { WatchDialog } from "./WatchDialog";
import { WatchSentence } from "./WatchSentence";
import "./watch.css";

export function Watch() {
  const { t } = useTranslation();
  const target = useActivity((state) => state.target);
  const list = useWatches((state) => state.list);
  const [open, setOpen] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  useAskedQuery();
  useEffect(() => {
    const { list: known, load } = useWatches.getState();
    if (!known) load().catch((reason) => setFailure(asFailure(reason)));
  }, []);
  if (!target) return null;
  const watching = list?.find(({ watch }) => watch.target.database === target.database) ?? null;
  const state = watching?.state ?? "off";
  return (
    <>
      <button
        type="button"
        className="btn btn--sm watch__open"
        title={t("watch.hint")}
        onClick={() => setOpen(true)}
        data-testid="watch-open"
        data-state={state}
      >
        <Icon name="eye" />
        {t("watch.button")}
        {state !== "off" && <span className={`watch__dot watch__dot--${state}`} />}
        {state !== "off" && <span className="sr">{t(`watch.state.${state}`)}</span>}
      </button>
      {open && (
        <WatchDialog
          key={target.database}
          target={target}
          watching={watching}
          unknown={list === null ? failure : null}
          onClose={() => setOpen(false)}
          sentence={watching && <WatchSentence watching={watching} />}
        />
      )}
    </>
  );
}

/** A notification leads to its query: once the list has it, it is the one in front. */
function useAskedQuery(): void {
  const asked = useNavigation((state) => state.query);
  const there = useActivity((state) => state.snapshot?.queries.some(({ query_id }) => query_id === asked) ?? false);
  useEffect(() => {
    if (asked === null || !there) return;
    useNavigation.getState().queryTaken();
    useActivity.getState().select(asked);
  }, [asked, there]);
}
