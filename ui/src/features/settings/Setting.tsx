// One setting: what happens on the left, the control on the right.
import type { ReactNode } from "react";

export function Setting({ label, hint, children }: { label: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="set">
      <div>
        <div>{label}</div>
        {hint && <div className="set__hint">{hint}</div>}
      </div>
      {children && <div className="set__ctl">{children}</div>}
    </div>
  );
}
