// In the run bar, whose room is free while nothing runs: that an open transaction rests and what that costs, or that it
// is gone with its session.
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { useNow } from "../../../lib/clock";
import { age } from "../../../lib/format";
import type { Tab } from "../../../lib/state/consoles";

/** Milliseconds after which a transaction that rests is worth a word. */
export const RESTS_TOO_LONG = 60_000;

export function TransactionNote({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  const idleSince = tab.transaction?.idle_since ?? null;
  const now = useNow(idleSince === null ? null : 1000);
  const idle = idleSince === null ? 0 : now - idleSince;
  const text = tab.lost
    ? t("transaction.lost", { reason: tab.lost })
    : idle >= RESTS_TOO_LONG
      ? t("transaction.idle", { time: age(idle) })
      : null;
  return (
    <>
      {text && (
        <span
          className={`state clip tx__note ${tab.lost ? "state--bad" : "state--warn"}`}
          title={text}
          data-testid="transaction-note"
        >
          <Icon name="alert" size="sm" />
          <span className="clip">{text}</span>
        </span>
      )}
      {/* Said once, without the time that ticks. */}
      <span className="sr" role="status">
        {tab.lost ? text : idle >= RESTS_TOO_LONG ? t("transaction.idleSaid") : ""}
      </span>
    </>
  );
}
