// Through which login the history is read: database, user and name, the latter two only when there is a choice.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Combo } from "../../components/Combo";
import { EnvChip } from "../../components/Env";
import { Select } from "../../components/Select";
import type { Choices, Database, Target } from "../../ipc/contract";
import { first, reachable } from "../../lib/choices";
import { useDatabases } from "../../lib/state/databases";

interface PickerProps {
  /** What is chosen now. */
  target: Target | null;
  /** Databases that are not offered. */
  without: string[];
  onChoose: (target: Target) => Promise<void>;
}

export function TargetPicker({ target, without, onChoose: choose }: PickerProps) {
  const { t } = useTranslation();
  const list = useDatabases((state) => state.list) ?? [];
  const [draft, setDraft] = useState<Target | null>(null);
  const shown = draft ?? target;
  const database = list.find(({ name }) => name === shown?.database);

  const change = (to: Target, known: Database) => {
    // A choice that is made from a list is complete; typed ones wait for the button.
    const settled = to.db_user !== "" && to.db_name !== "" && !known.db_users.wildcard && !known.db_names.wildcard;
    setDraft(settled ? null : to);
    if (settled) void choose(to);
  };
  const pick = (name: string) => {
    const known = list.find((candidate) => candidate.name === name);
    if (!known) return;
    change({ database: name, db_user: first(known.db_users), db_name: first(known.db_names) }, known);
  };
  const submit = () => {
    if (!draft?.db_user || !draft.db_name) return;
    setDraft(null);
    void choose(draft);
  };

  return (
    <form
      className="picker"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <EnvChip env={database?.env ?? null} />
      <Select
        small
        className="picker__database"
        aria-label={t("activity.database")}
        value={shown?.database ?? ""}
        onChange={(event) => pick(event.target.value)}
        data-testid="activity-database"
      >
        {!shown && <option value="">{t("activity.choose")}</option>}
        {list
          .filter((offered) => reachable(offered) && !without.includes(offered.name))
          .map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
      </Select>
      {shown && database && (
        <>
          <Part
            label={t("activity.dbUser")}
            choices={database.db_users}
            value={shown.db_user}
            onChange={(db_user) => change({ ...shown, db_user }, database)}
            testId="activity-db-user"
          />
          <Part
            label={t("activity.dbName")}
            choices={database.db_names}
            value={shown.db_name}
            onChange={(db_name) => change({ ...shown, db_name }, database)}
            testId="activity-db-name"
          />
        </>
      )}
      {draft && (
        <button
          type="submit"
          className="btn btn--sm btn--primary"
          disabled={!draft.db_user || !draft.db_name}
          data-testid="activity-show"
        >
          {t("activity.pickDo")}
        </button>
      )}
    </form>
  );
}

interface PartProps {
  label: string;
  choices: Choices;
  value: string;
  onChange: (value: string) => void;
  testId: string;
}

function Part({ label, choices, value, onChange, testId }: PartProps) {
  if (choices.wildcard) {
    return (
      <span className="picker__combo">
        <Combo
          label={label}
          placeholder={label}
          value={value}
          options={choices.allowed}
          onChange={onChange}
          testId={testId}
        />
      </span>
    );
  }
  if (choices.allowed.length < 2) return <span className="dim clip picker__plain">{value}</span>;
  return (
    <Select
      small
      className="picker__part"
      aria-label={label}
      title={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      data-testid={testId}
    >
      {choices.allowed.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </Select>
  );
}
