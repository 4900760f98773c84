// Cells as text for other programs: a spreadsheet, a script, a chat, a query. Written row by row, so that a large
// selection is not held twice.
import type { Column } from "../../../ipc/contract";
import { identifier, literal } from "./literals";
import type { Row } from "./windows";

export const formats = ["tsv", "csv", "json", "markdown", "insert", "in"] as const;
export type CopyFormat = (typeof formats)[number];

export interface CopyOptions {
  /** A first line with the names of the columns, where the format leaves the choice. */
  head: boolean;
  /** For INSERT, ready for SQL. */
  table: string;
}

export interface Writer {
  begin: () => string;
  row: (cells: Row, index: number) => string;
  end: () => string;
  /** NULLs that the format cannot say and left out. */
  nulls: () => number;
}

/** Redshift takes statements up to 16 MB; some thousand narrow rows or a few wide ones stay far below. */
const ROWS_A_STATEMENT = 500;
const IN_LINE = 100;

export function writerFor(format: CopyFormat, columns: Column[], options: CopyOptions): Writer {
  switch (format) {
    case "tsv":
      return lines(columns, options.head, "\t", tsvField);
    case "csv":
      return lines(columns, options.head, ",", csvField);
    case "json":
      return json(columns);
    case "markdown":
      return markdown(columns);
    case "insert":
      return inserts(columns, options.table);
    case "in":
      return inList(columns);
  }
}

/** A few rows at once, as a test or a small selection has them. */
export function written(format: CopyFormat, columns: Column[], rows: Row[], options: CopyOptions): string {
  const writer = writerFor(format, columns, options);
  return writer.begin() + rows.map(writer.row).join("") + writer.end();
}

const none = () => 0;

function lines(columns: Column[], head: boolean, between: string, field: (text: string | null) => string): Writer {
  const names = columns.map(({ name }) => field(name)).join(between);
  return {
    begin: () => (head ? names : ""),
    row: (cells, index) => `${index > 0 || head ? "\n" : ""}${cells.map(field).join(between)}`,
    end: () => "",
    nulls: none,
  };
}

/** Excel, Sheets and Numbers read the quotes. NULL is an empty field. */
function tsvField(text: string | null): string {
  if (text === null) return "";
  return /["\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As COPY writes it: NULL is an empty field, an empty text has quotes. */
function csvField(text: string | null): string {
  if (text === null) return "";
  return text === "" || text === "\\." || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const numbers = new Set(["int2", "int4", "int8", "numeric", "float4", "float8"]);
const documents = new Set(["super", "json", "jsonb"]);

/** An array of objects. Digits stay as they came, whatever their number; names that occur twice are told apart. */
function json(columns: Column[]): Writer {
  const keys = distinctNames(columns).map((name) => JSON.stringify(name));
  const object = (cells: Row) =>
    `{${cells.map((text, index) => `${keys[index]}: ${jsonValue(text, columns[index]?.type_name ?? "")}`).join(", ")}}`;
  return {
    begin: () => "[",
    row: (cells, index) => `${index > 0 ? "," : ""}\n  ${object(cells)}`,
    end: () => "\n]",
    nulls: none,
  };
}

export function distinctNames(columns: Column[]): string[] {
  const taken = new Set<string>();
  return columns.map(({ name }) => {
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name}_${number}`;
    taken.add(free);
    return free;
  });
}

function jsonValue(text: string | null, type: string): string {
  if (text === null) return "null";
  if (numbers.has(type) && JSON_NUMBER.test(text)) return text;
  if (type === "bool" && (text === "t" || text === "f")) return text === "t" ? "true" : "false";
  if (documents.has(type) && isJson(text)) return text;
  return JSON.stringify(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function markdown(columns: Column[]): Writer {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return {
    begin: () =>
      `${line(columns.map(({ name }) => markdownText(name)))}\n${line(columns.map(({ numeric }) => (numeric ? "---:" : "---")))}`,
    row: (cells) => `\n${line(cells.map((text) => (text === null ? "*NULL*" : markdownText(text))))}`,
    end: () => "",
    nulls: none,
  };
}

/** What Markdown would take for markup is escaped; a line end within a cell is a `<br>`. */
function markdownText(text: string): string {
  return text
    .replace(/[\\`*|<>[\]~]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)/g, (mark) => (mark === "&" ? "&amp;" : `\\${mark}`))
    .replace(/\r\n|\r|\n/g, "<br>");
}

function inserts(columns: Column[], table: string): Writer {
  const into = `INSERT INTO ${table} (${columns.map(({ name }) => identifier(name)).join(", ")}) VALUES`;
  const values = (cells: Row) => `(${cells.map((text, at) => literal(text, columns[at]?.type_name ?? "")).join(", ")})`;
  return {
    begin: () => "",
    row: (cells, index) => {
      const opens = index % ROWS_A_STATEMENT === 0;
      const before = index === 0 ? into : opens ? `;\n${into}` : ",";
      return `${before}\n  ${values(cells)}`;
    },
    end: () => ";\n",
    nulls: none,
  };
}

/** Every value once. NULL is no member of any list, so it is left out and counted. */
function inList(columns: Column[]): Writer {
  const type = columns[0]?.type_name ?? "";
  const seen = new Set<string>();
  let nulls = 0;
  let width = 1;
  return {
    begin: () => "(",
    row: ([value = null]) => {
      if (value === null) {
        nulls += 1;
        return "";
      }
      if (seen.has(value)) return "";
      const first = seen.size === 0;
      seen.add(value);
      const one = literal(value, type);
      const wrap = !first && width + one.length > IN_LINE;
      width = wrap ? one.length + 1 : width + one.length + 2;
      return `${first ? "" : wrap ? ",\n " : ", "}${one}`;
    },
    // A list of nothing is no SQL; NULL alone is, and matches as much.
    end: () => (seen.size === 0 ? "NULL)" : ")"),
    nulls: () => nulls,
  };
}
