// JSON and SUPER as a tree. Not JSON.parse: it would round long numbers, lose keys that occur twice and forget their
// order; here every value keeps the text it came in.

export interface JsonNode {
  /** Name in an object, place in an array, null at the root. */
  key: string | number | null;
  kind: "object" | "array" | "string" | "number" | "word";
  /** As it stands in the text; for a string without quotes and escapes. Empty for what has children. */
  value: string;
  children: JsonNode[];
  parent: JsonNode | null;
  depth: number;
}

/** SUPER nests a thousand deep at most; what is deeper is shown as text. */
const DEEPEST = 2000;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** Null when the text is no JSON. */
export function parseJson(text: string): JsonNode | null {
  try {
    return new Reader(text).document();
  } catch (reason) {
    if (reason instanceof NoJson) return null;
    throw reason;
  }
}

class NoJson extends Error {}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): JsonNode {
    const node = this.value(null, null, 0);
    this.take(SPACE);
    if (this.at < this.text.length) throw new NoJson();
    return node;
  }

  private value(key: JsonNode["key"], parent: JsonNode | null, depth: number): JsonNode {
    if (depth > DEEPEST) throw new NoJson();
    this.take(SPACE);
    const node: JsonNode = { key, kind: "word", value: "", children: [], parent, depth };
    const first = this.text[this.at];
    if (first === "{") this.members(node);
    else if (first === "[") this.items(node);
    else if (first === '"') {
      node.kind = "string";
      node.value = this.string();
    } else {
      const number = this.take(NUMBER);
      node.kind = number === null ? "word" : "number";
      node.value = number ?? this.need(WORD);
    }
    return node;
  }

  private members(node: JsonNode): void {
    node.kind = "object";
    this.list("}", () => {
      const key = this.string();
      this.take(SPACE);
      this.expect(":");
      node.children.push(this.value(key, node, node.depth + 1));
    });
  }

  private items(node: JsonNode): void {
    node.kind = "array";
    this.list("]", () => node.children.push(this.value(node.children.length, node, node.depth + 1)));
  }

  private list(end: string, one: () => void): void {
    this.at += 1;
    this.take(SPACE);
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      this.take(SPACE);
      one();
      this.take(SPACE);
      if (this.text[this.at] === end) {
        this.at += 1;
        return;
      }
      this.expect(",");
    }
  }

  private string(): string {
    const start = this.at;
    if (this.text[start] !== '"') throw new NoJson();
    // Not by a pattern: engines give up on one that spans a megabyte.
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw new NoJson();
    } while (this.escaped(end));
    const raw = this.text.slice(start, end + 1);
    this.at = end + 1;
    try {
      return JSON.parse(raw) as string;
    } catch {
      throw new NoJson();
    }
  }

  /** A quote after an odd number of backslashes ends nothing. */
  private escaped(quote: number): boolean {
    let at = quote - 1;
    while (this.text[at] === "\\") at -= 1;
    return (quote - at) % 2 === 0;
  }

  private expect(sign: string): void {
    if (this.text[this.at] !== sign) throw new NoJson();
    this.at += 1;
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return null;
    this.at += found.length;
    return found;
  }

  private need(pattern: RegExp): string {
    const found = this.take(pattern);
    if (found === null) throw new NoJson();
    return found;
  }
}

export function isBranch({ kind }: JsonNode): boolean {
  return kind === "object" || kind === "array";
}

/** Nodes that are seen when these are open, top to bottom. */
export function visibleNodes(root: JsonNode, open: ReadonlySet<JsonNode>): JsonNode[] {
  const out: JsonNode[] = [];
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    out.push(node);
    if (open.has(node))
      for (let at = node.children.length - 1; at >= 0; at--) waiting.push(node.children[at] as JsonNode);
  }
  return out;
}

/** What is open at first: what fits a screen or two. */
export function openAtFirst(root: JsonNode, most = 40): Set<JsonNode> {
  const open = new Set<JsonNode>();
  let seen = 1;
  let level = [root];
  while (level.length > 0) {
    const next: JsonNode[] = [];
    for (const node of level) {
      if (node.children.length === 0 || (seen + node.children.length > most && node !== root)) continue;
      open.add(node);
      seen += node.children.length;
      next.push(...node.children);
    }
    level = next;
  }
  return open;
}

/** Every node whose name or value has the words, in the order of the text. */
export function searchNodes(root: JsonNode, words: string): JsonNode[] {
  const wanted = words.toLowerCase();
  if (wanted === "") return [];
  const found: JsonNode[] = [];
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const named = typeof node.key === "string" && node.key.toLowerCase().includes(wanted);
    if (named || node.value.toLowerCase().includes(wanted)) found.push(node);
    for (let at = node.children.length - 1; at >= 0; at--) waiting.push(node.children[at] as JsonNode);
  }
  return found;
}

/** How SQL names a place in a SUPER column: `payload.items[0]."odd name"`. */
export function pathOf(node: JsonNode, column: string): string {
  const steps: string[] = [];
  for (let at: JsonNode | null = node; at?.parent; at = at.parent) {
    steps.unshift(typeof at.key === "number" ? `[${at.key}]` : `.${name(String(at.key))}`);
  }
  return name(column) + steps.join("");
}

function name(text: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}

/** The value as JSON, indented; a string as its bare text. */
export function textOf(node: JsonNode): string {
  return node.kind === "string" ? node.value : written(node, "");
}

function written(node: JsonNode, indent: string): string {
  if (node.kind === "string") return JSON.stringify(node.value);
  if (!isBranch(node)) return node.value;
  const [open, close] = node.kind === "object" ? ["{", "}"] : ["[", "]"];
  if (node.children.length === 0) return open + close;
  const deeper = `${indent}  `;
  const lines = node.children.map((child) => {
    const key = node.kind === "object" ? `${JSON.stringify(child.key)}: ` : "";
    return `${deeper}${key}${written(child, deeper)}`;
  });
  return `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}
