// Where each grid was left, so that going to another result, tab or view and back changes nothing.
import type { GridPlace } from "./GridView";

const KEPT = 40;
const places = new Map<string, { view: string | null; place: GridPlace }>();

/** In another order the columns stay as they are, and the rows begin at the top. */
export function placeOf(result: string, view: string | null): GridPlace | null {
  const kept = places.get(result);
  if (!kept) return null;
  return kept.view === view ? kept.place : { ...kept.place, offset: 0, selection: null };
}

export function keepPlace(result: string, view: string | null, place: GridPlace): void {
  places.delete(result);
  places.set(result, { view, place });
  for (const oldest of places.keys()) {
    if (places.size <= KEPT) return;
    places.delete(oldest);
  }
}
