// A button that opens a menu. One Tab stop; arrows move inside; closing returns the focus to the button.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Icon, type IconName } from "./Icon";

export interface MenuEntry {
  id: string;
  icon: IconName;
  label: string;
  note?: string;
  run: () => void;
}

interface Props {
  label: string;
  className: string;
  entries: MenuEntry[];
  children: ReactNode;
  testId?: string;
}

export function MenuButton({ label, className, entries, children, testId }: Props) {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const root = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const items = root.current?.querySelectorAll<HTMLElement>("[role=menuitem]");
    items?.[at]?.focus();
  }, [open, at]);

  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (!open) return;
    event.stopPropagation();
    const last = entries.length - 1;
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown") setAt(at === last ? 0 : at + 1);
    else if (event.key === "ArrowUp") setAt(at === 0 ? last : at - 1);
    else if (event.key === "Home") setAt(0);
    else if (event.key === "End") setAt(last);
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the keys of the menu inside
    <span className="menu-anchor" ref={root} onKeyDown={onKey}>
      <button
        type="button"
        ref={button}
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        data-testid={testId}
        onClick={() => {
          setAt(0);
          setOpen(!open);
        }}
      >
        {children}
      </button>
      {open && (
        <div className="menu menu-anchor__menu" role="menu" aria-label={label}>
          {entries.map((entry, index) => (
            <button
              type="button"
              key={entry.id}
              role="menuitem"
              tabIndex={-1}
              className={`menu__item menu__button${index === at ? " is-on" : ""}`}
              data-testid={testId && `${testId}-${entry.id}`}
              onMouseEnter={() => setAt(index)}
              onClick={() => {
                close();
                entry.run();
              }}
            >
              <Icon name={entry.icon} />
              {entry.label}
              {entry.note && <span className="menu__note mono clip">{entry.note}</span>}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}
