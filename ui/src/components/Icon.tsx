// The line icons of the design, 16 by 16, drawn with the current colour.
import type { ReactNode } from "react";

const shapes = {
  activity: <path d="M1.5 8.5h3l2-5.5 3 10 2-4.5h3" />,
  alert: (
    <>
      <path d="M8 2.2 14.4 13.4H1.6z" />
      <path d="M8 6.4v3.2M8 11.5v.1" />
    </>
  ),
  box: (
    <>
      <path d="m8 1.8 5.5 3v6.4l-5.5 3-5.5-3V4.8z" />
      <path d="m2.6 4.9 5.4 3 5.4-3M8 8v6" />
    </>
  ),
  check: <path d="m3 8.4 3.3 3.3L13 4.8" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.6V8l2.3 1.6" />
    </>
  ),
  cloud: <path d="M4.5 12.5a3 3 0 0 1-.3-6 4 4 0 0 1 7.7.6 2.7 2.7 0 0 1-.4 5.4z" />,
  column: <path d="M5 3.5v9M11 3.5v9" />,
  console: (
    <>
      <rect x="1.8" y="2.8" width="12.4" height="10.4" rx="1.8" />
      <path d="m4.8 6.2 2 1.9-2 1.9M8.6 10.2h2.8" />
    </>
  ),
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8.5" rx="1.5" />
      <path d="M10.5 5.3V3.5A1.5 1.5 0 0 0 9 2H4a1.5 1.5 0 0 0-1.5 1.5v6A1.5 1.5 0 0 0 4 11h1.3" />
    </>
  ),
  cross: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4" />
    </>
  ),
  db: (
    <>
      <ellipse cx="8" cy="3.9" rx="5" ry="2" />
      <path d="M3 3.9v8.2c0 1.1 2.2 2 5 2s5-.9 5-2V3.9" />
      <path d="M3 8c0 1.1 2.2 2 5 2s5-.9 5-2" />
    </>
  ),
  disk: (
    <>
      <path d="M2.5 2.5h8.7l2.3 2.3v8.7h-11z" />
      <path d="M5.2 2.6v3.2h4.6V2.6M4.8 13.4V9.2h6.4v4.2" />
    </>
  ),
  door: (
    <>
      <path d="M3 14V7a5 5 0 0 1 10 0v7" />
      <path d="M6 14V8.2a2 2 0 0 1 4 0V14" />
      <path d="M1.5 14h13" />
    </>
  ),
  down: <path d="M3.5 6 8 10.5 12.5 6" />,
  eye: (
    <>
      <path d="M1.6 8c1.5-2.8 3.7-4.2 6.4-4.2s4.9 1.4 6.4 4.2c-1.5 2.8-3.7 4.2-6.4 4.2S3.1 10.8 1.6 8Z" />
      <circle cx="8" cy="8" r="2" />
    </>
  ),
  ext: <path d="M6.5 3H3v10h10V9.5M9 2.5h4.5V7M13.2 2.8 7.5 8.5" />,
  filter: <path d="M2 3.5h12M4.5 8h7M6.8 12.5h2.4" />,
  file: (
    <>
      <path d="M3.5 2h6l3 3v9h-9z" />
      <path d="M9.5 2v3h3" />
    </>
  ),
  folder: <path d="M1.8 12.8V3.4h4.5l1.5 1.8h6.4v7.6z" />,
  fn: <path d="M10.5 2.6c-1.6-.4-2.5.4-2.8 2L6.3 12c-.3 1.4-1 1.9-2.3 1.5M5 7h5" />,
  gear: (
    <>
      <circle cx="8" cy="8" r="2.1" />
      <path d="M8 1.6v1.9M8 12.5v1.9M1.6 8h1.9M12.5 8h1.9M3.5 3.5l1.3 1.3M11.2 11.2l1.3 1.3M12.5 3.5l-1.3 1.3M4.8 11.2l-1.3 1.3" />
    </>
  ),
  globe: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M2 8h12M8 2c2 2 2.6 4 2.6 6S10 12 8 14c-2-2-2.6-4-2.6-6S6 4 8 2z" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="3" />
      <path d="m7.2 8.8 6-6M10.8 5.2l2 2" />
    </>
  ),
  keyboard: (
    <>
      <rect x="1.5" y="4" width="13" height="8.5" rx="1.5" />
      <path d="M4 7h.01M6.7 7h.01M9.3 7h.01M12 7h.01M5 9.8h6" />
    </>
  ),
  lock: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1.5" />
      <path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2" />
    </>
  ),
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  okc: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
    </>
  ),
  pin: <path d="M5.5 2h5l-.6 4.2L12 8.5H4l2.1-2.3zM8 8.5V14" />,
  play: <path d="M4.5 2.8v10.4L13 8z" />,
  plug: (
    <>
      <path d="M5.5 2v3M10.5 2v3" />
      <path d="M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0z" />
      <path d="M8 12v2.5" />
    </>
  ),
  plus: <path d="M8 3v10M3 8h10" />,
  power: <path d="M8 1.8v6M4.4 4a5.4 5.4 0 1 0 7.2 0" />,
  refresh: (
    <>
      <path d="M13.5 8A5.5 5.5 0 1 1 11.7 4" />
      <path d="M13.6 1.9v3h-3" />
    </>
  ),
  right: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  save: (
    <>
      <path d="M8 2v7.5M4.8 6.6 8 9.8l3.2-3.2" />
      <path d="M2.5 10.5v3h11v-3" />
    </>
  ),
  schema: <path d="m8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.4" />
      <path d="m10.4 10.4 3.4 3.4" />
    </>
  ),
  stats: <path d="M2 13.5h12M3.5 11V8M6.5 11V4M9.5 11V6.5M12.5 11V9" />,
  stop: <rect x="3.8" y="3.8" width="8.4" height="8.4" rx="1.2" />,
  table: (
    <>
      <rect x="2" y="2.8" width="12" height="10.4" rx="1.5" />
      <path d="M2 6.4h12M6.4 6.4v6.8" />
    </>
  ),
  up: <path d="M3.5 10 8 5.5l4.5 4.5" />,
  user: (
    <>
      <circle cx="8" cy="5" r="2.8" />
      <path d="M2.5 14c.6-2.8 2.8-4.2 5.5-4.2s4.9 1.4 5.5 4.2" />
    </>
  ),
  view: (
    <>
      <path d="M1.5 8S4 3.8 8 3.8 14.5 8 14.5 8 12 12.2 8 12.2 1.5 8 1.5 8z" />
      <circle cx="8" cy="8" r="1.8" />
    </>
  ),
  x: <path d="m4 4 8 8M12 4l-8 8" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

/** An icon. It is always beside a word or inside a control with a label, so assistive technology skips it. */
export function Icon({ name, size }: { name: IconName; size?: "sm" | "lg" }) {
  return (
    <svg className={size ? `icon icon--${size}` : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      {shapes[name]}
    </svg>
  );
}
