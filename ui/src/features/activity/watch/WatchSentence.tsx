// How a watch goes, in one sentence.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import type { Watching } from "../../../ipc/contract";
import { clock } from "../../../lib/format";

export function WatchSentence({ watching }: { watching: Watching }) {
  const { t } = useTranslation();
  const { state, last_look, next_look, failure } = watching;
  const looked = last_look === null ? "" : ` ${t("watch.lastLook", { time: clock(last_look) })}`;
  return (
    <div data-testid="watch-state" data-state={state}>
      <p className="row">
        <span className={`watch__dot watch__dot--${state}`} />
        <span className="dim">
          {t(`watch.sentence.${state}`)}
          {looked}
          {next_look !== null && ` ${t("watch.nextLook", { time: clock(next_look) })}`}
        </span>
      </p>
      {failure && <FailureNote failure={failure} />}
    </div>
  );
}
