// What can be chosen about an export. Pure, so that it is tested as functions.
import type { ExportFormat, StartExport } from "../../../ipc/contract";

export const formats = ["csv", "json", "ndjson", "parquet", "arrow", "xlsx", "sql"] as const satisfies ExportFormat[];

export const delimiters = [
  { value: ",", name: "comma" },
  { value: ";", name: "semicolon" },
  { value: "\t", name: "tab" },
  { value: "|", name: "bar" },
] as const;

export interface Options {
  from: "result" | "statement";
  format: ExportFormat;
  delimiter: string;
  header: boolean;
  bom: boolean;
  quoteAll: boolean;
  nullText: string;
  table: string;
  /** One for each column of the result. */
  chosen: boolean[];
}

export function firstOptions(columns: number, format: ExportFormat = "csv"): Options {
  return {
    from: "result",
    format,
    delimiter: ",",
    header: true,
    bom: false,
    quoteAll: false,
    nullText: "",
    table: "exported",
    chosen: Array.from({ length: columns }, () => true),
  };
}

/** Why it cannot begin like this, as a key of our words. */
export function problem({
  format,
  chosen,
  table,
  nullText,
  delimiter,
}: Options): "noColumn" | "noTable" | "badNull" | null {
  if (!chosen.includes(true)) return "noColumn";
  if (format === "sql" && table.trim() === "") return "noTable";
  if (format === "csv" && [...nullText].some((letter) => letter === delimiter || '"\n\r'.includes(letter)))
    return "badNull";
  return null;
}

interface Source {
  tab: string;
  result: string;
  sql: string;
  name: string;
}

export function request(options: Options, { tab, result, sql, name }: Source): StartExport {
  return {
    source: options.from === "result" ? { from: "result", result } : { from: "statement", tab, sql },
    format: options.format,
    csv: {
      delimiter: options.delimiter,
      quote_all: options.quoteAll,
      header: options.header,
      bom: options.bom,
      null: options.nullText,
    },
    table: options.table.trim(),
    columns: options.chosen.flatMap((on, index) => (on ? [index] : [])),
    name,
  };
}

/** `sales-2026-11-24`: the database and the day. */
export function proposedName(database: string, now: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${database}-${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
