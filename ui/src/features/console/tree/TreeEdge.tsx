// The edge of the tree: drag it, or move it with the arrow keys.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usePreferences } from "../../../lib/state/preferences";

const LEAST = 150;
const MOST = 520;
const STEP = 16;

export function TreeEdge() {
  const { t } = useTranslation();
  const saved = usePreferences((state) => state.treeWidth);
  const [dragged, setDragged] = useState<number | null>(null);
  const width = dragged ?? saved;
  const save = (to: number) => {
    const treeWidth = Math.min(MOST, Math.max(LEAST, Math.round(to)));
    void usePreferences.getState().set({ treeWidth });
  };
  const move = (event: React.PointerEvent<HTMLDivElement>) => {
    const tree = event.currentTarget.previousElementSibling;
    if (!tree || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const to = Math.min(MOST, Math.max(LEAST, event.clientX - tree.getBoundingClientRect().left));
    setDragged(to);
    tree.parentElement?.style.setProperty("--tree", `${to}px`);
  };
  const key = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? STEP : event.key === "ArrowLeft" ? -STEP : 0;
    if (step === 0) return;
    event.preventDefault();
    save(width + step);
  };
  return (
    <div
      className="otree__edge"
      role="separator"
      aria-orientation="vertical"
      aria-label={t("common.resize")}
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onPointerUp={() => {
        if (dragged !== null) save(dragged);
        setDragged(null);
      }}
      onKeyDown={key}
    />
  );
}
