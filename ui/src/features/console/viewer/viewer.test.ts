import { describe, expect, it } from "vitest";
import { bytesOf, hexLine, hexLines } from "./hex";
import { openAtFirst, parseJson, pathOf, searchNodes, textOf, visibleNodes } from "./json";
import { placesOf } from "./PlainText";

const DOCUMENT = '{"id": 9007199254740993, "items": [{"Name": "a\\"b", "n": 1.10}, null], "id": true, "empty": {}}';
const parsed = () => {
  const root = parseJson(DOCUMENT);
  if (!root) throw new Error("it is JSON");
  return root;
};

describe("a tree of JSON", () => {
  it("keeps every digit, every key and their order", () => {
    const root = parsed();
    expect(root.children.map(({ key }) => key)).toEqual(["id", "items", "id", "empty"]);
    expect(root.children[0]?.value).toBe("9007199254740993");
    expect(root.children[1]?.children[0]?.children[1]?.value).toBe("1.10");
    expect(root.children[1]?.children[0]?.children[0]?.value).toBe('a"b');
  });

  it("is none for what is no JSON", () => {
    for (const text of ["", "{", "[1,]", '{"a" 1}', "[1] 2", "{'a':1}", '["\n"]', '["\\q"]', "[01]", '"open', "[+1]"]) {
      expect(parseJson(text), text).toBeNull();
    }
  });

  it("reads what is long and what is deep", () => {
    const long = "x\\\\".repeat(500_000);
    expect(parseJson(`["${long}"]`)?.children[0]?.value).toHaveLength(1_000_000);
    expect(parseJson(`${"[".repeat(1000)}${"]".repeat(1000)}`)).not.toBeNull();
    expect(parseJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)).toBeNull();
  });

  it("names a place as SQL does", () => {
    const name = parsed().children[1]?.children[0]?.children[0];
    expect(name && pathOf(name, "payload")).toBe('payload.items[0]."Name"');
    expect(pathOf(parsed(), "Odd")).toBe('"Odd"');
  });

  it("gives values back as JSON, and a string as it is", () => {
    const items = parsed().children[1];
    expect(items && textOf(items)).toBe('[\n  {\n    "Name": "a\\"b",\n    "n": 1.10\n  },\n  null\n]');
    expect(textOf(parsed().children[1]?.children[0]?.children[0] ?? parsed())).toBe('a"b');
  });

  it("shows what is open, and opens no more at first than one can read", () => {
    const root = parsed();
    expect(visibleNodes(root, new Set())).toHaveLength(1);
    expect(visibleNodes(root, openAtFirst(root))).toHaveLength(9);
    const wide = parseJson(`{"a": [${Array(1000).fill(1).join()}], "b": 2}`);
    expect(wide && visibleNodes(wide, openAtFirst(wide))).toHaveLength(3);
  });

  it("is searched in names and values, whatever their case", () => {
    expect(searchNodes(parsed(), "NAME").map(({ key }) => key)).toEqual(["Name"]);
    expect(searchNodes(parsed(), "0993")).toHaveLength(1);
    expect(searchNodes(parsed(), "")).toEqual([]);
  });
});

describe("bytes of a cell", () => {
  it("are read from the digits of binary types, else they are the text's", () => {
    expect([...bytesOf("00ff", "varbyte")]).toEqual([0, 255]);
    expect([...bytesOf("\\x00ff", "bytea")]).toEqual([0, 255]);
    expect([...bytesOf("00ff", "varchar")]).toEqual([48, 48, 102, 102]);
    expect([...bytesOf("서", "varchar")]).toEqual([0xec, 0x84, 0x9c]);
  });

  it("are listed by sixteen", () => {
    const bytes = bytesOf("0123456789abcdefG\n", "varchar");
    expect(hexLines(bytes)).toBe(2);
    expect(hexLine(bytes, 1)).toEqual({ offset: "00000010", hex: "47 0a", ascii: "G·" });
    expect(hexLine(bytes, 0).hex).toBe("30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66");
  });
});

describe("words in a text", () => {
  it("are found whatever their case, and where letters change their length as they are", () => {
    expect(placesOf("Abc abc ABC", "abc")).toEqual([0, 4, 8]);
    expect(placesOf("İx abc", "abc")).toEqual([3]);
    expect(placesOf("aaaa", "aa")).toEqual([0, 2]);
    expect(placesOf("abc", "")).toEqual([]);
  });
});
