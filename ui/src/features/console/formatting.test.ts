import { describe, expect, it } from "vitest";
import { formatSql } from "./formatting";

describe("formatting", () => {
  it("lays a statement out and leaves parameters, casts and literals as they are", async () => {
    const sql =
      "select a::decimal(18,2),b from t where c=:days and d=$1 and e='a  b :x' qualify row_number() over(partition by a order by b)=1";
    const { text } = await formatSql(sql, 0);
    for (const part of ["a::decimal(18, 2)", ":days", "$1", "'a  b :x'", "QUALIFY"]) expect(text).toContain(part);
    expect(text.startsWith("SELECT\n    a::")).toBe(true);
  });

  it("keeps comments, quoted names and other alphabets", async () => {
    const { text } = await formatSql('select "Order Id" /* 주문 */ , 이름 -- 끝\nfrom mart."상품_일별"', 0);
    for (const part of ['"Order Id"', "/* 주문 */", "이름", "-- 끝", 'mart."상품_일별"']) expect(text).toContain(part);
  });

  it("takes the cursor along", async () => {
    const sql = "select aa,bb from tt";
    const { text, cursor } = await formatSql(sql, sql.indexOf("bb"));
    expect(text.slice(0, cursor).trimEnd().endsWith("aa,")).toBe(true);
  });

  it("refuses what it cannot read rather than guess", async () => {
    await expect(formatSql("select (((", 0)).rejects.toThrow();
  });
});
