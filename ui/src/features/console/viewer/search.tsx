// Searching inside one cell: words, how many places, the next and the one before.
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { count } from "../../../lib/format";
import { isComposing } from "../../../lib/ime";

export interface Search<T> {
  words: string;
  setWords: (words: string) => void;
  places: T[];
  found: ReadonlySet<T>;
  /** Index of the place one stands on; -1 before the first step. */
  at: number;
  step: (by: 1 | -1) => void;
}

export function useSearch<T>(find: (words: string) => T[], reveal: (place: T) => void): Search<T> {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is searched belongs to one cell
  const places = useMemo(() => find(words), [words]);
  const found = useMemo(() => new Set(places), [places]);
  return {
    words,
    setWords: (next) => {
      setWords(next);
      setAt(-1);
    },
    places,
    found,
    at,
    step: (by) => {
      if (places.length === 0) return;
      const next = at < 0 ? (by > 0 ? 0 : places.length - 1) : (at + by + places.length) % places.length;
      setAt(next);
      const place = places[next];
      if (place !== undefined) reveal(place);
    },
  };
}

export function SearchField<T>({ search }: { search: Search<T> }) {
  const { t } = useTranslation();
  const { words, places, at } = search;
  return (
    <>
      <span className="input input--sm viewer__search">
        <Icon name="search" />
        <input
          className="input__text"
          type="text"
          value={words}
          placeholder={t("console.searchCell")}
          aria-label={t("console.searchCell")}
          spellCheck={false}
          onChange={(event) => search.setWords(event.target.value)}
          onKeyDown={(event) => {
            if (isComposing(event)) return;
            if (event.key === "Enter") search.step(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape" && words !== "") {
              search.setWords("");
              event.stopPropagation();
            } else return;
            event.preventDefault();
          }}
          data-testid="cell-search"
        />
      </span>
      {words !== "" && (
        <span className="faint num" role="status">
          {places.length === 0
            ? t("console.noPlace")
            : at < 0
              ? t("console.places", { count: places.length, n: count(places.length) })
              : t("console.placeOf", { at: count(at + 1), all: count(places.length) })}
        </span>
      )}
    </>
  );
}
