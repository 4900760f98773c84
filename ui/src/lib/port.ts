// A local port as a person types it.

/** Null is nothing typed, undefined is no port at all. */
export function parsePort(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const port = Number(text);
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined;
}
