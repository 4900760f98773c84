// A drawing as SVG: crisp at any resolution, in the colours of the theme. Pointer and arrow keys go over what it shows.
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Drawing, nearest } from "./marks";

interface Props {
  drawing: Drawing;
  label: string;
  xName: string;
  yName: string;
  /** Bars lie, so that up and down is the way along them. */
  lying: boolean;
}

export function Chart({ drawing, label, xName, yName, lying }: Props) {
  const { t } = useTranslation();
  const [place, setPlace] = useState({ drawing, at: -1 });
  const [said, setSaid] = useState("");
  const root = useRef<HTMLDivElement>(null);
  const { width, height, box, marks } = drawing;
  // Another drawing has other marks.
  const at = place.drawing === drawing ? place.at : -1;
  const setAt = (next: number) => setPlace({ drawing, at: next });
  const mark = marks[at];

  const point = (event: React.PointerEvent) => {
    const area = root.current?.getBoundingClientRect();
    if (!area) return;
    setAt(nearest(marks, event.clientX - area.left, event.clientY - area.top, lying));
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (marks.length === 0) return;
    const last = marks.length - 1;
    const steps: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      PageDown: at + 10,
      PageUp: at - 10,
      Home: 0,
      End: last,
    };
    if (event.key === "Escape" && at >= 0) {
      setAt(-1);
      event.stopPropagation();
      return;
    }
    const to = steps[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = Math.min(last, Math.max(0, to));
    setAt(next);
    const shown = marks[next];
    if (shown) setSaid([shown.head, ...shown.facts.map(([name, value]) => `${name} ${value}`)].join(", "));
  };

  return (
    <div className="chart" ref={root} onPointerMove={point} onPointerLeave={() => setAt(-1)} style={{ height }}>
      <svg
        className="chart__svg"
        width={width}
        height={height}
        role="img"
        aria-label={`${label}. ${t("plot.keys")}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go over what it shows
        tabIndex={0}
        onKeyDown={onKey}
        data-testid="plot-chart"
      >
        {!lying && (
          <g className="chart__axes">
            {drawing.yTicks.map(({ at: y, text }) => (
              <g key={`y${y}`}>
                <line x1={box.left} x2={box.right} y1={y} y2={y} className="chart__grid" />
                <text x={box.left - 8} y={y} dy="0.32em" textAnchor="end">
                  {text}
                </text>
              </g>
            ))}
            <line x1={box.left} x2={box.right} y1={box.bottom} y2={box.bottom} className="chart__base" />
            {drawing.xTicks.map(({ at: x, text }) => (
              <g key={`x${x}`}>
                <line x1={x} x2={x} y1={box.bottom} y2={box.bottom + 4} className="chart__base" />
                <text x={Math.min(x, width - 26)} y={box.bottom + 16} textAnchor="middle">
                  {text}
                </text>
              </g>
            ))}
            <text className="chart__name" x={box.right} y={height - 6} textAnchor="end">
              {xName}
            </text>
            <text className="chart__name" x={box.left - 8} y={14}>
              {yName}
            </text>
          </g>
        )}
        {drawing.rects.map((rect) => (
          <rect
            key={`${rect.x} ${rect.y}`}
            x={rect.x}
            y={rect.y}
            width={rect.width}
            height={rect.height}
            className={rect.other ? "chart__bar is-other" : "chart__bar"}
            opacity={rect.strength}
          />
        ))}
        {drawing.lines.map(({ path, band, dots }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name of their own, and their order is what they are
          <g key={index} className={`chart__line chart__line--${index % 4}`}>
            {band && <path d={band} className="chart__band" />}
            <path d={path} className="chart__path" />
            {dots.map((dot) => (
              <circle key={`${dot.x} ${dot.y}`} cx={dot.x} cy={dot.y} r={2.5} />
            ))}
          </g>
        ))}
        {drawing.dots.map((dot, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two rows may be the same point
          <circle key={index} cx={dot.x} cy={dot.y} r={2.5} className="chart__dot" />
        ))}
        {drawing.labels.map(({ x, y, text, end, dim }) => (
          <text
            key={`${x} ${y} ${text}`}
            x={x}
            y={y}
            dy="0.32em"
            textAnchor={end ? "end" : "start"}
            className={dim ? "chart__label is-dim" : "chart__label"}
          >
            {text}
          </text>
        ))}
        {mark && <circle cx={mark.x} cy={mark.y} r={4} className="chart__at" />}
      </svg>
      {mark && (
        <div
          className="chart__tip num"
          style={{
            left: Math.min(Math.max(0, mark.x + 12), Math.max(0, width - 210)),
            top: mark.y > height / 2 ? undefined : mark.y + 12,
            bottom: mark.y > height / 2 ? height - mark.y + 12 : undefined,
          }}
          aria-hidden="true"
          data-testid="plot-tip"
        >
          <b className="clip">{mark.head}</b>
          {mark.facts.map(([name, value]) => (
            <span key={name}>
              <span className="faint clip">{name}</span>
              <span>{value}</span>
            </span>
          ))}
        </div>
      )}
      <div className="sr" role="status" aria-live="polite">
        {said}
      </div>
    </div>
  );
}
