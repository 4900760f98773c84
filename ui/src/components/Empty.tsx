import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

/** An empty view: what is not there, and what to do next. */
export function Empty({
  icon,
  title,
  text,
  children,
}: {
  icon: IconName;
  title: string;
  text: string;
  children?: ReactNode;
}) {
  return (
    <div className="empty empty--view">
      <Icon name={icon} />
      <p className="empty__title">{title}</p>
      <p className="empty__text">{text}</p>
      {children && <div className="empty__do">{children}</div>}
    </div>
  );
}
