// The queries of a part of time as bars, and all of the time that was read as a strip below them. Wheel, drag and keys change which part
// is shown; a click opens a query.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { userName } from "../../lib/choices";
import { clock, count, hourMinute, monthDay, oneLine, took } from "../../lib/format";
import type { ListedQuery } from "./listed";
import { PhaseBar, phaseClasses } from "./PhaseBar";
import { paint, paintStrip, paints } from "./painting";
import { elapsedNow, phaseNames, phases } from "./phases";
import { useActivity } from "./store";
import {
  type Bar,
  barAt,
  density,
  fitting,
  inOrder,
  lanes,
  panned,
  ranked,
  type Span,
  width as spanWidth,
  ticks,
  whole,
  within,
  zoomed,
} from "./timeline";

const MOST_LANES = 9;
const LANE = 20;
const BAR = 10;
const AXIS = 18;
const STRIP = 22;
const DAY = 24 * 3_600_000;
/** A pointer that moves less than this has clicked. */
const CLICK = 4;

export function Legend() {
  const { t } = useTranslation();
  return (
    <span className="legend">
      {phaseNames.map((name) => (
        <span key={name}>
          <i className={phaseClasses[name]} />
          {t(`activity.${name}`)}
        </span>
      ))}
    </span>
  );
}

interface Props {
  queries: ListedQuery[];
  range: number;
  now: number;
  /** Several servers are shown: a query is named with its own. */
  several: boolean;
}

