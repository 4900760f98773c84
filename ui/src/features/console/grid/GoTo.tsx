// Which rows are seen, and a field to go to another one.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { keys } from "../../../components/Keys";
import { count } from "../../../lib/format";
import { isComposing } from "../../../lib/ime";

interface Props {
  seen: { first: number; last: number; following: boolean };
  total: number;
  open: boolean;
  onOpen: (open: boolean) => void;
  onGo: (row: number) => void;
}

/** A row as somebody types it: `1,234,567`, `1 234 567`, `50%`, `-10` from the end. From 0; null when it is no row. */
export function rowFrom(typed: string, total: number): number | null {
  const bare = typed.replace(/[\s,_]/g, "");
  const found = /^(-?)(\d{1,15})(%?)$/.exec(bare);
  if (!found || total === 0) return null;
  const value = Number(found[2]);
  if (found[3]) return value > 100 || found[1] ? null : Math.min(total - 1, Math.floor((total * value) / 100));
  const row = found[1] ? total - value : value - 1;
  return row >= 0 && row < total ? row : null;
}

export function GoTo({ seen, total, open, onOpen, onGo }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!open) return;
    setTyped("");
    setWrong(false);
    field.current?.focus();
  }, [open]);

  const go = () => {
    const row = rowFrom(typed, total);
    setWrong(row === null);
    if (row !== null) onGo(row);
  };

  if (open) {
    return (
      <span className="goto" role="group" aria-label={t("console.goTo")}>
        <label htmlFor="goto-row">{t("console.goTo")}</label>
        <input
          id="goto-row"
          ref={field}
          className={`input input--sm num goto__field${wrong ? " is-bad" : ""}`}
          inputMode="numeric"
          value={typed}
          placeholder={t("console.goToHint", { all: count(total) })}
          aria-invalid={wrong}
          aria-describedby={wrong ? "goto-wrong" : undefined}
          onChange={(event) => {
            setTyped(event.target.value);
            setWrong(false);
          }}
          onKeyDown={(event) => {
            if (isComposing(event)) return;
            if (event.key === "Enter") go();
            else if (event.key === "Escape") onOpen(false);
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
          onBlur={() => onOpen(false)}
          data-testid="goto-field"
        />
        {wrong && (
          <span id="goto-wrong" role="alert" className="goto__wrong">
            {t("console.goToWrong", { all: count(total) })}
          </span>
        )}
      </span>
    );
  }
  if (seen.last < seen.first) return null;
  return (
    <button
      type="button"
      className="gridfoot__do"
      title={`${t("console.goTo")}  ${keys("Ctrl G")}`}
      onClick={() => onOpen(true)}
      data-testid="goto"
    >
      {seen.following
        ? t("console.following", { all: count(total) })
        : t("console.rowsSeen", { first: count(seen.first + 1), last: count(seen.last + 1), all: count(total) })}
    </button>
  );
}
