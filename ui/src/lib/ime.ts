import type { KeyboardEvent as ReactKeyboardEvent } from "react";

/** Whether a key belongs to an input method: Enter that ends a composition never runs, submits or picks. */
export function isComposing(event: KeyboardEvent | ReactKeyboardEvent): boolean {
  const native = "nativeEvent" in event ? event.nativeEvent : event;
  return native.isComposing || native.keyCode === 229;
}
