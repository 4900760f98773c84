// The text of a cell as it came, with what was searched for marked.
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { SearchField, useSearch } from "./search";

/** More marks than anybody steps through would make a long text slow. */
const MOST_PLACES = 2000;

export function PlainText({ text, wrap, onWrap }: { text: string; wrap: boolean; onWrap: (wrap: boolean) => void }) {
  const { t } = useTranslation();
  const box = useRef<HTMLPreElement>(null);
  const search = useSearch(
    (words) => placesOf(text, words),
    () => {},
  );
  const { at, words, places } = search;
  useEffect(() => {
    if (at >= 0) box.current?.querySelectorAll("mark")[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);

  return (
    <>
      <div className="viewer__bar">
        <SearchField search={search} />
        <span className="spacer" />
        <label className="viewer__wrap">
          <input
            type="checkbox"
            className="check"
            checked={wrap}
            onChange={(event) => onWrap(event.target.checked)}
            data-testid="cell-wrap"
          />
          {t("console.wrap")}
        </label>
      </div>
      <pre
        className={`viewer__text selectable${wrap ? " is-wrapped" : ""}`}
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
        data-testid="cell-text"
      >
        {marked(text, places, words.length, at)}
      </pre>
    </>
  );
}

/** Offsets where the words stand, whatever their case. */
export function placesOf(text: string, words: string): number[] {
  if (words === "") return [];
  const inside = text.toLowerCase();
  const wanted = words.toLowerCase();
  // A letter whose small form is longer would move every offset after it.
  const [where, what] = inside.length === text.length ? [inside, wanted] : [text, words];
  const out: number[] = [];
  for (let at = where.indexOf(what); at >= 0 && out.length < MOST_PLACES; at = where.indexOf(what, at + what.length)) {
    out.push(at);
  }
  return out;
}

function marked(text: string, places: number[], length: number, at: number): ReactNode {
  if (places.length === 0) return text;
  const out: ReactNode[] = [];
  let from = 0;
  places.forEach((place, index) => {
    out.push(text.slice(from, place));
    out.push(
      <mark key={place} className={index === at ? "is-at" : undefined}>
        {text.slice(place, place + length)}
      </mark>,
    );
    from = place + length;
  });
  out.push(text.slice(from));
  return out;
}
