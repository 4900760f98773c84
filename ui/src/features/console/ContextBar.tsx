// Where the tab's session goes, as whom, and the button that runs.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { Keys, keys } from "../../components/Keys";
import type { Choices, Target } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { isRunning, type Tab, useConsoles } from "../../lib/state/consoles";
import { useDatabases } from "../../lib/state/databases";
import { FileActions } from "./files/FileActions";

interface Props {
  tab: Tab;
  onRun: (all: boolean) => void;
  onExplain: () => void;
}

export function ContextBar({ tab, onRun, onExplain }: Props) {
  const { t } = useTranslation();
  const { target, env } = tab;
  const database = useDatabases((state) => state.list?.find(({ name }) => name === target.database));
  const change = useAttempt((to: Target) => useConsoles.getState().retarget(tab.id, to));
  const busy = isRunning(tab);
  const empty = tab.text.trim() === "";

  return (
    <>
      <div className="con__ctx">
        <span className="con__chip">
          {env && <span className="is-env">{env}</span>}
          <span className="strong">{target.database}</span>
          <Choice
            label={t("console.dbName")}
            value={target.db_name}
            choices={database?.db_names}
            disabled={busy || change.running}
            onPick={(db_name) => change.run({ ...target, db_name })}
          />
          <Choice
            label={t("console.dbUser")}
            value={target.db_user}
            choices={database?.db_users}
            disabled={busy || change.running}
            onPick={(db_user) => change.run({ ...target, db_user })}
          />
        </span>
        <span className="spacer" />
        <FileActions tab={tab} />
        <button
          type="button"
          className="btn btn--sm btn--ghost"
          disabled={busy || empty}
          title={`${t("plan.explainHint")}  ${keys("Ctrl E")}`}
          onClick={onExplain}
          data-testid="explain"
        >
          {t("plan.explain")}
        </button>
        <button
          type="button"
          className="btn btn--sm btn--ghost"
          disabled={busy || empty}
          title={`${t("console.runAll")}  ${keys("Ctrl Shift Enter")}`}
          onClick={() => onRun(true)}
          data-testid="run-all"
        >
          {t("console.runAll")}
        </button>
        <button
          type="button"
          className="btn btn--sm btn--primary"
          disabled={busy || empty}
          onClick={() => onRun(false)}
          data-testid="run"
        >
          <Icon name="play" />
          {t("console.run")}
          <Keys of="Ctrl Enter" className="hide-narrow" />
        </button>
      </div>
      {change.failure && (
        <div className="strip-failure">
          <FailureNote failure={change.failure} />
        </div>
      )}
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  choices: Choices | undefined;
  disabled: boolean;
  onPick: (value: string) => void;
}

/** Another choice is another session; what is the only one is plain text. */
function Choice({ label, value, choices, disabled, onPick }: ChoiceProps) {
  const options = [...new Set([value, ...(choices?.allowed ?? [])])];
  if (options.length === 1) return <span title={label}>{value}</span>;
  return (
    <span className="con__choice">
      <select
        aria-label={label}
        title={label}
        value={value}
        disabled={disabled}
        onChange={(event) => onPick(event.target.value)}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}
