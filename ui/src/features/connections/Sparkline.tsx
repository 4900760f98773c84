import { useTranslation } from "react-i18next";
import { bytes } from "../../lib/format";
import { points } from "./traffic";

const WIDTH = 96;
const HEIGHT = 18;

/** A small plot of the last minute. What it says in words is read when somebody goes there, and never announced. */
export function Sparkline({ values }: { values: number[] }) {
  const { t } = useTranslation();
  const line = points(values, WIDTH, HEIGHT);
  const label = t("connections.plot", {
    total: bytes(values.reduce((sum, value) => sum + value, 0)),
    most: bytes(Math.max(...values)),
  });
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} data-testid="plot">
      <title>{label}</title>
      <polygon className="fill" points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} />
    </svg>
  );
}
