// What is open in the tree, as plain functions.
import type { ObjectRow, OpenObjects } from "../../../ipc/contract";

/** With this row opened, or closed. */
export function toggled(open: OpenObjects, row: ObjectRow): OpenObjects {
  const opening = row.open === false;
  const without = (names: string[], name: string) => names.filter((other) => other !== name);
  const set = (names: string[], name: string) => (opening ? [...without(names, name), name] : without(names, name));
  switch (row.kind) {
    case "database":
      return { ...open, database_closed: !opening };
    case "schema":
    case "external_schema":
    case "shared_schema":
      return { ...open, schemas: set(open.schemas, row.name) };
    case "functions":
      return { ...open, functions: set(open.functions, row.schema ?? "") };
    default: {
      const table = { schema: row.schema ?? "", name: row.name };
      const others = open.tables.filter(({ schema, name }) => schema !== table.schema || name !== table.name);
      return { ...open, tables: opening ? [...others, table] : others };
    }
  }
}

export function isTable({ kind }: ObjectRow): boolean {
  return kind.endsWith("table") || kind.endsWith("view");
}

/** 34, 2.1 B: how many there are, short enough for a narrow panel. */
export function short(count: number): string {
  const units: Array<[number, string]> = [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ];
  const unit = units.find(([size]) => count >= size);
  if (!unit) return String(count);
  const value = count / unit[0];
  return `${value >= 100 ? Math.round(value) : Math.floor(value * 10) / 10} ${unit[1]}`;
}

/** A type as people call it, where the server writes it at length. */
export function shortType(type: string): string {
  const names: Array<[RegExp, string]> = [
    [/^character varying/, "varchar"],
    [/^character\b/, "char"],
    [/^timestamp without time zone$/, "timestamp"],
    [/^timestamp with time zone$/, "timestamptz"],
    [/^time without time zone$/, "time"],
    [/^time with time zone$/, "timetz"],
    [/^double precision$/, "float8"],
    [/^real$/, "float4"],
    [/^bigint$/, "int8"],
    [/^integer$/, "int4"],
    [/^smallint$/, "int2"],
    [/^boolean$/, "bool"],
  ];
  const known = names.find(([pattern]) => pattern.test(type));
  return known ? type.replace(known[0], known[1]) : type;
}
