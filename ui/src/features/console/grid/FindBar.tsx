// Finding a text in the whole result, or in the rows that are left of it: the next, the one before, how many rows.
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { keys } from "../../../components/Keys";
import { asFailure, backend } from "../../../ipc/backend";
import type { CellPlace, Failure, Filter, Found } from "../../../ipc/contract";
import { explain } from "../../../lib/failure";
import { count } from "../../../lib/format";
import { isComposing } from "../../../lib/ime";
import { followed, newTask, type Progress, stopTask } from "./tasks";
import { percent } from "./ViewStrip";
import type { ViewSpec } from "./view-spec";

interface Props {
  result: string;
  view: string | null;
  spec: ViewSpec;
  /** Where the keys are, to search on from. */
  from: () => CellPlace | null;
  onFound: (found: Found) => void;
  onHit: (hit: ((text: string) => boolean) | null) => void;
  onKeepRows: (filter: Filter) => void;
  onClose: () => void;
  /** Hands out what F3 does. */
  step: { current: ((back: boolean) => void) | null };
  /** Grows with each Ctrl+F: the field is focused again. */
  asked: number;
}

type State =
  | { now: "idle" }
  | { now: "searching"; task: string; progress: Progress | null }
  | { now: "found"; wrapped: boolean }
  | { now: "nothing" }
  | { now: "failed"; failure: Failure };

type Counted =
  | { now: "unknown" }
  | { now: "counting"; task: string; progress: Progress | null }
  | { now: "rows"; rows: number };

/** A pause in typing. */
const REST_MS = 350;

