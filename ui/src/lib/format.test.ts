import { describe, expect, it } from "vitest";
import { age, bytes, count, elapsed, oneLine, seconds, took } from "./format";

describe("numbers on the screen", () => {
  it("separate thousands", () => {
    expect(count(10_000_000)).toBe("10,000,000");
  });

  it("give sizes in decimal units with three digits", () => {
    expect([512, 9200, 48_600, 244_000_000, 1_840_000_000].map(bytes)).toEqual([
      "512 B",
      "9.20 KB",
      "48.6 KB",
      "244 MB",
      "1.84 GB",
    ]);
  });

  it("count hours only when there are any", () => {
    expect([0, 41_400, 3_723_000].map(age)).toEqual(["00:00", "00:41", "1:02:03"]);
  });

  it("show tenths while something runs and thousandths when it is known", () => {
    expect(elapsed(41_449, 1)).toBe("00:41.4");
    expect(elapsed(214, 3)).toBe("00:00.214");
    expect(seconds(3740)).toBe("3.74");
  });

  it("say how long something took as exactly as it matters", () => {
    expect([80, 8240, 59_990, 512_000].map(took)).toEqual(["80 ms", "8.2 s", "59.9 s", "08:32"]);
  });

  it("fold a statement to one line", () => {
    expect(oneLine("  SELECT 1,\n\t 2\n")).toBe("SELECT 1, 2");
  });
});
