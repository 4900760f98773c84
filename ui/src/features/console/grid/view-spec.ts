// In which order rows are shown, and which of them. Pure: what a menu or a key asks for becomes the next value of this.
import type { Column, Filter, FilterTest, SortColumn } from "../../../ipc/contract";
import type { ColumnMark } from "./head";

export interface ViewSpec {
  sort: SortColumn[];
  filters: Filter[];
}

export const asTheyCame: ViewSpec = { sort: [], filters: [] };

export function isPlain({ sort, filters }: ViewSpec): boolean {
  return sort.length === 0 && filters.length === 0;
}

/** By this column alone, or also by it: then it comes behind the others, or turns where it is. */
export function sortedBy(spec: ViewSpec, column: number, descending: boolean, also: boolean): ViewSpec {
  const key = { column, descending };
  if (!also) return { ...spec, sort: [key] };
  const known = spec.sort.some((one) => one.column === column);
  return { ...spec, sort: known ? spec.sort.map((one) => (one.column === column ? key : one)) : [...spec.sort, key] };
}

export function unsorted(spec: ViewSpec, column: number): ViewSpec {
  return { ...spec, sort: spec.sort.filter((one) => one.column !== column) };
}

/** One key steps through: ascending, descending, not at all. */
export function nextSort(spec: ViewSpec, column: number, also: boolean): ViewSpec {
  const now = spec.sort.find((one) => one.column === column);
  if (!now) return sortedBy(spec, column, false, also);
  return now.descending ? unsorted(spec, column) : sortedBy(spec, column, true, also);
}

export function withFilter(spec: ViewSpec, filter: Filter): ViewSpec {
  const same = (one: Filter) => JSON.stringify(one) === JSON.stringify(filter);
  return spec.filters.some(same) ? spec : { ...spec, filters: [...spec.filters, filter] };
}

export function withoutFilter(spec: ViewSpec, at: number): ViewSpec {
  return { ...spec, filters: spec.filters.filter((_, index) => index !== at) };
}

export function withoutFiltersOf(spec: ViewSpec, column: number): ViewSpec {
  return { ...spec, filters: spec.filters.filter((one) => one.column !== column) };
}

/** What the heads of columns say. The rank is left out where one key sorts alone. */
export function marksOf({ sort, filters }: ViewSpec): Map<number, ColumnMark> {
  const marks = new Map<number, ColumnMark>();
  const mark = (column: number) => {
    const known = marks.get(column) ?? { sort: null, filtered: false };
    marks.set(column, known);
    return known;
  };
  sort.forEach(({ column, descending }, at) => {
    mark(column).sort = { descending, rank: sort.length > 1 ? at + 1 : 0 };
  });
  for (const { column } of filters) if (column !== null) mark(column).filtered = true;
  return marks;
}

const comparisons: FilterTest[] = ["equal", "not_equal", "less", "less_or_equal", "greater", "greater_or_equal"];
const texts: FilterTest[] = ["contains", "not_contains", "starts_with", "ends_with", "matches"];
const presence: FilterTest[] = ["null", "not_null"];
const ordered = /^(date|time|timetz|timestamp|timestamptz|interval.*)$/;

/** What may be asked of a column, the likeliest first. */
export function testsFor({ numeric, type_name }: Column): FilterTest[] {
  if (numeric || ordered.test(type_name)) return [...comparisons, ...presence, ...texts];
  if (type_name === "bool") return ["equal", "not_equal", ...presence];
  return [...texts, ...comparisons, ...presence];
}

export function takesValue(test: FilterTest): boolean {
  return !presence.includes(test);
}

export function takesCase(test: FilterTest): boolean {
  return texts.includes(test);
}

/** The filter that keeps rows with this value in the column, or those without it. */
export function valueFilter(column: number, value: string | null, keep: boolean): Filter {
  if (value === null) return { column, test: keep ? "null" : "not_null", match_case: false };
  return { column, test: keep ? "equal" : "not_equal", value, match_case: false };
}
