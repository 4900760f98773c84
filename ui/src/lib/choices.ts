// What a person may pick as database user and database name.
import type { Choices, Database } from "../ipc/contract";

export function reachable(database: Database): boolean {
  return offers(database.db_users) && offers(database.db_names);
}

function offers(choices: Choices): boolean {
  return choices.wildcard || choices.allowed.length > 0;
}

/** The value to start with; empty when only the person can say. */
export function first(choices: Choices): string {
  return choices.allowed[0] ?? "";
}

export function permits(choices: Choices, value: string): boolean {
  if (value === "" || choices.denied.includes(value)) return false;
  return choices.wildcard || choices.allowed.includes(value);
}

/** An IAM role's name: `role/x` of an ARN, or the name itself. */
export function roleName(dbUser: string): string {
  return dbUser.startsWith("arn:") ? (dbUser.split("/").pop() ?? dbUser) : dbUser;
}

/** A database user without the prefix that Redshift gives those of IAM roles, for lists in which each has it. */
export function userName(dbUser: string): string {
  return dbUser.replace(/^IAMR:/, "");
}
