// Answers of the shell and what it tells by itself come by different ways: an answer may arrive after news that is newer than it.

/** Counts the news of one kind of thing. */
export class Told {
  readonly #times = new Map<string, number>();

  /** Something was told of one of them. */
  hear(which = ""): void {
    this.#times.set(which, this.#count(which) + 1);
  }

  /** Takes an answer about it, unless something was told since it was asked for: if that was older, what is newer is told next. */
  async unlessTold<T>(answer: Promise<T>, take: (answer: T) => void, which = ""): Promise<void> {
    const before = this.#count(which);
    const answered = await answer;
    if (this.#count(which) === before) take(answered);
  }

  #count(which: string): number {
    return this.#times.get(which) ?? 0;
  }
}
