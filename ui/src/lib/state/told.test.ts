import { describe, expect, test } from "vitest";
import { Told } from "./told";

function asked() {
  let resolve: (answer: string) => void = () => {};
  const answer = new Promise<string>((done) => {
    resolve = done;
  });
  return { answer, resolve };
}

describe("an answer that comes by another way than news", () => {
  test("is taken when nothing was told meanwhile", async () => {
    const told = new Told();
    const taken: string[] = [];
    told.hear();
    await told.unlessTold(Promise.resolve("answer"), (answer) => taken.push(answer));
    expect(taken).toEqual(["answer"]);
  });

  test("does not undo what was told after it was asked for", async () => {
    const told = new Told();
    const taken: string[] = [];
    const { answer, resolve } = asked();
    const taking = told.unlessTold(answer, (it) => taken.push(it));
    told.hear();
    resolve("old");
    await taking;
    expect(taken).toEqual([]);
  });

  test("is taken when the news was of another", async () => {
    const told = new Told();
    const taken: string[] = [];
    const { answer, resolve } = asked();
    const taking = told.unlessTold(answer, (it) => taken.push(it), "one");
    told.hear("another");
    resolve("answer");
    await taking;
    expect(taken).toEqual(["answer"]);
  });
});
