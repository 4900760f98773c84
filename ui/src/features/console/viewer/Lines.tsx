// A long list of lines of one height, of which only those that are seen are there.
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

interface Props {
  count: number;
  height: number;
  /** Which line must be seen, when it changes. */
  reveal: number | null;
  line: (index: number) => ReactNode;
  /** Of the box that scrolls. */
  className: string;
}

const SPARE = 8;

export function Lines({ count, height, reveal, line, className }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ first: 0, last: 60 });

  const look = () => {
    const element = box.current;
    if (!element) return;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - SPARE);
    const last = Math.ceil((element.scrollTop + Math.max(element.clientHeight, 400)) / height) + SPARE;
    setSeen((before) => (before.first === first && before.last === last ? before : { first, last }));
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: another count is another height
  useLayoutEffect(look, [count, height]);
  useEffect(() => {
    const element = box.current;
    if (!element || reveal === null) return;
    const top = reveal * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + height - element.clientHeight;
    }
  }, [reveal, height]);

  const last = Math.min(seen.last, count - 1);
  const lines: ReactNode[] = [];
  for (let index = seen.first; index <= last; index++) lines.push(line(index));
  return (
    <div className={className} ref={box} onScroll={look} role="presentation">
      <div style={{ height: count * height, position: "relative" }} role="presentation">
        <div style={{ position: "absolute", top: seen.first * height, left: 0, right: 0 }} role="presentation">
          {lines}
        </div>
      </div>
    </div>
  );
}
