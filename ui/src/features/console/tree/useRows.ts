// The rows of a tree or a search that are looked at, asked for by the page. What is shown stays until what replaces it is
// there, so that nothing blinks.
import { useEffect, useRef, useState } from "react";
import { backend } from "../../../ipc/backend";
import type { ObjectRow, ObjectRowsRequest } from "../../../ipc/contract";

export const PAGE = 100;

type Question = Pick<ObjectRowsRequest, "target" | "open" | "search">;

interface Shown {
  /** What was asked. */
  key: string;
  total: number;
  pages: Map<number, ObjectRow[]>;
}

const nothing: Shown = { key: "", total: 0, pages: new Map() };

export interface RowsShown {
  total: number;
  at: (index: number) => ObjectRow | undefined;
  /** The answer is to what is asked now. */
  current: boolean;
}

/** `version` changes when the same question may have another answer. */
export function useRows(question: Question, version: string, first: number, last: number): RowsShown {
  const key = `${version} ${JSON.stringify(question)}`;
  const [shown, setShown] = useState(nothing);
  const asked = useRef(new Set<string>());
  const latest = useRef(key);
  latest.current = key;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the question
  useEffect(() => {
    const from = Math.floor(first / PAGE);
    const to = Math.floor(Math.max(first, last) / PAGE);
    const known = shown.key === key ? shown.pages : nothing.pages;
    for (let page = from; page <= to; page++) {
      const name = `${page} ${key}`;
      if (known.has(page) || asked.current.has(name)) continue;
      asked.current.add(name);
      backend()
        .call("objects_rows", { ...question, first: page * PAGE, count: PAGE })
        .then(
          ({ total, rows }) => {
            if (latest.current !== key) return;
            setShown((before) => {
              const pages = new Map(before.key === key ? before.pages : []);
              return { key, total, pages: pages.set(page, rows) };
            });
          },
          // The state of the catalogue says what is wrong; here there is nothing to show.
          () => {},
        )
        .finally(() => asked.current.delete(name));
    }
  }, [key, first, last, shown.key]);

  return {
    total: shown.total,
    at: (index) => shown.pages.get(Math.floor(index / PAGE))?.[index % PAGE],
    current: shown.key === key,
  };
}
