import { describe, expect, it } from "vitest";
import { ticks, tickText, valueText } from "./ticks";

const day = (text: string) => Date.parse(`${text}T00:00:00Z`);

describe("marks of an axis", () => {
  it("are round numbers inside its ends", () => {
    expect(ticks("number", 0, 100, 5).at).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks("number", -0.3, 0.31, 4).at).toEqual([-0.2, 0, 0.2]);
    expect(ticks("number", 7, 7, 4).at).toEqual([7]);
    expect(ticks("number", 0, 1.7e308, 4).at.length).toBeLessThan(10);
  });

  it("fall on days, firsts of months and years", () => {
    const days = ticks("date", day("2024-01-01"), day("2024-01-05"), 8);
    expect(days.at.map((at) => tickText("date", at, days.step))).toEqual(["01-01", "01-02", "01-03", "01-04", "01-05"]);
    const months = ticks("date", day("2024-01-15"), day("2024-06-15"), 5);
    expect(months.at.map((at) => tickText("date", at, months.step))).toEqual([
      "2024-02",
      "2024-03",
      "2024-04",
      "2024-05",
      "2024-06",
    ]);
    const years = ticks("moment", day("1990-05-01"), day("2020-05-01"), 4);
    expect(years.at.map((at) => tickText("moment", at, years.step))).toEqual(["2000", "2010", "2020"]);
  });

  it("fall on hours and minutes within a day", () => {
    const hours = ticks("moment", day("2024-01-01"), day("2024-01-02"), 4);
    expect(hours.at.map((at) => tickText("moment", at, hours.step))).toEqual([
      "00:00",
      "06:00",
      "12:00",
      "18:00",
      "00:00",
    ]);
  });

  it("end however far the ends are apart", () => {
    expect(ticks("date", -8e15, 8e15, 6).at.length).toBeLessThan(200);
    expect(ticks("moment", -9e18, 9e18, 6).at.length).toBeLessThanOrEqual(200);
  });
});

describe("a value", () => {
  it("is written with all that is known of it", () => {
    expect(valueText("number", 1234567.5)).toBe("1,234,567.5");
    expect(valueText("number", 1e-9)).toBe("1.0000e-9");
    expect(valueText("moment", day("2024-02-29") + 3_723_000)).toBe("2024-02-29 01:02:03");
    expect(valueText("clock", 86_399_000)).toBe("23:59:59");
    expect(valueText("duration", -129_600_000)).toBe("-1.5 d");
  });
});
