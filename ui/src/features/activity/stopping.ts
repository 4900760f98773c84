// The one way in which views of the list cancel a query: it is shown, canceled, and the list of its server read again.
import { useCancels, type Wish } from "./cancels";
import type { ListedQuery } from "./listed";
import { useReads } from "./reads";
import { useActivity } from "./store";

export async function stop(query: ListedQuery, wish?: Partial<Wish>): Promise<void> {
  useActivity.getState().select(query.key);
  await useCancels.getState().cancel(query, wish);
  if (!useCancels.getState().question) await readAgain(query);
}

/** The answer to the question about another's query. */
export async function answer(yes: boolean): Promise<void> {
  const { question } = useCancels.getState();
  await useCancels.getState().answer(yes);
  if (yes && question) await readAgain(question.query);
}

/** Ends a session: its dialog has named user, text and consequences. */
export async function terminate(query: ListedQuery): Promise<void> {
  await useCancels.getState().confirmed(query, { terminate: true });
  await readAgain(query);
}

function readAgain({ target }: ListedQuery): Promise<void> {
  return useReads.getState().refresh(target.database);
}