export function TimelinePlot({ queries, range, now, several }: Props) {
  const { t } = useTranslation();
  const selected = useActivity((state) => state.selected);
  const select = useActivity((state) => state.select);
  const [chosen, setChosen] = useState<Span | null>(null);
  const [hovered, setHovered] = useState<string | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const plot = useRef<HTMLCanvasElement>(null);
  const strip = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const pixels = useWidth(box);

  // The picture moves when there is a pixel to move by.
  const step = Math.max(1000, range / 1000);
  const moved = Math.floor(now / step) * step;
  const limits = useMemo(() => whole(range, moved), [range, moved]);
  const fit = useMemo(() => fitting(queries, range, moved), [queries, range, moved]);
  // A part that somebody has chosen stands; otherwise the picture goes with the time.
  const span = useMemo(() => (chosen ? within(chosen, limits) : fit), [chosen, limits, fit]);
  const order = useMemo(() => ranked(queries), [queries]);
  const picture = useMemo(() => lanes(order, span, moved, pixels, MOST_LANES), [order, span, moved, pixels]);
  const height = Math.max(4, picture.count) * LANE;
  const axis = ticks(span);

  useLayoutEffect(() => {
    const canvas = plot.current;
    const context = canvas && prepared(canvas, pixels, height + AXIS);
    if (!canvas || !context) return;
    const label = spanWidth(span) > DAY ? monthDay : axis.step < 60_000 ? clock : hourMinute;
    const scene = {
      span,
      bars: picture.bars,
      lane: LANE,
      bar: BAR,
      plot: { width: pixels, height },
      now,
      selected,
      hovered,
      focused,
      ticks: axis.at,
      label,
      nowLabel: clock(now),
      name: ({ query }: Bar) => (several ? `${query.query_id} ${query.target.database}` : query.query_id),
    };
    paint(context, scene, paints(canvas));
  });

  const counts = useMemo(
    () => density(queries, limits, Math.max(1, Math.floor(pixels / 3)), moved),
    [queries, limits, moved, pixels],
  );
  useLayoutEffect(() => {
    const canvas = strip.current;
    const context = canvas && prepared(canvas, pixels, STRIP);
    if (!canvas || !context) return;
    const share = (at: number) => (at - limits.from) / spanWidth(limits);
    const shown = { from: Math.max(0, share(span.from)), to: Math.min(1, share(span.to)) };
    paintStrip(context, counts, shown, { width: pixels, height: STRIP }, paints(canvas));
  });

  const moment = (x: number) => span.from + (x / pixels) * spanWidth(span);
  const show = (next: Span) => setChosen(spanWidth(next) >= spanWidth(limits) * 0.999 ? limits : next);

  // React's own wheel handler may not keep the page from scrolling.
  const wheel = useRef<(event: WheelEvent) => void>(() => {});
  wheel.current = (event) => {
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) show(panned(span, sideways / pixels, limits));
    else show(zoomed(span, moment(offset(event)), 1.0015 ** event.deltaY, limits));
  };
  useEffect(() => {
    const area = box.current;
    const turn = (event: WheelEvent) => wheel.current(event);
    area?.addEventListener("wheel", turn, { passive: false });
    return () => area?.removeEventListener("wheel", turn);
  }, []);

  const offset = (event: { clientX: number }) => {
    const area = box.current?.getBoundingClientRect();
    return Math.min(pixels, Math.max(0, event.clientX - (area?.left ?? 0)));
  };
  const under = (event: React.PointerEvent) => {
    const area = plot.current?.getBoundingClientRect();
    return barAt(picture.bars, offset(event), Math.floor((event.clientY - (area?.top ?? 0)) / LANE));
  };

  const onPointerMove = (event: React.PointerEvent) => {
    if (drag) setDrag({ ...drag, to: offset(event) });
    else setHovered(under(event)?.query.key ?? null);
  };
  const onPointerUp = (event: React.PointerEvent) => {
    if (!drag) return;
    setDrag(null);
    const [from, to] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if (to - from >= CLICK) return show(within({ from: moment(from), to: moment(to) }, limits));
    const bar = under(event);
    if (bar) select(bar.query.key);
  };

  const onKey = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const bars = inOrder(picture.bars);
    const at = bars.findIndex(({ query }) => query.key === (focused ?? selected));
    const middle = at >= 0 && bars[at] ? bars[at].query.start : (span.from + span.to) / 2;
    const go = (to: number) => setFocused(bars[Math.min(bars.length - 1, Math.max(0, to))]?.query.key ?? null);
    switch (event.key) {
      case "+":
      case "=":
        show(zoomed(span, middle, 0.5, limits));
        break;
      case "-":
        show(zoomed(span, middle, 2, limits));
        break;
      case "0":
        setChosen(null);
        break;
      case "ArrowRight":
        if (event.shiftKey) show(panned(span, 0.25, limits));
        else go(at + 1);
        break;
      case "ArrowLeft":
        if (event.shiftKey) show(panned(span, -0.25, limits));
        else go(at < 0 ? bars.length - 1 : at - 1);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(bars.length - 1);
        break;
      case "Enter":
        if (!focused) return;
        select(focused);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const told =
    picture.bars.find(({ query }) => query.key === focused) ?? picture.bars.find(({ query }) => query.key === hovered);
  const label = t("activity.timelineOf", { from: clock(span.from), to: clock(span.to), count: picture.bars.length });

  return (
    <figure className="tl" aria-label={t("activity.timeline")} data-testid="timeline">
      <div
        className="tl__box"
        ref={box}
        role="img"
        aria-label={`${label} ${t("activity.timelineKeys")}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go over what it shows
        tabIndex={0}
        onKeyDown={onKey}
        onBlur={() => setFocused(null)}
        onPointerMove={onPointerMove}
        onPointerLeave={() => setHovered(null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture?.(event.pointerId);
          setDrag({ from: offset(event), to: offset(event) });
        }}
        onPointerUp={onPointerUp}
        onPointerCancel={() => setDrag(null)}
        onDoubleClick={() => setChosen(null)}
        data-from={Math.round(span.from)}
        data-to={Math.round(span.to)}
        data-bars={picture.bars.length}
        data-testid="timeline-plot"
      >
        <canvas ref={plot} className="tl__canvas" style={{ height: height + AXIS }} />
        {drag && Math.abs(drag.to - drag.from) >= CLICK && (
          <i
            className="tl__drag"
            style={{ left: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from), height }}
          />
        )}
        {told && !drag && (
          <Tip bar={told} now={now} pixels={pixels} several={several} below={told.lane * LANE < height / 2} />
        )}
      </div>
      <canvas
        ref={strip}
        className="tl__strip"
        style={{ height: STRIP }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture?.(event.pointerId);
          centre(event);
        }}
        onPointerMove={(event) => event.buttons === 1 && centre(event)}
      />
      <p className="tl__foot faint num">
        <Legend />
        <span className="spacer" />
        {picture.left > 0 && (
          <span data-testid="timeline-left">
            {t("activity.timelineLeft", { count: picture.left, number: count(picture.left) })}
          </span>
        )}
        {chosen && (
          <button
            type="button"
            className="btn btn--sm btn--ghost tl__reset"
            onClick={() => setChosen(null)}
            data-testid="timeline-reset"
          >
            {t("activity.timelineReset")}
          </button>
        )}
      </p>
      <p className="sr" role="status">
        {focused && told ? sentence(told.query) : ""}
      </p>
    </figure>
  );

  function centre(event: React.PointerEvent) {
    const at = limits.from + (offset(event) / pixels) * spanWidth(limits);
    const half = spanWidth(span) / 2;
    setChosen(within({ from: at - half, to: at + half }, limits));
  }

  function sentence(query: ListedQuery) {
    return [
      query.query_id,
      query.status,
      query.user,
      took(elapsedNow(query, query.asOf, now)),
      oneLine(query.text.slice(0, 120)),
    ].join(", ");
  }
}

function Tip(props: { bar: Bar; now: number; pixels: number; several: boolean; below: boolean }) {
  const { bar, now, pixels, several, below } = props;
  const { query } = bar;
  const elapsed = elapsedNow(query, query.asOf, now);
  const middle = Math.min(pixels - 132, Math.max(132, bar.left + bar.width / 2));
  const top = below ? (bar.lane + 1) * LANE + 4 : bar.lane * LANE - 4;
  return (
    <div
      className="tl__tip num"
      style={{ left: middle, top, transform: below ? "translateX(-50%)" : "translate(-50%, -100%)" }}
      aria-hidden="true"
    >
      <p className="row">
        <span className="strong">{query.query_id}</span>
        <span>{query.status}</span>
        <span className="spacer" />
        <span className="strong">{took(elapsed)}</span>
      </p>
      <p className="clip">
        {[userName(query.user), clock(query.start), several ? query.target.database : ""].filter(Boolean).join(" · ")}
      </p>
      <PhaseBar phases={phases(query, elapsed)} />
      <p className="mono clip">{oneLine(query.text.slice(0, 160))}</p>
    </div>
  );
}

/** The canvas at the screen's own resolution; null where nothing can be drawn. */
function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const context = canvas.getContext("2d");
  if (!context) return null;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

/** How wide an element is, in pixels. */
function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(600);
  useLayoutEffect(() => {
    const own = element.current;
    if (!own) return;
    const measure = () => setWidth(own.clientWidth || 600);
    measure();
    if (typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(measure);
    observer.observe(own);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
