// A text field that offers what is known and takes anything else: an ARIA combobox with a listbox.
import { useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isComposing } from "../lib/ime";
import { Icon } from "./Icon";

interface Props {
  id?: string;
  value: string;
  options: string[];
  onChange: (value: string) => void;
  label?: string;
  placeholder?: string;
  testId?: string;
}

export function Combo({ id, value, options, onChange, label, placeholder, testId }: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState(false);
  const [at, setAt] = useState(-1);
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const shown = typed ? options.filter((option) => option.toLowerCase().includes(value.toLowerCase())) : options;

  const close = () => {
    setOpen(false);
    setTyped(false);
    setAt(-1);
  };
  const pick = (option: string) => {
    onChange(option);
    close();
    input.current?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      event.stopPropagation();
      if (!open) return setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt((at + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === "Enter" && open && shown[at] !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      pick(shown[at]);
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      close();
    }
  };

  return (
    <div className="combo">
      <div className="input">
        <input
          id={id}
          ref={input}
          role="combobox"
          aria-label={label}
          aria-expanded={open && shown.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `${listId}-${at}` : undefined}
          className="input__text"
          spellCheck={false}
          autoComplete="off"
          placeholder={placeholder}
          value={value}
          data-testid={testId}
          onChange={(event) => {
            onChange(event.target.value);
            setTyped(true);
            setOpen(true);
            setAt(-1);
          }}
          onKeyDown={onKey}
          onBlur={close}
        />
        {options.length > 0 && (
          <button
            type="button"
            tabIndex={-1}
            className="combo__open"
            aria-label={t("common.expandChoices")}
            onMouseDown={(event) => {
              event.preventDefault();
              setOpen(!open);
              input.current?.focus();
            }}
          >
            <Icon name="down" size="sm" />
          </button>
        )}
      </div>
      {open && shown.length > 0 && (
        <div className="menu combo__list" role="listbox" id={listId} aria-label={label}>
          {shown.map((option, index) => (
            <div
              key={option}
              id={`${listId}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className={`menu__item${index === at ? " is-on" : ""}`}
              onMouseDown={(event) => {
                event.preventDefault();
                pick(option);
              }}
              onMouseEnter={() => setAt(index)}
            >
              <span className="clip">{option}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
