// Draws a timeline on a canvas: thousands of bars are thousands of elements otherwise.
import type { PhaseName } from "./phases";
import { phases } from "./phases";
import type { Bar, Density, Span } from "./timeline";
import { SLOW_MS, width } from "./timeline";

export interface Paints {
  phase: Record<PhaseName, string>;
  text: string;
  faint: string;
  line: string;
  lineStrong: string;
  bad: string;
  badText: string;
  warn: string;
  accent: string;
  selected: string;
  hover: string;
  focus: string;
  font: string;
}

const names: Record<keyof Omit<Paints, "phase" | "font">, string> = {
  text: "--text-1",
  faint: "--text-3",
  line: "--line-faint",
  lineStrong: "--line-strong",
  bad: "--bad",
  badText: "--bad-text",
  warn: "--warn",
  accent: "--accent",
  selected: "--bg-selected",
  hover: "--bg-hover",
  focus: "--focus",
};

const phaseNames: Record<PhaseName, string> = {
  lock: "--phase-lock",
  queue: "--phase-queue",
  planning: "--phase-plan",
  compile: "--phase-compile",
  execution: "--phase-exec",
  returning: "--phase-return",
};

/** The colours of the theme that is on. */
export function paints(element: Element): Paints {
  const style = getComputedStyle(element);
  const read = <K extends string>(of: Record<K, string>) =>
    Object.fromEntries(Object.entries<string>(of).map(([key, name]) => [key, style.getPropertyValue(name).trim()]));
  return {
    ...(read(names) as Omit<Paints, "phase" | "font">),
    phase: read(phaseNames) as Paints["phase"],
    font: `11px ${style.getPropertyValue("--font-ui") || "sans-serif"}`,
  };
}

export interface Scene {
  span: Span;
  bars: Bar[];
  lane: number;
  bar: number;
  plot: { width: number; height: number };
  now: number;
  selected: string | null;
  hovered: string | null;
  focused: string | null;
  ticks: number[];
  label: (at: number) => string;
  nowLabel: string;
  name: (bar: Bar) => string;
}

export function paint(context: CanvasRenderingContext2D, scene: Scene, of: Paints): void {
  const { plot, span, bars, lane } = scene;
  const scale = plot.width / width(span);
  context.clearRect(0, 0, plot.width, plot.height + 18);
  context.font = of.font;
  context.textBaseline = "middle";
  const nowAt = (scene.now - span.from) * scale;
  const nowShown = nowAt >= 0 && nowAt <= plot.width;

  context.fillStyle = of.line;
  for (const at of scene.ticks) context.fillRect(Math.round((at - span.from) * scale), 0, 1, plot.height);

  for (const bar of bars) {
    const marked = bar.query.key === scene.selected ? of.selected : bar.query.key === scene.hovered ? of.hover : null;
    if (!marked) continue;
    context.fillStyle = marked;
    context.fillRect(0, bar.lane * lane, plot.width, lane);
  }
  const rooms = roomsBeside(bars, plot.width);
  for (const bar of bars) {
    paintBar(context, bar, scene, of);
    paintName(context, bar, scene, of, rooms.get(bar) ?? { until: plot.width, alone: true });
  }

  context.fillStyle = of.faint;
  context.textAlign = "center";
  for (const at of scene.ticks) {
    const x = (at - span.from) * scale;
    // Neither out of the picture nor over the time it is now.
    if (x < 18 || x > plot.width - 18 || (nowShown && Math.abs(nowAt - x) < 64)) continue;
    context.fillText(scene.label(at), x, plot.height + 10);
  }
  if (nowShown) {
    context.fillStyle = of.accent;
    context.fillRect(Math.round(nowAt), 0, 1, plot.height);
    context.textAlign = nowAt > plot.width - 26 ? "right" : "center";
    context.fillText(
      scene.nowLabel,
      Math.min(nowAt + (nowAt > plot.width - 26 ? 26 : 0), plot.width),
      plot.height + 10,
    );
  }
}

/** How far to the right of a bar its lane is free, and whether it has that lane to itself. */
interface Room {
  until: number;
  alone: boolean;
}

function roomsBeside(bars: Bar[], pixels: number): Map<Bar, Room> {
  const rooms = new Map<Bar, Room>();
  const byLane = new Map<number, Bar[]>();
  for (const bar of bars) {
    const lane = byLane.get(bar.lane);
    if (lane) lane.push(bar);
    else byLane.set(bar.lane, [bar]);
  }
  for (const lane of byLane.values()) {
    lane.sort((a, b) => a.left - b.left);
    lane.forEach((bar, index) => {
      rooms.set(bar, { until: lane[index + 1]?.left ?? pixels, alone: lane.length === 1 });
    });
  }
  return rooms;
}

