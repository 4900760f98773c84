// The line between editor and results: drag it, or move it with the arrow keys. It is also where a run shows it is busy.
import type { RefObject } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  /** Share of the editor, 0 to 1. */
  share: number;
  onShare: (share: number) => void;
  busy: boolean;
  within: RefObject<HTMLElement | null>;
}

const LEAST = 0.15;
const MOST = 0.8;
const clamp = (share: number) => Math.min(MOST, Math.max(LEAST, share));

export function Splitter({ share, onShare, busy, within }: Props) {
  const { t } = useTranslation();
  const drag = (event: React.PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event: React.PointerEvent<HTMLDivElement>) => {
    const box = within.current?.getBoundingClientRect();
    if (!box || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    onShare(clamp((event.clientY - box.top) / box.height));
  };
  const key = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 0.02 : event.key === "ArrowUp" ? -0.02 : 0;
    if (step === 0) return;
    event.preventDefault();
    onShare(clamp(share + step));
  };
  return (
    <div
      className="con__split"
      role="separator"
      aria-orientation="horizontal"
      aria-label={t("common.resize")}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      tabIndex={0}
      onPointerDown={drag}
      onPointerMove={move}
      onKeyDown={key}
    >
      {busy ? (
        <div className="progress progress--busy">
          <i />
        </div>
      ) : (
        <div className="split split--h" />
      )}
    </div>
  );
}
