// What was run here before: found by words, opened in a tab, run again, forgotten.
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { Empty } from "../../../components/Empty";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { PopupMenu } from "../../../components/PopupMenu";
import { Select } from "../../../components/Select";
import { asFailure, backend } from "../../../ipc/backend";
import type { Failure, ForgetHistory, HistoryEntry, HistoryOutcome, HistoryPage } from "../../../ipc/contract";
import { useNow } from "../../../lib/clock";
import { bytes, count, moment, oneLine, took } from "../../../lib/format";
import { isComposing } from "../../../lib/ime";
import { useConsoles } from "../../../lib/state/consoles";
import { useDatabases } from "../../../lib/state/databases";
import { useNavigation } from "../../../lib/state/navigation";
import { useToasts } from "../../../lib/state/toasts";
import "./history.css";

/** Entries of one page. */
const PAGE = 100;
/** How long typing rests before it is searched for. */
const REST = 150;

const dots = {
  running: "dot dot--run",
  done: "dot dot--ok",
  failed: "dot dot--bad",
  canceled: "dot dot--ring",
  unknown: "dot dot--warn",
} as const satisfies Record<HistoryOutcome, string>;

const fail = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

export function HistoryPanel() {
  const { t } = useTranslation();
  const [words, setWords] = useState("");
  const [database, setDatabase] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [page, setPage] = useState<HistoryPage | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [kept, setKept] = useState(true);
  const [at, setAt] = useState(0);
  const [menu, setMenu] = useState<{ x: number; y: number } | null>(null);
  const [forgetting, setForgetting] = useState<ForgetHistory | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const asked = useRef(0);
  const now = useNow(60_000);
  const databases = useDatabases((state) => state.list);

  const ask = useCallback(
    async (before: HistoryEntry | undefined, limit: number) => {
      asked.current += 1;
      const mine = asked.current;
      try {
        const answer = await backend().call("history_list", {
          words,
          database,
          failed,
          before: before?.id ?? null,
          limit,
        });
        if (mine !== asked.current) return;
        setFailure(null);
        setPage((known) => (before && known ? { ...answer, entries: [...known.entries, ...answer.entries] } : answer));
      } catch (reason) {
        if (mine === asked.current) setFailure(asFailure(reason));
      }
    },
    [words, database, failed],
  );

  // As many as are shown already: what is new moves nothing away that one looks at.
  const shown = useRef(0);
  shown.current = page?.entries.length ?? 0;
  useEffect(() => {
    const later = setTimeout(() => void ask(undefined, PAGE), words === "" ? 0 : REST);
    return () => clearTimeout(later);
  }, [ask, words]);
  useEffect(
    () => backend().on("history_changed", () => void ask(undefined, Math.min(500, Math.max(PAGE, shown.current)))),
    [ask],
  );
  useEffect(() => {
    backend()
      .call("console_remembering", null)
      .then(({ history }) => setKept(history))
      .catch(fail);
  }, []);

  const entries = page?.entries ?? [];
  const open = (entry: HistoryEntry, run: boolean) => {
    if (!entry.partial) useConsoles.getState().openEntry(entry, run).catch(fail);
  };
  const forget = (what: ForgetHistory) => {
    setForgetting(null);
    backend().call("history_forget", what).catch(fail);
  };
  const focus = (index: number) => {
    const next = Math.min(entries.length - 1, Math.max(0, index));
    setAt(next);
    list.current?.querySelector<HTMLElement>(`[data-at="${next}"]`)?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const entry = entries[at];
    if (isComposing(event) || !entry) return;
    const mod = event.ctrlKey || event.metaKey;
    if (event.key === "ArrowDown") focus(at + 1);
    else if (event.key === "ArrowUp") focus(at - 1);
    else if (event.key === "Home") focus(0);
    else if (event.key === "End") focus(entries.length - 1);
    else if (event.key === "Enter" && mod) open(entry, true);
    else if (event.key === "Delete") {
      forget({ what: "entry", id: entry.id });
      focus(Math.max(0, at - 1));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const names = [...new Set([...(databases ?? []).map(({ name }) => name), ...(database ? [database] : [])])].sort();
  const filtered = words.trim() !== "" || database !== null || failed;

  return (
    <section className="hist" aria-label={t("history.title")} data-testid="history">
      <div className="hist__bar">
        <span className="input input--sm hist__search">
          <Icon name="search" />
          <input
            className="input__text"
            type="search"
            value={words}
            placeholder={t("history.search")}
            aria-label={t("history.search")}
            onChange={(event) => setWords(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== "ArrowDown" || isComposing(event)) return;
              event.preventDefault();
              focus(0);
            }}
            data-testid="history-search"
          />
        </span>
        <Select
          small
          aria-label={t("history.database")}
          value={database ?? ""}
          onChange={(event) => setDatabase(event.target.value === "" ? null : event.target.value)}
          data-testid="history-database"
        >
          <option value="">{t("history.allDatabases")}</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Select>
        <label className="row hist__failed">
          <input
            type="checkbox"
            className="check"
            checked={failed}
            onChange={(event) => setFailed(event.target.checked)}
          />
          {t("history.onlyFailed")}
        </label>
        <span className="spacer" />
        <button
          type="button"
          className="btn btn--sm btn--ghost"
          disabled={page === null || page.kept === 0}
          aria-haspopup="menu"
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setMenu({ x: box.left, y: box.bottom + 2 });
          }}
          data-testid="history-forget"
        >
          {t("history.forgetDots")}
        </button>
      </div>
      {(page?.trouble || !kept) && (
        <p className="hist__note">
          <Icon name="alert" size="sm" />
          <span>
            {page?.trouble ? t("history.trouble", { reason: page.trouble }) : t("history.off")}{" "}
            {!kept && (
              <button type="button" className="linkish" onClick={() => useNavigation.getState().go("settings")}>
                {t("history.toSettings")}
              </button>
            )}
          </span>
        </p>
      )}
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={() => void ask(undefined, PAGE)} />
        </div>
      )}
      {page && entries.length === 0 && !failure ? (
        <Empty
          icon="clock"
          title={t(filtered ? "history.noMatch" : "history.emptyTitle")}
          text={t(filtered ? "history.noMatchText" : "history.emptyText")}
        />
      ) : (
        <ul className="hist__list" ref={list} onKeyDown={onKey}>
          {entries.map((entry, index) => (
            <Row
              key={entry.id}
              entry={entry}
              index={index}
              on={index === at}
              now={now}
              onOn={() => setAt(index)}
              onOpen={(run) => open(entry, run)}
              onForget={() => forget({ what: "entry", id: entry.id })}
            />
          ))}
          {page?.more && (
            <li className="hist__more">
              <button
                type="button"
                className="btn btn--sm"
                onClick={() => void ask(entries[entries.length - 1], PAGE)}
                data-testid="history-more"
              >
                {t("history.more")}
              </button>
            </li>
          )}
        </ul>
      )}
      {page && (
        <div className="gridfoot hist__foot num">
          <span data-testid="history-kept">
            {t("history.kept", { count: page.kept, n: count(page.kept), size: bytes(page.bytes) })}
          </span>
          <span className="faint clip" title={t("history.private")}>
            {t("history.limit", { n: count(page.most), size: bytes(page.most_bytes) })} {t("history.private")}
          </span>
        </div>
      )}
      {menu && (
        <PopupMenu
          label={t("history.forgetDots")}
          at={menu}
          entries={[
            ...(database
              ? [
                  {
                    id: "database",
                    label: t("history.forgetOf", { database }),
                    run: () => setForgetting({ what: "database", name: database }),
                  },
                ]
              : []),
            { id: "all", label: t("history.forgetAll"), run: () => setForgetting({ what: "everything" }) },
          ]}
          onClose={() => setMenu(null)}
          testId="history-menu"
        />
      )}
      {forgetting && (
        <Dialog
          title={
            forgetting.what === "database"
              ? t("history.forgetOf", { database: forgetting.name })
              : t("history.forgetAll")
          }
          role="alertdialog"
          onClose={() => setForgetting(null)}
          testId="history-confirm"
          foot={
            <>
              <button type="button" className="btn" data-autofocus onClick={() => setForgetting(null)}>
                {t("common.goBack")}
              </button>
              <button
                type="button"
                className="btn btn--danger"
                onClick={() => forget(forgetting)}
                data-testid="history-confirm-forget"
              >
                {t("history.forget")}
              </button>
            </>
          }
        >
          <p>{t("history.forgetText")}</p>
        </Dialog>
      )}
    </section>
  );
}

