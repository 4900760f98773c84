// A menu at a point of the window. It takes the focus while it is open; who opened it takes it back.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Icon, type IconName } from "./Icon";
import { Keys } from "./Keys";

export type PopupEntry =
  | "line"
  | {
      id: string;
      label: string;
      icon?: IconName;
      /** A binding that does the same. */
      keys?: string;
      note?: string;
      run: () => void;
    };

interface Props {
  label: string;
  at: { x: number; y: number };
  entries: PopupEntry[];
  onClose: () => void;
  testId: string;
}

const MARGIN = 6;

export function PopupMenu({ label, at, entries, onClose, testId }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const items = entries.filter((entry) => entry !== "line");
  const [on, setOn] = useState(0);
  const close = useRef(onClose);
  close.current = onClose;

  useLayoutEffect(() => {
    const menu = root.current;
    if (!menu) return;
    const { width, height } = menu.getBoundingClientRect();
    const left = Math.max(MARGIN, Math.min(at.x, window.innerWidth - width - MARGIN));
    const below = at.y + height + MARGIN <= window.innerHeight;
    const top = below ? at.y : Math.max(MARGIN, Math.min(at.y, window.innerHeight - MARGIN) - height);
    menu.style.left = `${left}px`;
    menu.style.top = `${top}px`;
  }, [at]);

  useEffect(() => {
    root.current?.querySelectorAll<HTMLElement>("[role=menuitem]")[on]?.focus();
  }, [on]);

  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) close.current();
    };
    const gone = () => close.current();
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", gone);
    window.addEventListener("blur", gone);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", gone);
      window.removeEventListener("blur", gone);
    };
  }, []);

  const onKey = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    const last = items.length - 1;
    const letter = event.key.length === 1 && !event.ctrlKey && !event.metaKey ? event.key.toLowerCase() : null;
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (event.key === "ArrowDown") setOn(on === last ? 0 : on + 1);
    else if (event.key === "ArrowUp") setOn(on === 0 ? last : on - 1);
    else if (event.key === "Home") setOn(0);
    else if (event.key === "End") setOn(last);
    else if (letter && letter !== " ") {
      const order = [...items.keys()].map((step) => (on + 1 + step) % items.length);
      const found = order.find((index) => items[index]?.label.toLowerCase().startsWith(letter));
      if (found !== undefined) setOn(found);
    } else return;
    event.preventDefault();
  };

  let place = -1;
  return createPortal(
    <div
      className="menu popup"
      role="menu"
      aria-label={label}
      ref={root}
      tabIndex={-1}
      onKeyDown={onKey}
      onContextMenu={(event) => event.preventDefault()}
      data-testid={testId}
    >
      {entries.map((entry, index) => {
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no name of its own, and the list does not change while it is open
        if (entry === "line") return <hr key={`line-${index}`} className="menu__sep" />;
        place += 1;
        const at = place;
        return (
          <button
            key={entry.id}
            type="button"
            role="menuitem"
            tabIndex={-1}
            className={`menu__item menu__button${at === on ? " is-on" : ""}`}
            data-testid={`${testId}-${entry.id}`}
            onPointerMove={() => setOn(at)}
            onClick={() => {
              onClose();
              entry.run();
            }}
          >
            {entry.icon ? <Icon name={entry.icon} /> : <i className="menu__gap" />}
            {entry.label}
            {entry.note && <span className="menu__note clip">{entry.note}</span>}
            {entry.keys && (
              <span className="menu__keys">
                <Keys of={entry.keys} />
              </span>
            )}
          </button>
        );
      })}
    </div>,
    document.body,
  );
}
