import type { SelectHTMLAttributes } from "react";
import { Icon } from "./Icon";

interface Props extends SelectHTMLAttributes<HTMLSelectElement> {
  small?: boolean;
  "data-testid"?: string;
}

/** The system's own list, in our clothes: keyboard, screen reader and touch work as everywhere else. */
export function Select({ small, children, className, ...rest }: Props) {
  return (
    <span className={`select-box${small ? " select-box--sm" : ""}${className ? ` ${className}` : ""}`}>
      <select className={small ? "select select--sm" : "select"} {...rest}>
        {children}
      </select>
      <Icon name="down" size="sm" />
    </span>
  );
}
