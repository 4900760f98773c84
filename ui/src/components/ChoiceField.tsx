// A database user or name: a list where the roles name what is allowed, a free field where they allow anything.
import { useId } from "react";
import type { Choices } from "../ipc/contract";
import { Combo } from "./Combo";
import { Select } from "./Select";

interface Props {
  label: string;
  choices: Choices;
  value: string;
  onChange: (value: string) => void;
  testId: string;
  hint?: string;
}

export function ChoiceField({ label, choices, value, onChange, testId, hint }: Props) {
  const id = useId();
  const none = !choices.wildcard && choices.allowed.length === 0;
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      {choices.wildcard || none ? (
        <Combo id={id} label={label} value={value} options={choices.allowed} onChange={onChange} testId={testId} />
      ) : (
        <Select id={id} value={value} onChange={(event) => onChange(event.target.value)} data-testid={testId}>
          {choices.allowed.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </Select>
      )}
      {hint && <div className="field__hint">{hint}</div>}
    </div>
  );
}
