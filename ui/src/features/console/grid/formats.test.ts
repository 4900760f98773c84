import { describe, expect, it } from "vitest";
import type { Column } from "../../../ipc/contract";
import { type CopyFormat, written } from "./formats";
import { identifier, literal, tableName, text } from "./literals";

const column = (name: string, type_name: string, numeric = false): Column => ({ name, type_name, numeric });
const columns = [column("id", "int8", true), column("note", "varchar"), column("ok", "bool")];
const write = (format: CopyFormat, rows: Array<Array<string | null>>, head = false, of = columns) =>
  written(format, of, rows, { head, table: "sales.orders" });

describe("cells for a spreadsheet", () => {
  it("are tab-separated lines, with NULL left empty", () => {
    expect(
      write("tsv", [
        ["1", null, "t"],
        ["2", "서울", ""],
      ]),
    ).toBe("1\t\tt\n2\t서울\t");
    expect(write("tsv", [["1", "a", "t"]], true)).toBe("id\tnote\tok\n1\ta\tt");
  });

  it("are quoted where a spreadsheet would break them", () => {
    expect(write("tsv", [["1", 'say "hi"', "two\nlines"]])).toBe('1\t"say ""hi"""\t"two\nlines"');
  });
});

describe("CSV", () => {
  it("tells NULL from an empty text, as COPY does", () => {
    expect(write("csv", [["1", null, "t"]], true)).toBe("id,note,ok\n1,,t");
    expect(write("csv", [["1", "", "a,b"]])).toBe('1,"","a,b"');
    expect(write("csv", [["1", "\\.", 'q"q']])).toBe('1,"\\.","q""q"');
  });
});

describe("JSON", () => {
  it("keeps every digit, and is typed", () => {
    const exact = "9007199254740993";
    expect(write("json", [[exact, null, "f"]])).toBe(`[\n  {"id": ${exact}, "note": null, "ok": false}\n]`);
  });

  it("puts documents in as documents and what is no number as text", () => {
    const of = [column("doc", "super"), column("f", "float8", true), column("n", "numeric", true)];
    expect(write("json", [['{"a":[1]}', "NaN", "1.10"]], false, of)).toBe(
      '[\n  {"doc": {"a":[1]}, "f": "NaN", "n": 1.10}\n]',
    );
    expect(write("json", [["{broken", "1e5", "-0.5"]], false, of)).toContain('"doc": "{broken"');
  });

  it("loses no column whose name occurs twice", () => {
    const of = [column("a", "int4", true), column("a", "int4", true), column("a_2", "int4", true)];
    expect(Object.keys(JSON.parse(write("json", [["1", "2", "3"]], false, of))[0])).toEqual(["a", "a_2", "a_2_2"]);
  });

  it("is one array, however many rows", () => {
    expect(
      JSON.parse(
        write("json", [
          ["1", "a", "t"],
          ["2", "b\n\u0001", "f"],
        ]),
      ),
    ).toHaveLength(2);
    expect(JSON.parse(write("json", []))).toEqual([]);
  });
});

describe("Markdown", () => {
  it("aligns numbers and escapes what it would read as markup", () => {
    expect(write("markdown", [["1", "a|b *c*\nd", null]])).toBe(
      "| id | note | ok |\n| ---: | --- | --- |\n| 1 | a\\|b \\*c\\*<br>d | *NULL* |",
    );
    expect(write("markdown", [["1", "order_id", "_x_ &amp; <b>"]])).toContain(
      "| order_id | \\_x\\_ &amp;amp; \\<b\\> |",
    );
  });
});

describe("INSERT", () => {
  it("quotes names and texts and leaves numbers exact", () => {
    const of = [column('odd "name"', "int8", true), column("Select", "varchar"), column("at", "timestamptz")];
    expect(write("insert", [["9007199254740993", "O'Hara", "2026-11-19 14:25:28+00"]], false, of)).toBe(
      'INSERT INTO sales.orders ("odd ""name""", "Select", "at") VALUES\n' +
        "  (9007199254740993, 'O''Hara', '2026-11-19 14:25:28+00'::timestamptz);\n",
    );
  });

  it("tells NULL from an empty text", () => {
    expect(
      write("insert", [
        ["1", null, "t"],
        ["2", "", "f"],
      ]),
    ).toContain("(1, NULL, TRUE),\n  (2, '', FALSE);");
  });

  it("begins a new statement before one grows too long", () => {
    const rows = Array.from({ length: 1001 }, (_, id) => [String(id), "x", "t"]);
    const statements = write("insert", rows).split("INSERT INTO").slice(1);
    expect(statements.map((statement) => statement.trim().endsWith(";"))).toEqual([true, true, true]);
    expect(statements.map((statement) => statement.split("\n  (").length - 1)).toEqual([500, 500, 1]);
  });
});

describe("an IN list", () => {
  it("has every value once, and no NULL", () => {
    const rows = [["a"], ["b"], [null], ["a"], ["O'x"]];
    expect(write("in", rows, false, [column("c", "varchar")])).toBe("('a', 'b', 'O''x')");
    expect(write("in", [["1"], ["2"]], false, [column("c", "int4", true)])).toBe("(1, 2)");
  });

  it("of nothing but NULL matches nothing and is SQL still", () => {
    expect(write("in", [[null]], false, [column("c", "varchar")])).toBe("(NULL)");
  });

  it("breaks its lines", () => {
    const rows = Array.from({ length: 60 }, (_, id) => [String(1000 + id)]);
    const lines = write("in", rows, false, [column("c", "int4", true)]).split("\n");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.length < 110)).toBe(true);
  });
});

describe("literals", () => {
  it("hold no backslash, since servers disagree on what it means", () => {
    expect(text("C:\\tmp")).toBe("('C:' || chr(92) || 'tmp')");
    expect(text("\\")).toBe("('' || chr(92) || '')");
    expect(text("it's")).toBe("'it''s'");
  });

  it("say their type where a bare text would be another value", () => {
    expect(literal("NaN", "float8")).toBe("'NaN'::float8");
    expect(literal("-1.50", "numeric")).toBe("-1.50");
    expect(literal("1; drop table t", "int4")).toBe("'1; drop table t'::int4");
    expect(literal('{"a":"\\n"}', "super")).toBe(`JSON_PARSE(('{"a":"' || chr(92) || 'n"}'))`);
    expect(literal("00ff", "varbyte")).toBe("FROM_HEX('00ff')");
    expect(literal("\\x00ff", "bytea")).toBe("decode('00ff', 'hex')");
    expect(literal("2026-11-19", "date")).toBe("'2026-11-19'::date");
  });

  it("name tables as they were typed, quoted where they must be", () => {
    expect(identifier('a"b')).toBe('"a""b"');
    expect(tableName("sales.orders")).toBe("sales.orders");
    expect(tableName(' "Sales".orders ')).toBe('"Sales".orders');
    expect(tableName("odd name.t")).toBe('"odd name".t');
    for (const wrong of ["", "a.", ".a", "a..b", '"open', 'a"b"']) expect(tableName(wrong), wrong).toBeNull();
  });
});
