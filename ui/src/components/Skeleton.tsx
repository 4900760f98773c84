import { useEffect, useState } from "react";

/** Rows that are on their way. Shown only when they take longer than 200 ms, so that quick answers do not flicker. */
export function SkeletonRows({ count }: { count: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div aria-hidden="true">
      {Array.from({ length: count }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
        <div className="list-row skeleton-row" key={row}>
          <span className="skeleton" style={{ width: 90 + ((row * 37) % 60) }} />
          <span className="skeleton" style={{ width: 140 + ((row * 53) % 110) }} />
          <span className="skeleton" style={{ width: 50 + ((row * 29) % 40) }} />
        </div>
      ))}
    </div>
  );
}
