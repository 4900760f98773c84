// What to be told of in one database, when the server may be asked, and how that goes now.
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { Select } from "../../../components/Select";
import type { Failure, Target, WatchWhen } from "../../../ipc/contract";
import { useAttempt } from "../../../lib/attempt";
import { useWatches } from "../../../lib/state/watches";
import { intervals, type Line, linesOf, ruleOf, watchOf } from "./limits";
import { WatchSentence } from "./WatchSentence";

interface Props {
  /** One login for each server that is shown. */
  targets: Target[];
  /** Why what was set is not known: it must not be overwritten then. */
  unknown: Failure | null;
  onClose: () => void;
}

/** One database at a time; what was changed for another and not saved is forgotten. */
export function WatchDialog({ targets, unknown, onClose }: Props) {
  const [chosen, setChosen] = useState(targets[0]?.database);
  const target = targets.find(({ database }) => database === chosen) ?? targets[0];
  if (!target) return null;
  return (
    <Form
      key={target.database}
      target={target}
      targets={targets}
      onChoose={setChosen}
      unknown={unknown}
      onClose={onClose}
    />
  );
}

interface FormProps extends Props {
  target: Target;
  onChoose: (database: string) => void;
}

function Form({ target, targets, onChoose, unknown, onClose }: FormProps) {
  const { t } = useTranslation();
  const watching = useWatches(({ list }) => list?.find(({ watch }) => watch.target.database === target.database));
  const before = watching?.watch ?? null;
  const [on, setOn] = useState(before?.on ?? true);
  const [when, setWhen] = useState<WatchWhen>(before?.when ?? "while_ours_run");
  const [every, setEvery] = useState(before?.every_seconds ?? 15);
  const [lines, setLines] = useState(() => linesOf(before));
  const watch = watchOf(target, { on, when, every_seconds: every }, lines);
  const save = useAttempt(async () => watch && useWatches.getState().set(watch));
  const change = (line: Line) => setLines((all) => all.map((one) => (one.kind === line.kind ? line : one)));
  const intervalId = useId();

  return (
    <Dialog
      title={t("watch.title", { database: target.database })}
      wide
      onClose={onClose}
      testId="watch-dialog"
      foot={
        <>
          <button type="button" className="btn" onClick={onClose}>
            {t("common.close")}
          </button>
          <button
            type="button"
            className="btn btn--primary"
            disabled={!watch || save.running || unknown !== null}
            onClick={async () => {
              if (await save.run()) onClose();
            }}
            data-testid="watch-save"
          >
            {t("watch.save")}
          </button>
        </>
      }
    >
      {unknown && <FailureNote failure={unknown} />}
      {targets.length > 1 && (
        <p className="row watch__which">
          <Select
            small
            aria-label={t("activity.database")}
            value={target.database}
            onChange={(event) => onChoose(event.target.value)}
            data-testid="watch-database"
          >
            {targets.map(({ database }) => (
              <option key={database} value={database}>
                {database}
              </option>
            ))}
          </Select>
        </p>
      )}
      <div className="watch__head">
        <p className="dim">{t("watch.text", { user: target.db_user })}</p>
        <button
          type="button"
          role="switch"
          className={on ? "switch is-on" : "switch"}
          aria-checked={on}
          aria-label={t("watch.on")}
          onClick={() => setOn(!on)}
          data-autofocus
          data-testid="watch-on"
        />
      </div>
      <fieldset className="watch__rules" disabled={!on} aria-label={t("watch.rules")}>
        {lines.map((line) => (
          <Rule key={line.kind} line={line} onChange={change} />
        ))}
      </fieldset>
      <fieldset className="watch__when" disabled={!on} aria-label={t("watch.when")}>
        {(["while_ours_run", "always"] as const).map((one) => (
          <label key={one} className="row watch__choice">
            <input
              type="radio"
              name="watch-when"
              className="radio"
              checked={when === one}
              onChange={() => setWhen(one)}
              data-testid={`watch-${one}`}
            />
            <span>
              {t(`watch.${one}`)}
              <span className="watch__note">{t(`watch.${one}_note`)}</span>
            </span>
          </label>
        ))}
        <div className="row watch__every">
          <label htmlFor={intervalId}>{t("watch.every")}</label>
          <Select
            id={intervalId}
            small
            value={every}
            onChange={(event) => setEvery(Number(event.target.value))}
            data-testid="watch-every"
          >
            {[...new Set([...intervals, every])]
              .sort((a, b) => a - b)
              .map((seconds) => (
                <option key={seconds} value={seconds}>
                  {t("watch.seconds", { count: seconds })}
                </option>
              ))}
          </Select>
        </div>
      </fieldset>
      <div className="banner watch__cost">
        <Icon name="clock" />
        <span>{t("watch.cost")}</span>
      </div>
      {watching && <WatchSentence watching={watching} />}
      {save.failure && <FailureNote failure={save.failure} />}
    </Dialog>
  );
}

/** One limit, whether it counts, and whether a query over it is canceled too. */
function Rule({ line, onChange }: { line: Line; onChange: (line: Line) => void }) {
  const { t } = useTranslation();
  const { kind, on, over, cancel } = line;
  const bad = on && ruleOf(line) === null;
  return (
    <div className="watch__rule" data-testid={`watch-rule-${kind}`}>
      <label className="row">
        <input
          type="checkbox"
          className="check"
          checked={on}
          onChange={(event) => onChange({ ...line, on: event.target.checked })}
          data-testid={`watch-${kind}`}
        />
        {t(`watch.rule.${kind}`)}
      </label>
      <span className="row watch__limit">
        <input
          className={bad ? "input input--sm num is-bad" : "input input--sm num"}
          inputMode="decimal"
          autoComplete="off"
          value={over}
          disabled={!on}
          aria-label={`${t(`watch.rule.${kind}`)} (${t(`watch.unit.${kind}`)})`}
          aria-invalid={bad}
          title={bad ? t("watch.badLimit") : undefined}
          onChange={(event) => onChange({ ...line, over: event.target.value })}
          data-testid={`watch-over-${kind}`}
        />
        {t(`watch.unit.${kind}`)}
      </span>
      <label className="row watch__cancel">
        <input
          type="checkbox"
          className="check"
          checked={cancel}
          disabled={!on}
          onChange={(event) => onChange({ ...line, cancel: event.target.checked })}
          data-testid={`watch-cancel-${kind}`}
        />
        {t("watch.alsoCancel")}
      </label>
    </div>
  );
}
