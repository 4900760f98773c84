// A plot of all rows of a result, or of those that its filters leave: what is drawn over what, the drawing, what it leaves out.
import type { TFunction } from "i18next";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../../components/Empty";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { Select } from "../../../components/Select";
import { asFailure, backend } from "../../../ipc/backend";
import type {
  Failure,
  Plot,
  PlotChoices,
  PlotMeasure,
  PlotRole,
  PlotScale,
  PlotSpec,
  ResultInfo,
} from "../../../ipc/contract";
import { copy } from "../../../lib/clipboard";
import { count } from "../../../lib/format";
import { newTask, type Progress, stopTask, takeOver } from "../grid/tasks";
import { percent, ViewStrip } from "../grid/ViewStrip";
import { useView } from "../grid/views";
import { Chart } from "./Chart";
import { draw, type PlotWords, table } from "./marks";
import { type Axes, axesOf, fitting, kinds, specOf } from "./spec";
import "./plot.css";

type State =
  | { now: "making"; progress: Progress | null; before: Plot | null }
  | { now: "there"; plot: Plot }
  | { now: "stopped" }
  | { now: "failed"; failure: Failure };

/** What a person chose for a result stays while it is looked at as rows. */
const chosen = new Map<string, Axes>();

export function PlotPane({ result }: { result: ResultInfo }) {
  const { t } = useTranslation();
  const [choices, setChoices] = useState<PlotChoices | null>(null);
  const [axes, setAxes] = useState<Axes | null>(() => chosen.get(result.id) ?? null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [asked, setAsked] = useState(0);
  const shown = useView(result.id);
  const { id, complete } = result;

  // biome-ignore lint/correctness/useExhaustiveDependencies: asked asks again
  useEffect(() => {
    let current = true;
    backend()
      .call("plot_choices", { result: id, task: newTask("choices") })
      .then((answer) => {
        if (!current) return;
        setChoices(answer);
        setFailure(null);
        setAxes((before) => before ?? (answer.suggestion ? axesOf(answer.suggestion) : null));
      })
      .catch((reason) => current && setFailure(asFailure(reason)));
    return () => {
      current = false;
    };
  }, [id, complete, asked]);

  const choose = (next: Axes) => {
    chosen.set(id, next);
    setAxes(next);
  };

  return (
    <div className="plot" data-testid="plot">
      <ViewStrip result={result} view={shown} />
      {failure && (
        <div className="strip-failure">
          <FailureNote failure={failure} onRetry={() => setAsked(asked + 1)} />
        </div>
      )}
      {choices && !axes && <Empty icon="stats" title={t("plot.nothingTitle")} text={t("plot.nothingText")} />}
      {choices && axes && (
        <Body result={result} view={shown.view?.id ?? null} roles={choices.roles} axes={axes} onAxes={choose} />
      )}
    </div>
  );
}

interface BodyProps {
  result: ResultInfo;
  view: string | null;
  roles: PlotRole[];
  axes: Axes;
  onAxes: (axes: Axes) => void;
}

function Body({ result, view, roles, axes, onAxes }: BodyProps) {
  const { t } = useTranslation();
  const area = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 800, height: 320 });
  const [asTable, setAsTable] = useState(false);
  const [state, setState] = useState<State>({ now: "making", progress: null, before: null });
  const [again, setAgain] = useState(0);
  const task = useRef<string | null>(null);

  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    const measure = () => setSize({ width: box.clientWidth, height: box.clientHeight });
    measure();
    if (typeof ResizeObserver === "undefined") return;
    const watch = new ResizeObserver(measure);
    watch.observe(box);
    return () => watch.disconnect();
  }, []);

  // In steps, so that a window that is being resized asks a few times and not at each pixel.
  const across = Math.min(1_600, Math.max(200, Math.ceil(size.width / 200) * 200));
  const spec = fitting(axes, roles) ? specOf(axes, across) : null;
  const wanted = JSON.stringify(spec);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text stands for the spec; complete and again ask anew
  useEffect(() => {
    if (!spec) return;
    const before = (state: State) =>
      state.now === "there" ? state.plot : state.now === "making" ? state.before : null;
    setState((state) => ({ now: "making", progress: null, before: before(state) }));
    return takeOver(
      "plot",
      task,
      (own) => backend().call("result_plot", { result: result.id, view, task: own, spec }),
      {
        progress: (progress) => setState((state) => (state.now === "making" ? { ...state, progress } : state)),
        done: (plot) => setState({ now: "there", plot }),
        stopped: () => setState({ now: "stopped" }),
        failed: (failure) => setState({ now: "failed", failure }),
      },
    );
  }, [result.id, result.complete, view, wanted, again]);

  const name = (column: number) => result.columns[column]?.name ?? "";
  const words: PlotWords = {
    x: xName(axes, name),
    y: yName(axes, name, t),
    name,
    rows: t("plot.rowsFact"),
    least: t("plot.least"),
    greatest: t("plot.greatest"),
    nothing: t("plot.noValue"),
    null: "NULL",
    empty: t("plot.emptyText"),
    others: (groups) => t("plot.others", { groups }),
  };
  const plot = state.now === "there" ? state.plot : state.now === "making" ? state.before : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words follow from the axes and the language
  const drawing = useMemo(
    () => plot && draw(plot, words, size.width, Math.max(120, size.height)),
    [plot, size.width, size.height, words.x, words.y, words.others],
  );
  const lying = plot?.shape.kind === "bars";
  const listed = drawing && asTable ? table(drawing.marks, words.x || words.y) : null;
  const copyTable = () => {
    if (!drawing) return;
    const { head, rows } = table(drawing.marks, words.x || words.y);
    void copy([head, ...rows].map((row) => row.map(oneCell).join("\t")).join("\n"), t("plot.numbers"));
  };

  return (
    <>
      <div className="plot__bar">
        <Select
          aria-label={t("plot.kind")}
          small
          value={axes.kind}
          onChange={(event) => onAxes({ ...axes, kind: event.target.value as PlotSpec["kind"] })}
          data-testid="plot-kind"
        >
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {t(`plot.${kind}`)}
            </option>
          ))}
        </Select>
        <AxisChoices result={result} roles={roles} axes={axes} onAxes={onAxes} />
        <span className="spacer" />
        {state.now === "making" && state.progress && (
          <span className="plot__busy num" role="status">
            {t("plot.making")}
            {percent(state.progress) !== null && ` ${percent(state.progress)} %`}
            <button
              type="button"
              className="btn btn--sm btn--danger-quiet"
              onClick={() => task.current && stopTask(task.current).catch(() => {})}
            >
              {t("console.stop")}
            </button>
          </span>
        )}
        <button
          type="button"
          className={asTable ? "btn btn--sm is-pressed" : "btn btn--sm btn--ghost"}
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
          data-testid="plot-table-switch"
        >
          <Icon name="table" />
          <span className="hide-narrow">{t("plot.table")}</span>
        </button>
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("plot.copy")}
          title={t("plot.copy")}
          disabled={!drawing}
          onClick={copyTable}
          data-testid="plot-copy"
        >
          <Icon name="copy" />
        </button>
      </div>
      {state.now === "failed" && (
        <div className="strip-failure">
          <FailureNote failure={state.failure} onRetry={() => setAgain(again + 1)} />
        </div>
      )}
      <div
        className={lying || asTable ? "plot__area is-long" : "plot__area"}
        ref={area}
        data-state={spec ? state.now : "choosing"}
      >
        {!spec && <p className="results__wait faint">{t("plot.choose")}</p>}
        {state.now === "stopped" && (
          <p className="results__wait faint">
            {t("plot.stopped")}{" "}
            <button type="button" className="btn btn--sm" onClick={() => setAgain(again + 1)}>
              {t("plot.again")}
            </button>
          </p>
        )}
        {spec && drawing && listed && (
          <table className="table plot__table num" data-testid="plot-table">
            <thead>
              <tr>
                {listed.head.map((head) => (
                  <th key={head}>{head}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {listed.rows.map((row, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows never change places
                <tr key={index}>
                  {row.map((cell, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: nor do cells
                    <td key={at} className="clip selectable">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {spec && drawing && !asTable && plot && drawing.marks.length === 0 && (
          <p className="results__wait faint">{t("plot.noValues")}</p>
        )}
        {spec && drawing && !asTable && drawing.marks.length > 0 && (
          <Chart
            drawing={drawing}
            lying={lying}
            label={t("plot.label", { kind: t(`plot.${axes.kind}`), x: words.x, y: words.y })}
            xName={words.x}
            yName={words.y}
          />
        )}
      </div>
      {plot && spec && <Notes plot={plot} axes={axes} name={name} />}
    </>
  );
}

/** Under the drawing: of how many rows it is, what it leaves out, and how it makes much into little. */
function Notes({ plot, axes, name }: { plot: Plot; axes: Axes; name: (column: number) => string }) {
  const { t } = useTranslation();
  const { shape } = plot;
  const notes: string[] = [t("plot.ofRows", { count: plot.rows, n: count(plot.rows) })];
  if (plot.null > 0) notes.push(t("plot.nulls", { count: plot.null, n: count(plot.null) }));
  if (plot.unreadable > 0) notes.push(t("plot.unreadable", { count: plot.unreadable, n: count(plot.unreadable) }));
  if (plot.infinite > 0) notes.push(t("plot.infinite", { count: plot.infinite, n: count(plot.infinite) }));
  if (shape.kind === "density") notes.push(t("plot.density"));
  if (shape.kind === "lines" && shape.series.some(({ points }) => points.some(({ rows }) => rows > 1)))
    notes.push(t("plot.means"));
  if (shape.kind === "bars" && !shape.exact) notes.push(t("plot.inexact"));
  const scales: PlotScale[] = [plot.x, plot.y];
  if (scales.includes("moment")) notes.push(t("plot.utc"));
  return (
    <div className="gridfoot plot__foot num" data-testid="plot-notes">
      {axes.kind === "line" && axes.lines.length > 1 && (
        <span className="plot__legend">
          {axes.lines.map((column, index) => (
            <span key={column} className={`chart__line--${index % 4}`}>
              <i />
              {name(column)}
            </span>
          ))}
        </span>
      )}
      <span className="clip" title={notes.join(" ")}>
        {notes.join(" ")}
      </span>
    </div>
  );
}

function AxisChoices({ result, roles, axes, onAxes }: Omit<BodyProps, "view">) {
  const { t } = useTranslation();
  const measured = columnsOf(result, roles, ["number", "time"]);
  const numbers = columnsOf(result, roles, ["number"]);
  const all = columnsOf(result, roles, ["number", "time", "text"]);
  const line = (at: number, column: number | null) => {
    const lines = axes.lines.filter((_, index) => index !== at);
    if (column !== null) lines.splice(at, 0, column);
    onAxes({ ...axes, lines: [...new Set(lines)] });
  };
  switch (axes.kind) {
    case "line": {
      const more = numbers.filter(([column]) => !axes.lines.includes(column));
      return (
        <>
          <Pick
            label={t("plot.over")}
            value={axes.x}
            columns={measured}
            onPick={(x) => onAxes({ ...axes, x })}
            id="x"
          />
          {axes.lines.map((column, at) => (
            <Pick
              key={column}
              label={at === 0 ? t("plot.value") : t("plot.and")}
              value={column}
              columns={at === 0 ? numbers : [[-1, t("plot.remove")], ...numbers]}
              onPick={(next) => line(at, next < 0 ? null : next)}
              id={`y${at}`}
            />
          ))}
          {more.length > 0 && axes.lines.length > 0 && axes.lines.length < 4 && (
            <Pick
              label={t("plot.and")}
              value={-1}
              columns={[[-1, t("plot.another")], ...more]}
              onPick={(next) => onAxes({ ...axes, lines: [...axes.lines, next] })}
              id="more"
            />
          )}
          {axes.lines.length === 0 && (
            <Pick label={t("plot.value")} value={-1} columns={numbers} onPick={(next) => line(0, next)} id="y0" />
          )}
        </>
      );
    }
    case "bar":
      return (
        <>
          <Pick
            label={t("plot.groups")}
            value={axes.category}
            columns={all}
            onPick={(category) => onAxes({ ...axes, category })}
            id="category"
          />
          <span className="plot__pick">
            <span className="faint hide-narrow" aria-hidden="true">
              {t("plot.measure")}
            </span>
            <Select
              small
              aria-label={t("plot.measure")}
              value={axes.measure}
              onChange={(event) => onAxes({ ...axes, measure: event.target.value as PlotMeasure })}
              data-testid="plot-measure"
            >
              {(["count", "sum", "average", "least", "greatest"] as const).map((measure) => (
                <option key={measure} value={measure}>
                  {t(`plot.measures.${measure}`)}
                </option>
              ))}
            </Select>
          </span>
          {axes.measure !== "count" && (
            <Pick
              label={t("plot.value")}
              value={axes.value}
              columns={axes.measure === "sum" ? numbers : measured}
              onPick={(value) => onAxes({ ...axes, value })}
              id="value"
            />
          )}
        </>
      );
    case "scatter":
      return (
        <>
          <Pick
            label={t("plot.over")}
            value={axes.x}
            columns={measured}
            onPick={(x) => onAxes({ ...axes, x })}
            id="x"
          />
          <Pick
            label={t("plot.value")}
            value={axes.y}
            columns={measured}
            onPick={(y) => onAxes({ ...axes, y })}
            id="y"
          />
        </>
      );
    case "histogram":
      return (
        <Pick
          label={t("plot.value")}
          value={axes.column}
          columns={measured}
          onPick={(column) => onAxes({ ...axes, column })}
          id="column"
        />
      );
  }
}

interface PickProps {
  label: string;
  value: number;
  columns: Array<[number, string]>;
  onPick: (column: number) => void;
  id: string;
}

function Pick({ label, value, columns, onPick, id }: PickProps) {
  const { t } = useTranslation();
  const known = columns.some(([column]) => column === value);
  return (
    <span className="plot__pick">
      <span className="faint hide-narrow" aria-hidden="true">
        {label}
      </span>
      <Select
        small
        aria-label={label}
        value={known ? value : ""}
        onChange={(event) => onPick(Number(event.target.value))}
        data-testid={`plot-${id}`}
      >
        {!known && <option value="">{t("plot.pick")}</option>}
        {columns.map(([column, name]) => (
          <option key={column} value={column}>
            {name}
          </option>
        ))}
      </Select>
    </span>
  );
}

function columnsOf(result: ResultInfo, roles: PlotRole[], wanted: PlotRole[]): Array<[number, string]> {
  return result.columns.flatMap(({ name }, index) => {
    const role = roles[index];
    return role && wanted.includes(role) ? [[index, name] as [number, string]] : [];
  });
}

function xName(axes: Axes, name: (column: number) => string): string {
  if (axes.kind === "bar") return name(axes.category);
  return axes.kind === "histogram" ? name(axes.column) : name(axes.x);
}

function yName(axes: Axes, name: (column: number) => string, t: TFunction): string {
  switch (axes.kind) {
    case "line":
      return axes.lines.map(name).join(", ");
    case "scatter":
      return name(axes.y);
    case "histogram":
      return t("plot.rowsFact");
    case "bar":
      return axes.measure === "count"
        ? t("plot.rowsFact")
        : `${t(`plot.measures.${axes.measure}`)} ${name(axes.value)}`;
  }
}

function oneCell(text: string): string {
  return text.replace(/[\t\r\n]+/g, " ");
}
