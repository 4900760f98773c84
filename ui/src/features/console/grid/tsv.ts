// Cells as text for a spreadsheet: tabs between, one line a row. Excel, Sheets and Numbers read the quotes.

export function toTsv(rows: Array<Array<string | null>>): string {
  const single = rows.length === 1 && rows[0]?.length === 1;
  // One cell is copied as it is: whoever copies an id does not want quotes.
  if (single) return rows[0]?.[0] ?? "";
  return rows.map((row) => row.map(field).join("\t")).join("\n");
}

function field(text: string | null): string {
  if (text === null) return "";
  return /["\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
