// What a key means in the grid. Pure: the grid does what this says.

export type HeadDo =
  | { do: "go"; to: "left" | "right" | "first" | "last" | "rows" }
  | { do: "menu" }
  | { do: "sort"; also: boolean }
  | { do: "resize"; by: number }
  | { do: "move"; by: number }
  | { do: "hide" }
  | { do: "copyName" };

export type RowsDo =
  | { do: "copy"; head: boolean }
  | { do: "all" }
  | { do: "row" }
  | { do: "column" }
  | { do: "open" }
  | { do: "menu" }
  | { do: "goTo" }
  | { do: "find" }
  | { do: "findNext"; back: boolean }
  | { do: "collapse" };

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

const WIDER = 16;

/** Letters whatever Caps Lock says. */
export function keyName(key: string): string {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** A key while the focus is on the rows. Arrows and their like are not here: `moved` of a selection knows them. */
export function inRows(event: Press): RowsDo | null {
  const mod = event.ctrlKey || event.metaKey;
  const key = keyName(event.key);
  if (event.altKey) return null;
  if (key === "ContextMenu" || (key === "F10" && event.shiftKey)) return { do: "menu" };
  if (key === "F3") return { do: "findNext", back: event.shiftKey };
  if (key === " " && event.shiftKey) return { do: "row" };
  if (key === " " && mod) return { do: "column" };
  if (mod && key === "c") return { do: "copy", head: event.shiftKey };
  if (mod && event.shiftKey) return null;
  if (mod && key === "a") return { do: "all" };
  if (mod && key === "g") return { do: "goTo" };
  if (mod && key === "f") return { do: "find" };
  if (mod) return null;
  if (key === "Enter") return { do: "open" };
  if (key === "Escape") return { do: "collapse" };
  return null;
}

/** A key while the focus is on a column's head. */
export function inHead(event: Press): HeadDo | RowsDo | null {
  const mod = event.ctrlKey || event.metaKey;
  const key = keyName(event.key);
  const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
  if (step !== 0 && mod && event.shiftKey) return { do: "move", by: step };
  if (step !== 0 && event.shiftKey) return { do: "resize", by: step * WIDER };
  if (key === "ArrowDown" && event.altKey) return { do: "menu" };
  if (event.altKey) return null;
  if (key === "ArrowLeft") return { do: "go", to: mod ? "first" : "left" };
  if (key === "ArrowRight") return { do: "go", to: mod ? "last" : "right" };
  if (key === "Home") return { do: "go", to: "first" };
  if (key === "End") return { do: "go", to: "last" };
  if (key === "ArrowDown" || key === "Escape" || key === "PageDown") return { do: "go", to: "rows" };
  if (key === "Enter" || key === "ContextMenu" || (key === "F10" && event.shiftKey)) return { do: "menu" };
  if (key === " " && mod) return { do: "column" };
  if (key === " ") return { do: "sort", also: event.shiftKey };
  if (key === "Delete") return { do: "hide" };
  if (mod && key === "c") return { do: "copyName" };
  if (mod && key === "g") return { do: "goTo" };
  if (mod && key === "f") return { do: "find" };
  return null;
}
