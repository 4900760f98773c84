// The one place that turns a failure into words: what failed, why, and what to do, in that order.
import type { TFunction } from "i18next";
import type { ErrorCode, Failure } from "../ipc/contract";
import en from "../locales/en.json";

interface Words {
  what: string;
  why: string;
  fix: string;
}

// A new code without words does not compile; the parity test then asks every other language for the same keys.
const words: Record<ErrorCode, Words> = en.error;
const sqlstates: Record<string, Partial<Words>> = en.sqlstate;

export interface Explanation extends Words {
  /** The words of the database or of AWS, verbatim. */
  server: string | null;
}

export function explain(failure: Failure, t: TFunction): Explanation {
  const code = failure.code in words ? failure.code : "internal";
  const { reason } = failure.params;
  // A problem that has a name is told in our own words; the others came in the words of whoever met them.
  const named =
    reason !== undefined && reason in en.reason
      ? { problem: t(reasonKey(reason), { value: failure.params.value ?? "" }) }
      : {};
  const values = { ...failure.params, ...named, message: failure.message, context: variant(failure) };
  const sql = failure.sql;
  if (code === "database_error" && sql) {
    const state = (sql.sqlstate in sqlstates ? sql.sqlstate : "other") as keyof typeof en.sqlstate;
    return {
      // A canceled statement was not refused.
      what:
        state === "57014" || state === "57P01" ? t(`sqlstate.${state}.what`) : t("error.database_error.what", values),
      why: t(`sqlstate.${state}.why`, values),
      fix: t(`sqlstate.${state}.fix`, values),
      server: serverText(failure),
    };
  }
  return {
    what: t(`error.${code}.what`, values),
    why: t(`error.${code}.why`, values),
    fix: t(`error.${code}.fix`, values),
    server: serverText(failure),
  };
}

function reasonKey(reason: string) {
  return `reason.${reason as keyof typeof en.reason}` as const;
}

/** Severity and message on one line as psql prints them, then what else the server said. */
function serverText(failure: Failure): string | null {
  const sql = failure.sql;
  if (!sql) return failure.server;
  const lines = [`${sql.severity}: ${sql.message}`];
  if (sql.detail) lines.push(`DETAIL: ${sql.detail}`);
  if (sql.hint) lines.push(`HINT: ${sql.hint}`);
  return lines.join("\n");
}

/** Some sentences read differently when a value is not known. */
function variant(failure: Failure): string | undefined {
  switch (failure.code) {
    case "port_in_use":
      if (failure.params.database) return "ours";
      if (failure.params.program) return undefined;
      return failure.params.user ? "user" : "unknown";
    case "aws_credentials_missing":
    case "aws_credentials_expired":
      return failure.params.profile ? undefined : "chain";
    case "file_changed":
    case "file_unusable":
      return failure.params.reason;
    case "invalid_resource":
      return failure.params.field ? undefined : "document";
    default:
      return undefined;
  }
}

/** For a bug report or a colleague: everything, in the order it is shown. */
export function asText(explanation: Explanation): string {
  return [explanation.what, explanation.why, explanation.fix, explanation.server].filter(Boolean).join("\n");
}

/** `role.yaml:12:7: db_user`, as compilers point at a place. */
export function place(failure: Failure): string | null {
  const { file, line, column, field } = failure.params;
  if (failure.code !== "invalid_resource" || !file) return null;
  const position = [file, line, column].filter(Boolean).join(":");
  return field ? `${position}: ${field}` : position;
}
