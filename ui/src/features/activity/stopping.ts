// The one way in which views of the list cancel a query: it is shown, canceled, and the list read again.
import type { Query, Target } from "../../ipc/contract";
import { useCancels, type Wish } from "./cancels";
import { useActivity } from "./store";

export async function stop(target: Target | null, query: Query, wish?: Partial<Wish>): Promise<void> {
  if (!target) return;
  useActivity.getState().select(query.query_id);
  await useCancels.getState().cancel({ target, query }, wish);
  if (!useCancels.getState().question) await useActivity.getState().refresh();
}

/** The answer to the question about another's query. */
export async function answer(yes: boolean): Promise<void> {
  await useCancels.getState().answer(yes);
  if (yes) await useActivity.getState().refresh();
}

/** Ends a session: its dialog has named user, text and consequences. */
export async function terminate(target: Target | null, query: Query): Promise<void> {
  if (!target) return;
  await useCancels.getState().confirmed({ target, query }, { terminate: true });
  await useActivity.getState().refresh();
}
