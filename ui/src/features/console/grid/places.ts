// Where each grid was left, so that going to another result, tab or view and back changes nothing.
import type { GridPlace } from "./GridView";

const KEPT = 40;
const places = new Map<string, GridPlace>();

export function placeOf(result: string): GridPlace | null {
  return places.get(result) ?? null;
}

export function keepPlace(result: string, place: GridPlace): void {
  places.delete(result);
  places.set(result, place);
  for (const oldest of places.keys()) {
    if (places.size <= KEPT) return;
    places.delete(oldest);
  }
}
