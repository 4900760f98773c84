// What to export and how. Where to is asked by the system's own dialog, which the shell opens.
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../../../components/Dialog";
import { FailureNote } from "../../../components/FailureNote";
import { Select } from "../../../components/Select";
import type { Column, ExportFormat, ResultInfo } from "../../../ipc/contract";
import { useAttempt } from "../../../lib/attempt";
import { count } from "../../../lib/format";
import type { Tab } from "../../../lib/state/consoles";
import { useExports } from "../../../lib/state/exports";
import { delimiters, firstOptions, formats, type Options, problem, proposedName, request } from "./options";

/** A result that a tab keeps, of the last run or of an earlier one. */
export interface Exportable {
  result: ResultInfo;
  /** Its whole statement; null where only the beginning is known, so that it cannot be run again. */
  statementText: string | null;
  growing: boolean;
}

interface Props {
  tab: Tab;
  one: Exportable;
  onClose: () => void;
}

const hints = {
  csv: "csvHint",
  json: "jsonHint",
  ndjson: "ndjsonHint",
  parquet: "parquetHint",
  arrow: "arrowHint",
  xlsx: "xlsxHint",
  sql: "sqlHint",
} as const satisfies Record<ExportFormat, string>;

/** The format chosen last, as long as the window lives. */
let lastFormat: ExportFormat = "csv";