export function FindBar(props: Props) {
  const { result, view, spec, onHit } = props;
  const { t } = useTranslation();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [regex, setRegex] = useState(false);
  const [matchCase, setMatchCase] = useState(false);
  const [state, setState] = useState<State>({ now: "idle" });
  const [counted, setCounted] = useState<Counted>({ now: "unknown" });
  const running = useRef<string | null>(null);
  const counting = useRef<string | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again, focus again
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, [props.asked]);

  const stop = useCallback(() => {
    for (const task of [running.current, counting.current]) if (task) void stopTask(task).catch(() => {});
    running.current = null;
    counting.current = null;
  }, []);

  // What was found belongs to these words in these rows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words and the rows are what it is about
  useEffect(() => {
    setState({ now: "idle" });
    setCounted({ now: "unknown" });
    onHit(text === "" ? null : hitOf(text, regex, matchCase));
    const timer = text === "" ? undefined : setTimeout(() => void countRows(), REST_MS);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [text, regex, matchCase, result, view]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: on the way out only
  useEffect(() => () => onHit(null), []);

  const filter: Filter = { column: null, test: regex ? "matches" : "contains", value: text, match_case: matchCase };

  /** How many rows match is what a view of them would show. */
  async function countRows() {
    const task = newTask("count");
    counting.current = task;
    setCounted({ now: "counting", task, progress: null });
    const mine = () => counting.current === task;
    try {
      const made = await followed(
        task,
        (progress) => mine() && setCounted({ now: "counting", task, progress }),
        () => backend().call("result_view", { result, task, sort: [], filters: [...spec.filters, filter] }),
      );
      void backend()
        .call("result_view_close", made.id)
        .catch(() => {});
      if (mine()) setCounted({ now: "rows", rows: made.rows });
    } catch (reason) {
      if (!mine()) return;
      setCounted({ now: "unknown" });
      const failure = asFailure(reason);
      if (failure.code !== "canceled") setState({ now: "failed", failure });
    }
  }

  async function find(back: boolean) {
    if (text === "") return;
    if (running.current) void stopTask(running.current).catch(() => {});
    const task = newTask("find");
    running.current = task;
    setState({ now: "searching", task, progress: null });
    const mine = () => running.current === task;
    try {
      const found = await followed(
        task,
        (progress) => mine() && setState({ now: "searching", task, progress }),
        () =>
          backend().call("result_find", {
            result,
            ...(view ? { view } : {}),
            task,
            text,
            regex,
            match_case: matchCase,
            column: null,
            from: props.from(),
            backwards: back,
          }),
      );
      if (!mine()) return;
      running.current = null;
      if (!found) return setState({ now: "nothing" });
      setState({ now: "found", wrapped: found.wrapped });
      props.onFound(found);
    } catch (reason) {
      if (!mine()) return;
      running.current = null;
      const failure = asFailure(reason);
      setState(failure.code === "canceled" ? { now: "idle" } : { now: "failed", failure });
    }
  }
  props.step.current = (back) => void find(back);

  return (
    <search className="findbar" aria-label={t("console.find")} data-testid="find-bar">
      <span className={`input input--sm findbar__field${state.now === "failed" ? " is-bad" : ""}`}>
        <Icon name="search" />
        <input
          ref={field}
          className="input__text"
          value={text}
          placeholder={t("console.findHint")}
          aria-label={t("console.find")}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (isComposing(event)) return;
            if (event.key === "Enter") void find(event.shiftKey);
            else if (event.key === "F3") void find(event.shiftKey);
            else if (event.key === "Escape") props.onClose();
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
          data-testid="find-text"
        />
      </span>
      <Toggle on={matchCase} label={t("console.matchCase")} text="Aa" onChange={setMatchCase} />
      <Toggle on={regex} label={t("console.findRegex")} text=".*" onChange={setRegex} />
      <span className="findbar__said num" role="status" data-testid="find-said">
        {said()}
      </span>
      {(state.now === "searching" || counted.now === "counting") && (
        <button
          type="button"
          className="btn btn--sm btn--ghost"
          onClick={() => {
            stop();
            setState({ now: "idle" });
            setCounted({ now: "unknown" });
          }}
          data-testid="find-stop"
        >
          {t("console.stop")}
        </button>
      )}
      {counted.now === "rows" && counted.rows > 0 && (
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("console.keepFound")}
          title={t("console.keepFound")}
          onClick={() => props.onKeepRows(filter)}
          data-testid="find-keep"
        >
          <Icon name="filter" />
        </button>
      )}
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("console.findBack")}
        title={`${t("console.findBack")}  ${keys("Shift F3")}`}
        disabled={text === ""}
        onClick={() => void find(true)}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("console.findNext")}
        title={`${t("console.findNext")}  ${keys("F3")}`}
        disabled={text === ""}
        onClick={() => void find(false)}
        data-testid="find-next"
      >
        <Icon name="down" />
      </button>
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("console.findClose")}
        title={t("console.findClose")}
        onClick={props.onClose}
      >
        <Icon name="x" />
      </button>
    </search>
  );

  function said(): string {
    if (text === "") return "";
    if (state.now === "failed") return explain(state.failure, t).what;
    if (state.now === "searching") return withPercent(t("console.searching"), state.progress);
    if (state.now === "nothing") return t("console.noPlace");
    const rows =
      counted.now === "rows"
        ? t("console.foundRows", { count: counted.rows, n: count(counted.rows) })
        : counted.now === "counting"
          ? withPercent(t("console.counting"), counted.progress)
          : "";
    return state.now === "found" && state.wrapped ? `${t("console.wrapped")} ${rows}` : rows;
  }
}

function withPercent(words: string, progress: Progress | null): string {
  const done = percent(progress);
  return done === null ? words : `${words} ${done} %`;
}

/** The same question for the cells on the screen. Patterns of Rust and of the page differ a little; it is only a mark. */
export function hitOf(text: string, regex: boolean, matchCase: boolean): ((cell: string) => boolean) | null {
  if (regex) {
    try {
      const pattern = new RegExp(text, matchCase ? "u" : "iu");
      return (cell) => pattern.test(cell);
    } catch {
      return null;
    }
  }
  if (matchCase) return (cell) => cell.includes(text);
  const wanted = text.toLowerCase();
  return (cell) => cell.toLowerCase().includes(wanted);
}

interface ToggleProps {
  on: boolean;
  label: string;
  text: string;
  onChange: (on: boolean) => void;
}

function Toggle({ on, label, text, onChange }: ToggleProps) {
  return (
    <button
      type="button"
      className={`findbar__toggle${on ? " is-on" : ""}`}
      aria-pressed={on}
      aria-label={label}
      title={label}
      onClick={() => onChange(!on)}
    >
      {text}
    </button>
  );
}
