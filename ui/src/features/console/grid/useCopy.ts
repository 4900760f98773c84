// Copying what is selected, with its progress and its limits said in words.
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { asFailure, backend } from "../../../ipc/backend";
import type { Column } from "../../../ipc/contract";
import { bytes, count } from "../../../lib/format";
import { useToasts } from "../../../lib/state/toasts";
import { CopyRefused, copyText, MOST_ROWS, type Range, type Refusal, type Rows } from "./copying";
import type { CopyFormat, CopyOptions } from "./formats";

export interface Copying {
  done: number;
  all: number;
  stop: () => void;
}

/** Fewer rows are copied before anybody could read that it goes on. */
const WORTH_SAYING = 5000;

export function useCopy(rows: Rows, columns: Column[]) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState<Copying | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const copy = useCallback(
    async (range: Range, format: CopyFormat, options: CopyOptions) => {
      running.current?.abort();
      const own = new AbortController();
      running.current = own;
      const stop = () => own.abort();
      const progress = (done: number) => {
        if (range.count >= WORTH_SAYING && !own.signal.aborted) setBusy({ done, all: range.count, stop });
      };
      const toasts = useToasts.getState();
      try {
        const { text, nulls } = await copyText(rows, range, columns, format, options, own.signal, progress);
        await backend().clipboard.write(text);
        const cells = range.count * range.sources.length;
        const said = t("console.copiedCells", { count: cells, n: count(cells) });
        toasts.tell(nulls > 0 ? `${said}. ${t("console.copiedNulls", { count: nulls, n: count(nulls) })}` : said);
      } catch (reason) {
        if (own.signal.aborted) toasts.tell(t("console.copyStopped"));
        else if (reason instanceof CopyRefused) toasts.tell(refusal(reason.why));
        else toasts.fail(asFailure(reason));
      } finally {
        if (running.current === own) {
          running.current = null;
          setBusy(null);
        }
      }

      function refusal(why: Refusal): string {
        switch (why.kind) {
          case "rows":
            return t("console.copyTooMuch", { rows: count(why.rows), most: count(MOST_ROWS) });
          case "size":
            return t("console.copyTooLarge");
          case "cell":
            return t("console.copyCellTooLarge", {
              column: columns[why.source]?.name ?? "",
              row: count(why.row + 1),
              size: bytes(why.bytes),
            });
          case "ended":
            return t("console.copyEnded", { rows: count(why.rows) });
        }
      }
    },
    [rows, columns, t],
  );
  return { copy, busy };
}
