// A clock for things that tick on the screen.
import { useEffect, useState } from "react";

/** The time, renewed every `everyMs`; stands still while `everyMs` is null or the window is hidden. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return;
    setNow(Date.now());
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
