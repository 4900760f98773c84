// The snippets that come with the app. `#{…}` is a place to fill in; Tab goes from one to the next.
import type { Snippet } from "../ipc/backend";

export const builtIn: Snippet[] = [
  { name: "sel", text: "SELECT #{columns}\nFROM #{table}\nWHERE #{condition}" },
  { name: "cte", text: "WITH #{name} AS (\n    #{query}\n)\nSELECT *\nFROM #{name}" },
  { name: "cnt", text: "SELECT #{column}, COUNT(*) AS n\nFROM #{table}\nGROUP BY 1\nORDER BY 2 DESC" },
  {
    name: "dedup",
    text: "SELECT *\nFROM #{table}\nQUALIFY ROW_NUMBER() OVER (PARTITION BY #{key} ORDER BY #{newest} DESC) = 1",
  },
  { name: "ctas", text: "CREATE TABLE #{name} AS\nSELECT #{columns}\nFROM #{table}" },
  {
    name: "copys3",
    text: "COPY #{table}\nFROM 's3://#{bucket}/#{prefix}'\nIAM_ROLE DEFAULT\nFORMAT AS PARQUET",
  },
  {
    name: "unload",
    text: "UNLOAD ('#{query}')\nTO 's3://#{bucket}/#{prefix}'\nIAM_ROLE DEFAULT\nFORMAT AS PARQUET",
  },
  {
    name: "mergeinto",
    text: "MERGE INTO #{target}\nUSING #{source}\nON #{target}.#{key} = #{source}.#{key}\nWHEN MATCHED THEN UPDATE SET #{column} = #{source}.#{column}\nWHEN NOT MATCHED THEN INSERT (#{column}) VALUES (#{source}.#{column})",
  },
];

/** All of them; a person's own replace those of the same name. */
export function allSnippets(own: Snippet[]): Snippet[] {
  return [...own, ...builtIn.filter(({ name }) => !own.some((other) => other.name === name))];
}