export function ExportDialog({ tab, one, onClose }: Props) {
  const { result } = one;
  const { t } = useTranslation();
  const [options, setOptions] = useState(() => firstOptions(result.columns.length, lastFormat));
  const change = (patch: Partial<Options>) => setOptions((before) => ({ ...before, ...patch }));
  const missing = problem(options);
  const start = useAttempt(async () => {
    lastFormat = options.format;
    const sql = one.statementText ?? "";
    const name = proposedName(tab.target.database, new Date());
    const chosen = await useExports.getState().start(request(options, { tab: tab.id, result: result.id, sql, name }));
    if (chosen) onClose();
  });

  return (
    <Dialog
      title={t("export.title")}
      wide
      onClose={onClose}
      testId="export-dialog"
      foot={
        <>
          {missing && (
            <span className="export__missing" role="status">
              {t(`export.${missing}`)}
            </span>
          )}
          <button type="button" className="btn" onClick={onClose}>
            {t("common.goBack")}
          </button>
          <button
            type="button"
            className="btn btn--primary"
            disabled={missing !== null || start.running}
            onClick={() => start.run()}
            data-testid="export-start"
          >
            {t("export.chooseFile")}
          </button>
        </>
      }
    >
      <form
        className="export"
        onSubmit={(event) => {
          event.preventDefault();
          if (missing === null && !start.running) void start.run();
        }}
      >
        <SourceField options={options} change={change} one={one} />
        <Field label={t("export.format")} hint={t(`export.${hints[options.format]}`)}>
          {(id) => (
            <Select
              id={id}
              value={options.format}
              onChange={(event) => change({ format: event.target.value as ExportFormat })}
              data-autofocus
              data-testid="export-format"
            >
              {formats.map((format) => (
                <option key={format} value={format}>
                  {t(`export.${format}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {options.format === "csv" && <CsvFields options={options} change={change} />}
        {options.format === "sql" && (
          <Field label={t("export.table")} hint={t("export.tableHint")}>
            {(id) => (
              <input
                id={id}
                className="input mono"
                value={options.table}
                spellCheck={false}
                onChange={(event) => change({ table: event.target.value })}
                data-testid="export-table"
              />
            )}
          </Field>
        )}
        <Columns columns={result.columns} chosen={options.chosen} onChoose={(chosen) => change({ chosen })} />
        {start.failure && <FailureNote failure={start.failure} />}
      </form>
    </Dialog>
  );
}

interface Part {
  options: Options;
  change: (patch: Partial<Options>) => void;
}

function SourceField({ options, change, one: { result, statementText, growing } }: Part & { one: Exportable }) {
  const { t } = useTranslation();
  const whole = !growing && result.complete;
  const sources = [
    {
      from: "result" as const,
      text: t("export.kept", { count: result.rows, n: count(result.rows) }),
      hint: whole ? t("export.keptHint") : t("export.partHint"),
    },
    { from: "statement" as const, text: t("export.again"), hint: t("export.againHint") },
  ].filter(({ from }) => from === "result" || statementText !== null);
  return (
    <fieldset className="export__group" aria-label={t("export.rows")}>
      <div className="field export__top">
        <span className="field__label" aria-hidden="true">
          {t("export.rows")}
        </span>
        <div>
          {sources.map(({ from, text, hint }) => (
            <label className="export__source" key={from}>
              <input
                type="radio"
                className="radio"
                name="export-from"
                checked={options.from === from}
                onChange={() => change({ from })}
                data-testid={`export-from-${from}`}
              />
              <span>
                {text}
                <span className="field__hint export__hint">{hint}</span>
              </span>
            </label>
          ))}
        </div>
      </div>
    </fieldset>
  );
}

function CsvFields({ options, change }: Part) {
  const { t } = useTranslation();
  const switches = ["header", "bom", "quoteAll"] as const;
  return (
    <>
      <Field label={t("export.delimiter")}>
        {(id) => (
          <Select
            id={id}
            value={options.delimiter}
            onChange={(event) => change({ delimiter: event.target.value })}
            data-testid="export-delimiter"
          >
            {delimiters.map(({ value, name }) => (
              <option key={name} value={value}>
                {t(`export.${name}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label={t("export.null")} hint={t("export.nullHint")}>
        {(id) => (
          <input
            id={id}
            className="input mono"
            value={options.nullText}
            spellCheck={false}
            onChange={(event) => change({ nullText: event.target.value })}
            data-testid="export-null"
          />
        )}
      </Field>
      <div className="field">
        <span className="export__switches">
          {switches.map((name) => (
            <label className="export__switch" key={name}>
              <input
                type="checkbox"
                className="check"
                checked={options[name]}
                onChange={(event) => change({ [name]: event.target.checked })}
                data-testid={`export-${name}`}
              />
              {t(`export.${name}`)}
            </label>
          ))}
        </span>
      </div>
    </>
  );
}

interface ColumnsProps {
  columns: Column[];
  chosen: boolean[];
  onChoose: (chosen: boolean[]) => void;
}

function Columns({ columns, chosen, onChoose }: ColumnsProps) {
  const { t } = useTranslation();
  const on = chosen.filter(Boolean).length;
  const all = on === columns.length;
  return (
    <fieldset className="export__group" aria-label={t("export.columns")}>
      <div className="field export__top">
        <span className="field__label">
          {t("export.columns")}
          <span className="field__hint export__hint num">{t("export.ofColumns", { on, all: columns.length })}</span>
        </span>
        <div>
          <button
            type="button"
            className="btn btn--sm"
            onClick={() => onChoose(chosen.map(() => !all))}
            data-testid="export-all"
          >
            {all ? t("export.noneOf") : t("export.allOf")}
          </button>
          <div className="export__columns">
            {columns.map(({ name, type_name }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: names repeat, places do not
              <label className="export__column" key={index}>
                <input
                  type="checkbox"
                  className="check"
                  checked={chosen[index] ?? false}
                  onChange={(event) => onChoose(chosen.map((was, at) => (at === index ? event.target.checked : was)))}
                  data-testid={`export-column-${index}`}
                />
                <span className="clip" title={name}>
                  {name}
                </span>
                <small className="faint mono">{type_name}</small>
              </label>
            ))}
          </div>
        </div>
      </div>
    </fieldset>
  );
}

function Field({ label, hint, children }: { label: string; hint?: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      {children(id)}
      {hint && <div className="field__hint">{hint}</div>}
    </div>
  );
}