function paintBar(context: CanvasRenderingContext2D, bar: Bar, scene: Scene, of: Paints): void {
  const { query, left } = bar;
  const top = bar.lane * scene.lane + (scene.lane - scene.bar) / 2;
  const elapsed = Math.max(1, (query.end ?? scene.now) - query.start);
  const failed = query.status === "failed";
  // The parts are of the whole query; the picture may show a piece of it.
  const scale = scene.plot.width / width(scene.span);
  const first = (query.start - scene.span.from) * scale;
  const total = Math.max(bar.width, elapsed * scale);
  const right = Math.min(left + bar.width, scene.plot.width);
  context.save();
  context.beginPath();
  context.roundRect(left, top, Math.max(1, right - left), scene.bar, 2);
  context.clip();
  context.globalAlpha = query.live || failed || query.elapsed_ms >= SLOW_MS || query.key === scene.selected ? 1 : 0.62;
  const parts = phases(query, elapsed);
  const sum = parts.reduce((all, { ms }) => all + ms, 0) || 1;
  let at = Math.min(first, left);
  for (const { name, ms } of parts) {
    const size = (ms / sum) * total;
    if (name === "lock") hatch(context, at, top, size, scene.bar, of.phase.lock);
    else {
      context.fillStyle = name === "unknown" ? of.lineStrong : of.phase[name];
      context.fillRect(at, top, size, scene.bar);
    }
    at += size;
  }
  context.restore();
  if (failed || query.status === "canceled") {
    context.fillStyle = failed ? of.bad : of.text;
    context.fillRect(Math.min(right, scene.plot.width - 2), top - 2, 2, scene.bar + 4);
    if (failed) {
      context.fillRect(left, top + scene.bar + 1, Math.max(2, right - left), 1.5);
    }
  }
  if (query.key === scene.focused) {
    context.strokeStyle = of.focus;
    context.lineWidth = 2;
    context.strokeRect(left - 2, top - 2, Math.max(4, right - left + 4), scene.bar + 4);
  }
}

/** Stripes, as the legend has them: time lost to a lock is seen without colours too. */
function hatch(context: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, y, w, h);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  for (let at = x - h; at < x + w + h; at += 5) {
    context.moveTo(at, y + h);
    context.lineTo(at + h, y);
  }
  context.stroke();
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(0, w - 1), h - 1);
  context.restore();
}

function paintName(context: CanvasRenderingContext2D, bar: Bar, scene: Scene, of: Paints, room: Room): void {
  if (scene.lane < 14) return;
  const { query } = bar;
  const text = scene.name(bar);
  const size = context.measureText(text).width;
  const y = bar.lane * scene.lane + scene.lane / 2 + 0.5;
  const after = bar.left + bar.width + 6;
  context.textAlign = "left";
  context.fillStyle = query.status === "failed" ? of.badText : query.key === scene.selected ? of.text : of.faint;
  if (after + size + 4 <= room.until) context.fillText(text, after, y);
  else if (bar.left - size - 6 >= 0 && room.alone) {
    context.fillText(text, bar.left - size - 6, y);
  }
}

/** The whole of what was read in one strip: how much ran at each time, and where something failed or waited. */
export function paintStrip(
  context: CanvasRenderingContext2D,
  counts: Density,
  shown: { from: number; to: number } | null,
  size: { width: number; height: number },
  of: Paints,
): void {
  context.clearRect(0, 0, size.width, size.height);
  const base = size.height - 1;
  const height = (count: number) => (count === 0 ? 0 : Math.max(1.5, (count / Math.max(1, counts.most)) * (base - 2)));
  const column = size.width / counts.all.length;
  const columns = (values: number[], colour: string, alpha: number) => {
    context.fillStyle = colour;
    context.globalAlpha = alpha;
    values.forEach((count, index) => {
      if (count > 0) context.fillRect(index * column, base - height(count), Math.max(1, column), height(count));
    });
    context.globalAlpha = 1;
  };
  columns(counts.all, of.phase.execution, 0.45);
  columns(counts.waiting, of.phase.lock, 0.9);
  columns(counts.failed, of.bad, 1);
  context.fillStyle = of.lineStrong;
  context.fillRect(0, base, size.width, 1);
  if (shown) {
    const [from, to] = [shown.from * size.width, shown.to * size.width];
    context.fillStyle = of.accent;
    context.globalAlpha = 0.12;
    context.fillRect(from, 0, to - from, base);
    context.globalAlpha = 1;
    context.fillRect(from, 0, 1, base);
    context.fillRect(Math.min(to, size.width - 1), 0, 1, base);
  }
}
