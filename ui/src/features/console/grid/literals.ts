// Values and names as SQL, so that the server reads back exactly what it sent.

const PLAIN_NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const NUMBERS = new Set(["int2", "int4", "int8", "numeric", "float4", "float8", "oid"]);
/** Types whose literal must say what it is: a bare text would be compared or stored as text. */
const TYPED = new Set([
  "date",
  "time",
  "timetz",
  "timestamp",
  "timestamptz",
  "interval",
  "interval year to month",
  "interval day to second",
  "uuid",
  "json",
  "jsonb",
]);
const HEX = /^([0-9a-fA-F]{2})*$/;

/** Always quoted: then no word is reserved and no capital is lost. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A table as somebody typed it, `schema.table` or with quotes of their own. What needs no quotes and what has them stays.
 * Null when a part is missing or a quote is not closed.
 */
export function tableName(typed: string): string | null {
  const parts = typed.trim().match(/"(?:[^"]|"")+"|[^".]+|\.|"/g) ?? [];
  const names: string[] = [];
  for (const [index, part] of parts.entries()) {
    if ((index % 2 === 1) !== (part === ".")) return null;
    if (part === '"') return null;
    if (part !== ".") names.push(part.startsWith('"') || /^[A-Za-z_][\w$]*$/.test(part) ? part : identifier(part));
  }
  return parts.length % 2 === 1 ? names.join(".") : null;
}

/**
 * A text as a literal. Redshift reads a backslash in one as an escape and PostgreSQL as itself, and both have settings
 * for the other way; so a backslash never stands in a literal: it is `chr(92)`.
 */
export function text(value: string): string {
  const pieces = value.split("\\").map((piece) => `'${piece.replaceAll("'", "''")}'`);
  if (pieces.length === 1) return pieces[0] ?? "''";
  return `(${pieces.join(" || chr(92) || ")})`;
}

/** A value of a column; NULL is the word. */
export function literal(value: string | null, type: string): string {
  if (value === null) return "NULL";
  if (NUMBERS.has(type)) return PLAIN_NUMBER.test(value) ? value : `${text(value)}::${type}`;
  if (type === "bool" && /^(t|f|true|false)$/.test(value)) return value.startsWith("t") ? "TRUE" : "FALSE";
  if (type === "super") return `JSON_PARSE(${text(value)})`;
  if (type === "varbyte" && HEX.test(value)) return `FROM_HEX('${value}')`;
  if (type === "bytea" && value.startsWith("\\x") && HEX.test(value.slice(2))) {
    return `decode('${value.slice(2)}', 'hex')`;
  }
  return TYPED.has(type) ? `${text(value)}::${type}` : text(value);
}
