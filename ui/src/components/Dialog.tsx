// What must be answered or closed first. The focus stays inside and returns to what opened it.
import { type ReactNode, useEffect, useId, useRef } from "react";
import { createPortal } from "react-dom";

interface Props {
  title: string;
  /** `alertdialog` before something that cannot be undone. */
  role?: "dialog" | "alertdialog";
  wide?: boolean;
  /** Most of the window, for something to read. */
  large?: boolean;
  onClose: () => void;
  /** Keys of the dialog's own, before those of every dialog. */
  onKey?: (event: React.KeyboardEvent) => void;
  foot: ReactNode;
  children: ReactNode;
  testId?: string;
}

export function Dialog({ title, role = "dialog", wide, large, onClose, onKey: ownKey, foot, children, testId }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const titleId = useId();

  useEffect(() => {
    const before = document.activeElement;
    const first = box.current?.querySelector<HTMLElement>("[data-autofocus]") ?? box.current;
    first?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const onKey = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    ownKey?.(event);
    if (event.key === "Escape") return onClose();
    if (event.key !== "Tab") return;
    const stops = box.current?.querySelectorAll<HTMLElement>(
      "button:not([disabled]), input, textarea, select, [tabindex='0']",
    );
    const first = stops?.[0];
    const last = stops?.[stops.length - 1];
    const here = document.activeElement;
    if (event.shiftKey && (here === first || here === box.current)) {
      event.preventDefault();
      last?.focus();
    } else if (!event.shiftKey && here === last) {
      event.preventDefault();
      first?.focus();
    }
  };

  return createPortal(
    <div className="scrim scrim--dialog">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it has a dialog's role, given as a property */}
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles it takes are modal */}
      <div
        className={`dialog${wide ? " dialog--wide" : ""}${large ? " dialog--large" : ""}`}
        role={role}
        aria-modal="true"
        aria-labelledby={titleId}
        tabIndex={-1}
        ref={box}
        onKeyDown={onKey}
        data-testid={testId}
      >
        <div className="dialog__body">
          <h2 className="dialog__title" id={titleId}>
            {title}
          </h2>
          {children}
        </div>
        <div className="dialog__foot">{foot}</div>
      </div>
    </div>,
    document.body,
  );
}
