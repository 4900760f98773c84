// Selecting with the pointer. Outside the rows it scrolls on, the faster the farther away, until the pointer is let go.

/** Pixels scrolled in a frame for each pixel the pointer is outside; a row a frame at some distance, a page at most. */
const SPEED = 0.35;

export function beyond(position: number, size: number): number {
  if (position < 0) return position;
  return position > size ? position - size : 0;
}

/** How far to scroll in this frame, never more than a view. */
export function pace(outside: number, size: number): number {
  const step = outside * SPEED;
  return Math.sign(step) * Math.min(Math.ceil(Math.abs(step)), size);
}

export interface DragHooks {
  /** The pointer, relative to the rows. */
  to: (x: number, y: number) => void;
  scroll: (dx: number, dy: number) => void;
}

/** Follows the pointer over and beyond `area`. Gives what ends it early. */
export function dragSelection(area: HTMLElement, fixedLeft: number, hooks: DragHooks): () => void {
  let x = 0;
  let y = 0;
  let frame = 0;
  const follow = (event: PointerEvent) => {
    const box = area.getBoundingClientRect();
    x = event.clientX - box.left;
    y = event.clientY - box.top;
    hooks.to(x, y);
    if (frame === 0) frame = requestAnimationFrame(step);
  };
  const step = () => {
    frame = 0;
    const width = area.clientWidth;
    const height = area.clientHeight;
    const dx = beyond(x - fixedLeft, width - fixedLeft);
    const dy = beyond(y, height);
    if (dx === 0 && dy === 0) return;
    hooks.scroll(pace(dx, width), pace(dy, height));
    hooks.to(x, y);
    frame = requestAnimationFrame(step);
  };
  const over = () => {
    cancelAnimationFrame(frame);
    window.removeEventListener("pointermove", follow);
    window.removeEventListener("pointerup", over);
    window.removeEventListener("pointercancel", over);
  };
  window.addEventListener("pointermove", follow);
  window.addEventListener("pointerup", over);
  window.addEventListener("pointercancel", over);
  return over;
}
