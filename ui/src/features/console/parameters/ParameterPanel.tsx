// Below the editor, while its text has `:name`s: a field for each. What is typed is sent apart from the text, so that it is
// a value and never SQL.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Select } from "../../../components/Select";
import type { ParameterKind } from "../../../ipc/contract";
import { type ParameterValue, type Tab, useConsoles } from "../../../lib/state/consoles";
import "./parameters.css";

const kinds = {
  any: "parameters.any",
  text: "parameters.text",
  number: "parameters.number",
  date: "parameters.date",
  timestamp: "parameters.timestamp",
  boolean: "parameters.boolean",
  null: "parameters.null",
} as const satisfies Record<ParameterKind, string>;

const placeholders: Partial<Record<ParameterKind, string>> = {
  number: "42",
  date: "2026-11-24",
  timestamp: "2026-11-24 14:00:00",
};

/** How long the text rests before it is looked at again. */
const PAUSE = 250;

export function ParameterPanel({ tab, onRun }: { tab: Tab; onRun: () => void }) {
  const { t } = useTranslation();
  const box = useRef<HTMLFieldSetElement>(null);
  const { id, text, names, values, missing, heldBack } = tab;

  // biome-ignore lint/correctness/useExhaustiveDependencies: each edit starts the pause anew
  useEffect(() => {
    const timer = setTimeout(() => {
      // A tab that is gone meanwhile has nothing to show.
      useConsoles
        .getState()
        .inspect(id)
        .catch(() => {});
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [id, text]);

  // A run that waits for values says so where they are typed: once, not at every letter of an answer.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another run that was held back moves the focus
  useEffect(() => {
    if (heldBack === 0) return;
    const fields = [...(box.current?.querySelectorAll<HTMLElement>("[data-name]") ?? [])];
    fields.find((one) => one.dataset.name === missing[0])?.focus();
  }, [heldBack]);

  if (names.length === 0) return null;
  return (
    <fieldset className="params" ref={box} aria-label={t("parameters.title")} data-testid="parameters">
      {names.map((name) => (
        <Field
          key={name}
          name={name}
          value={values[name] ?? { kind: "any", value: "" }}
          missing={missing.includes(name)}
          onChange={(value) => useConsoles.getState().setValue(id, name, value)}
          onRun={onRun}
        />
      ))}
      <span className="params__say" role="status">
        {missing.length > 0 ? t("parameters.missing", { count: missing.length, names: missing.join(", ") }) : ""}
      </span>
    </fieldset>
  );
}

interface FieldProps {
  name: string;
  value: ParameterValue;
  missing: boolean;
  onChange: (value: ParameterValue) => void;
  onRun: () => void;
}

function Field({ name, value: { kind, value }, missing, onChange, onRun }: FieldProps) {
  const { t } = useTranslation();
  const label = t("parameters.value", { name });
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onRun();
  };
  return (
    <span className="params__one">
      <span className="params__name mono clip tok-p" title={`:${name}`} aria-hidden="true">
        :{name}
      </span>
      <Select
        small
        aria-label={t("parameters.kind", { name })}
        value={kind}
        onChange={(event) => {
          const next = event.target.value as ParameterKind;
          onChange({ kind: next, value: next === "boolean" && !/^(true|false)$/.test(value) ? "true" : value });
        }}
        data-testid={`parameter-kind-${name}`}
      >
        {Object.entries(kinds).map(([one, key]) => (
          <option key={one} value={one}>
            {t(key)}
          </option>
        ))}
      </Select>
      {kind === "boolean" ? (
        <Select
          small
          aria-label={label}
          value={value}
          onChange={(event) => onChange({ kind, value: event.target.value })}
          data-name={name}
          data-testid={`parameter-${name}`}
        >
          {["true", "false"].map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </Select>
      ) : (
        <input
          className={missing ? "input input--sm mono is-bad params__value" : "input input--sm mono params__value"}
          aria-label={label}
          aria-invalid={missing}
          disabled={kind === "null"}
          placeholder={kind === "null" ? "NULL" : placeholders[kind]}
          value={kind === "null" ? "" : value}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange({ kind, value: event.target.value })}
          onKeyDown={onKey}
          data-name={name}
          data-testid={`parameter-${name}`}
        />
      )}
    </span>
  );
}
