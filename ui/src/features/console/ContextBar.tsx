// Where the tab's session goes, as whom, and the button that runs.
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../components/FailureNote";
import { Icon } from "../../components/Icon";
import { Keys, keys } from "../../components/Keys";
import type { Choices, Target } from "../../ipc/contract";
import { useAttempt } from "../../lib/attempt";
import { isRunning, type Tab, useConsoles } from "../../lib/state/consoles";
import { useDatabases } from "../../lib/state/databases";
import { useObjects } from "../../lib/state/objects";
import { usePreferences } from "../../lib/state/preferences";
import { FileActions } from "./files/FileActions";
import { hasTransaction, useLeaving } from "./leaving";
import { TransactionControl } from "./transaction/TransactionControl";

interface Props {
  tab: Tab;
  onRun: (all: boolean) => void;
  onExplain: () => void;
  onFormat: () => void;
}

export function ContextBar({ tab, onRun, onExplain, onFormat }: Props) {
  const { t } = useTranslation();
  const tree = usePreferences((state) => state.tree);
  const { target, env } = tab;
  const database = useDatabases((state) => state.list?.find(({ name }) => name === target.database));
  const change = useAttempt((to: Target, readOnly: boolean) => useConsoles.getState().retarget(tab.id, to, readOnly));
  // Another session: what is open in this one would be rolled back.
  const switchTo = (to: Target, readOnly = tab.read_only) => {
    if (hasTransaction(tab.id)) useLeaving.getState().ask({ id: tab.id, how: "switch", target: to, readOnly });
    else void change.run(to, readOnly);
  };
  const busy = isRunning(tab);
  const empty = tab.text.trim() === "";

  return (
    <>
      <div className="con__ctx">
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon con__treebtn"
          aria-label={t("objects.toggle")}
          aria-pressed={tree}
          title={`${t("objects.toggle")}  ${keys("Ctrl Shift E")}`}
          onClick={() => {
            void usePreferences.getState().set({ tree: !tree });
            // Whoever opens it wants to see what is there.
            if (!tree)
              void useObjects
                .getState()
                .read(target, false)
                .catch(() => {});
          }}
          data-testid="toggle-tree"
        >
          <Icon name="schema" />
        </button>
        <span className="con__chip">
          {env && <span className="is-env">{env}</span>}
          <span className="strong">{target.database}</span>
          <Choice
            label={t("console.dbName")}
            value={target.db_name}
            choices={database?.db_names}
            disabled={busy || change.running}
            onPick={(db_name) => switchTo({ ...target, db_name })}
          />
          <Choice
            label={t("console.dbUser")}
            value={target.db_user}
            choices={database?.db_users}
            disabled={busy || change.running}
            onPick={(db_user) => switchTo({ ...target, db_user })}
          />
          <button
            type="button"
            className={tab.read_only ? "con__ro is-on" : "con__ro"}
            aria-pressed={tab.read_only}
            aria-label={t("readOnly.tab")}
            title={t(tab.read_only ? "readOnly.onHint" : "readOnly.offHint")}
            disabled={busy || change.running}
            onClick={() => switchTo(target, !tab.read_only)}
            data-testid="read-only"
          >
            <Icon name="eye" />
            {tab.read_only && <span>{t("readOnly.tab")}</span>}
          </button>
        </span>
        <TransactionControl tab={tab} />
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
          className="btn btn--sm btn--ghost hide-narrow"
          disabled={empty}
          title={`${t("editor.format")}  ${keys("Shift Alt F")}`}
          onClick={onFormat}
          data-testid="format"
        >
          {t("editor.format")}
        </button>
        <button
          type="button"
          className="btn btn--sm btn--ghost tx__all"
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
