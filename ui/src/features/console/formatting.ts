// Lays SQL out anew. The formatter is large and seldom wanted, so it is loaded when it is; what it gives is taken only if it
// differs in nothing but spaces and the case of words.
export interface Formatted {
  text: string;
  /** Where the cursor has come to. */
  cursor: number;
}

/** Longer texts take the formatter seconds, in which nothing else would move. */
export const LONGEST = 200_000;

/** The words of another meaning would be another statement. */
export class ChangedMeaning extends Error {}

export async function formatSql(sql: string, cursor: number): Promise<Formatted> {
  const { formatDialect, redshift } = await import("sql-formatter");
  const text = formatDialect(sql, {
    dialect: redshift,
    tabWidth: 4,
    keywordCase: "upper",
    linesBetweenQueries: 1,
    // `:name` and `$1` are values that are filled in, `:"name"` a name.
    paramTypes: { named: [":"], numbered: ["$"], quoted: [":"] },
  });
  if (bare(text) !== bare(sql)) throw new ChangedMeaning();
  return { text, cursor: place(text, bare(sql.slice(0, cursor)).length) };
}

function bare(sql: string): string {
  return sql.replace(/\s+/g, "").toLowerCase();
}

/** Behind so many characters that are no space. */
function place(text: string, characters: number): number {
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    if (seen === characters) return at;
    if (!/\s/.test(text[at] as string)) seen += 1;
  }
  return text.length;
}