interface RowProps {
  entry: HistoryEntry;
  index: number;
  on: boolean;
  now: number;
  onOn: () => void;
  onOpen: (run: boolean) => void;
  onForget: () => void;
}

function Row({ entry, index, on, now, onOn, onOpen, onForget }: RowProps) {
  const { t } = useTranslation();
  const { target, outcome } = entry;
  const stops = on ? 0 : -1;
  return (
    <li className={on ? "hist__row is-on" : "hist__row"} onFocus={onOn}>
      <button
        type="button"
        className="hist__open"
        tabIndex={stops}
        title={entry.sql}
        onClick={() => onOpen(false)}
        aria-keyshortcuts="Enter Control+Enter Delete"
        data-at={index}
        data-testid={`history-row-${index}`}
        data-outcome={outcome}
      >
        <span className="hist__when num">
          <i className={dots[outcome]} />
          <span className="sr">{t(`history.outcomes.${outcome}`)}</span>
          {moment(entry.at, now)}
        </span>
        <span className="hist__sql mono clip">{oneLine(entry.sql)}</span>
        <span className="hist__where clip">
          {target.database} · {target.db_name} · {target.db_user}
        </span>
        <span className="hist__how num clip">{how()}</span>
      </button>
      <span className="hist__do">
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          tabIndex={stops}
          aria-label={t("history.again")}
          title={entry.partial ? t("history.partial") : t("history.again")}
          disabled={entry.partial}
          onClick={() => onOpen(true)}
          data-testid={`history-run-${index}`}
        >
          <Icon name="play" />
        </button>
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          tabIndex={stops}
          aria-label={t("history.forget")}
          title={t("history.forget")}
          onClick={onForget}
          data-testid={`history-forget-${index}`}
        >
          <Icon name="x" />
        </button>
      </span>
    </li>
  );

  /** What came of it: rows and time, or why it failed. */
  function how(): string {
    if (outcome === "failed") return [entry.sqlstate, entry.message].filter(Boolean).join(" ");
    if (outcome !== "done") return t(`history.outcomes.${outcome}`);
    const rows =
      entry.rows === null ? (entry.tag ?? "") : t("history.rows", { count: entry.rows, n: count(entry.rows) });
    return [rows, entry.elapsed_ms === null ? "" : took(entry.elapsed_ms)].filter(Boolean).join(", ");
  }
}
