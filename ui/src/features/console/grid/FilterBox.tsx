// Which rows of a column to show: a test that suits its type, and a value.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Select } from "../../../components/Select";
import type { Column, Filter, FilterTest } from "../../../ipc/contract";
import { isComposing } from "../../../lib/ime";
import { takesCase, takesValue, testsFor } from "./view-spec";

export const testWords = {
  equal: "console.testEqual",
  not_equal: "console.testNotEqual",
  less: "console.testLess",
  less_or_equal: "console.testLessOrEqual",
  greater: "console.testGreater",
  greater_or_equal: "console.testGreaterOrEqual",
  contains: "console.testContains",
  not_contains: "console.testNotContains",
  starts_with: "console.testStartsWith",
  ends_with: "console.testEndsWith",
  matches: "console.testMatches",
  null: "console.testNull",
  not_null: "console.testNotNull",
} as const satisfies Record<FilterTest, string>;

interface Props {
  column: Column;
  source: number;
  at: { x: number; y: number };
  onApply: (filter: Filter) => void;
  onClose: () => void;
}

const MARGIN = 8;

export function FilterBox({ column, source, at, onApply, onClose }: Props) {
  const { t } = useTranslation();
  const tests = testsFor(column);
  const [test, setTest] = useState<FilterTest>(tests[0] ?? "equal");
  const [value, setValue] = useState(column.type_name === "bool" ? "t" : "");
  const [matchCase, setMatchCase] = useState(false);
  const box = useRef<HTMLFormElement>(null);
  const title = useId();
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const form = box.current;
    if (!form) return;
    const { width, height } = form.getBoundingClientRect();
    form.style.left = `${Math.max(MARGIN, Math.min(at.x, window.innerWidth - width - MARGIN))}px`;
    form.style.top = `${Math.max(MARGIN, Math.min(at.y, window.innerHeight - height - MARGIN))}px`;
    form.querySelector<HTMLElement>("[data-autofocus]")?.focus();
  }, [at]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) close.current();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, []);

  const apply = () =>
    onApply({
      column: source,
      test,
      ...(takesValue(test) ? { value } : {}),
      match_case: takesCase(test) && matchCase,
    });

  return (
    <form
      className="menu filterbox"
      ref={box}
      aria-labelledby={title}
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") onClose();
        // Enter that ends a composition applies nothing.
        if (event.key === "Enter" && isComposing(event)) event.preventDefault();
      }}
      data-testid="filter-box"
    >
      <div className="filterbox__title" id={title}>
        {t("console.filterColumn", { column: column.name })} <span className="faint">{column.type_name}</span>
      </div>
      <Select
        small
        aria-label={t("console.filterTest")}
        value={test}
        onChange={(event) => setTest(event.target.value as FilterTest)}
        data-testid="filter-test"
      >
        {tests.map((one) => (
          <option key={one} value={one}>
            {t(testWords[one])}
          </option>
        ))}
      </Select>
      {column.type_name === "bool" && takesValue(test) ? (
        <Select
          small
          aria-label={t("console.filterValue")}
          value={value}
          onChange={(event) => setValue(event.target.value)}
        >
          <option value="t">t</option>
          <option value="f">f</option>
        </Select>
      ) : (
        takesValue(test) && (
          <input
            className="input input--sm"
            value={value}
            aria-label={t("console.filterValue")}
            placeholder={test === "matches" ? t("console.filterPattern") : t("console.filterValue")}
            spellCheck={false}
            onChange={(event) => setValue(event.target.value)}
            data-autofocus
            data-testid="filter-value"
          />
        )
      )}
      {takesCase(test) && (
        <label className="filterbox__case">
          <input
            type="checkbox"
            className="check"
            checked={matchCase}
            onChange={(event) => setMatchCase(event.target.checked)}
          />
          {t("console.matchCase")}
        </label>
      )}
      <div className="filterbox__foot">
        <button type="button" className="btn btn--sm" onClick={onClose}>
          {t("common.goBack")}
        </button>
        <button type="submit" className="btn btn--sm btn--primary" data-testid="filter-apply">
          {t("console.filterApply")}
        </button>
      </div>
    </form>
  );
}
