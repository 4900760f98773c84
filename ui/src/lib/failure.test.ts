import i18next from "i18next";
import { describe, expect, it } from "vitest";
import { failure } from "../test/memory-backend";
import { asText, explain, place } from "./failure";

const words = (...of: Parameters<typeof failure>) => explain(failure(...of), i18next.t);

describe("a failure in words", () => {
  it("says what failed, why, and what to do, with its values", () => {
    expect(words("port_in_use", { port: "5441", program: "postgres", pid: "911", free: "5448" })).toEqual({
      what: "Port 5441 is taken.",
      why: "postgres, pid 911, listens on it. Postern never moves to another port by itself.",
      fix: "Choose another port, or stop that program.",
      server: null,
    });
  });

  it("does not name what is not known", () => {
    expect(words("port_in_use", { port: "5441" }).why).toContain("Another program listens on it.");
    expect(words("port_in_use", { port: "5441", user: "kim" }).why).toContain("A program of the user kim");
    expect(words("aws_credentials_missing", { profile: "" }).why).toContain("default chain");
  });

  it("keeps the server's words apart and as they came", () => {
    const server = "User: arn:aws:sts::1:x is not authorized to perform: sts:AssumeRole";
    expect(words("aws_denied", { hop: "2" }, { server }).server).toBe(server);
  });

  it("explains an SQLSTATE it knows and shows detail and hint verbatim", () => {
    const explained = words(
      "database_error",
      {},
      {
        sql: {
          severity: "ERROR",
          sqlstate: "42703",
          message: "column c.regoin does not exist",
          detail: null,
          hint: "Perhaps you meant c.region.",
          from: 4,
          to: 10,
        },
      },
    );
    expect(explained.why).toBe("No column of that name is there.");
    expect(explained.server).toBe("ERROR: column c.regoin does not exist\nHINT: Perhaps you meant c.region.");
    expect(asText(explained).split("\n")).toHaveLength(5);
  });

  it("points at a place in a file as compilers do", () => {
    const params = {
      file: "role.yaml",
      line: "12",
      column: "7",
      field: "spec.allow.db_user",
      problem: "unknown field",
    };
    expect(place(failure("invalid_resource", params))).toBe("role.yaml:12:7: spec.allow.db_user");
    expect(place(failure("not_found", { kind: "role", name: "x" }))).toBeNull();
  });

  it("stays readable when a newer shell sends a code this page does not know", () => {
    const unknown = { ...failure("internal", { detail: "odd" }), code: "brand_new" as never };
    expect(explain(unknown, i18next.t).what).toBe("Postern itself failed.");
  });
});
