// Bytes of a cell, and how they are listed.

export const BYTES_A_LINE = 16;

const HEX = /^([0-9a-fA-F]{2})*$/;

/** The bytes a cell stands for: VARBYTE comes as hex digits, bytea as `\x` and hex digits; any other text is UTF-8. */
export function bytesOf(text: string, type: string): Uint8Array {
  if (type === "varbyte" && HEX.test(text)) return fromHex(text);
  if (type === "bytea" && text.startsWith("\\x") && HEX.test(text.slice(2))) return fromHex(text.slice(2));
  return new TextEncoder().encode(text);
}

function fromHex(digits: string): Uint8Array {
  const out = new Uint8Array(digits.length / 2);
  for (let at = 0; at < out.length; at++) out[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return out;
}

export function isBinary(type: string): boolean {
  return type === "varbyte" || type === "bytea";
}

/** `00000010  68 65 6c …  hel…`: offset, bytes, and those of them that ASCII can show. */
export function hexLine(bytes: Uint8Array, line: number): { offset: string; hex: string; ascii: string } {
  const start = line * BYTES_A_LINE;
  const part = bytes.subarray(start, start + BYTES_A_LINE);
  const hex = Array.from(part, (byte, at) => `${byte.toString(16).padStart(2, "0")}${at === 7 ? " " : ""}`).join(" ");
  const ascii = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
  return { offset: start.toString(16).padStart(8, "0"), hex, ascii };
}

export function hexLines(bytes: Uint8Array): number {
  return Math.ceil(bytes.length / BYTES_A_LINE);
}
