// Redshift's SQL for the editor: its reserved words, the words of its own statements, its functions and types. Words that
// are as often column names (name, data, date, region, level) are left plain on purpose.
import { PostgreSQL, SQLDialect } from "@codemirror/lang-sql";

const keywords = `
  add all alter analyze analyse and any as asc authorization auto begin between both by call cascade case cast
  check close cluster collate column comment commit compupdate connection constraint copy create cross cursor database
  datashare deallocate declare default deferrable deferred delete desc detach diststyle distinct distkey distribution do
  drop else encode end escape except exclude execute exists explain external fetch fillrecord final for foreign
  freeze from full function grant group grouping having identity if ignore ignoreheader ilike immutable in initially inner
  insert interleaved intersect into is isnull isolation join language lateral leading left like limit local
  lock manifest masking materialized maxfilesize merge minus natural no not notnull null nulls of off offset on only
  open option or order out outer over overlaps parallel partition partitioned permissive pivot policy prepare
  preserve primary privileges procedure public qualify raw read recluster recursive references refresh rename repeatable
  reset restrict returning returns revoke right role rollback row rows schema select serde serializable session set share
  show similar some sortkey stable start statement statupdate stored strict table tablesample temp temporary then to top
  trailing transaction truncate uncommitted unbounded union unique unload unpivot update usage use using vacuum values
  varying view volatile wallet when where window with within without work write
  preceding following unbounded rls even compound truncatecolumns blanksasnull emptyasnull acceptinvchars
  gzip lzop bzip2 zstd parquet orc avro csv json delimiter delimited terminated overwrite allowoverwrite
  cleanpath addquotes iam_role credentials timeformat dateformat noload maxerror roundec removequotes reindex
  boost autocommit abort cancel
`;

const builtin = `
  abs any_value approximate array array_concat ascii avg bit_and bit_or bool_and bool_or btrim cast ceil ceiling
  char_length character_length charindex checksum chr coalesce collate concat convert convert_timezone cos count
  cume_dist current_database current_date current_schema current_schemas current_setting current_time current_timestamp
  current_user current_user_id date_cmp date_cmp_timestamp date_part date_part_year date_trunc dateadd datediff decode
  dense_rank exp extract first_value floor from_hex from_varbyte func_sha1 getdate greatest has_database_privilege
  has_schema_privilege has_table_privilege initcap interval_cmp is_array is_object is_scalar is_valid_json
  is_valid_json_array json_array_length json_extract_array_element_text json_extract_path_text json_parse json_serialize
  json_typeof lag last_day last_value lead least left len length listagg ln log lower lpad ltrim max md5 median min mod
  months_between next_day nth_value ntile nullif nvl nvl2 octet_length object object_transform parse_ident percent_rank
  percentile_cont percentile_disc pg_backend_pid pg_cancel_backend pg_last_copy_count pg_last_query_id
  pg_terminate_backend position power quote_ident quote_literal random rank ratio_to_report regexp_count regexp_instr
  regexp_replace regexp_substr repeat replace replicate reverse round row_number rpad rtrim session_user sha sha1 sha2 sign
  sin size sortkey split_part split_to_array sqrt stddev_pop stddev_samp strpos strtol subarray substring sum sysdate tan
  timeofday timezone to_char to_date to_hex to_number to_timestamp to_varbyte translate trim trunc typeof upper user
  var_pop var_samp version width_bucket
`;

const types = `
  bigint binary bool boolean bpchar char character date decimal double precision float float4 float8 geography geometry
  hllsketch int int2 int4 int8 integer interval nchar numeric nvarchar real smallint super text time timestamp timestamptz
  timetz varbyte varbinary varchar
`;

const listed = (text: string): string[] => [...new Set(text.trim().split(/\s+/))];

/** For completion, which knows them apart. */
export const words = { keywords: listed(keywords), functions: listed(builtin), types: listed(types) };

export const Redshift = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: words.keywords.join(" "),
  builtin: words.functions.join(" "),
  types: words.types.join(" "),
  doubleDollarQuotedStrings: true,
});
