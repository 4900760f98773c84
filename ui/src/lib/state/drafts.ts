// What stands in the tabs, on its way to the disk: soon after each change, one at a time for each tab, the latest last.
import { asFailure, backend } from "../../ipc/backend";
import type { Draft } from "../../ipc/contract";
import { useToasts } from "./toasts";

/** How long after a change it is kept, at the latest. */
const SOON = 700;

interface Waiting {
  timer: ReturnType<typeof setTimeout> | null;
  saving: boolean;
}

const waiting = new Map<string, Waiting>();
/** Said once, until it works again: the next key would say it again. */
let told = false;

/** Keeps what `read` gives then, soon. `null` when the tab has gone. */
export function keepSoon(tab: string, read: () => Draft | null): void {
  const one = waiting.get(tab) ?? { timer: null, saving: false };
  waiting.set(tab, one);
  one.timer ??= setTimeout(() => {
    one.timer = null;
    // What is being kept now is older; the end of it begins anew.
    if (one.saving) keepSoon(tab, read);
    else void keep(tab, one, read);
  }, SOON);
}

/** What waits is kept now: the tab is about to go from the screen, and not because somebody closed it. */
export function keepNow(tab: string, read: () => Draft | null): void {
  const one = waiting.get(tab);
  if (!one?.timer) return;
  clearTimeout(one.timer);
  one.timer = null;
  void keep(tab, one, read);
}

/** A tab that was closed keeps nothing any more. */
export function forgetDraft(tab: string): void {
  const one = waiting.get(tab);
  if (one?.timer) clearTimeout(one.timer);
  waiting.delete(tab);
}

async function keep(tab: string, one: Waiting, read: () => Draft | null): Promise<void> {
  const draft = read();
  if (!draft) return;
  one.saving = true;
  try {
    await backend().call("draft_save", { tab, draft });
    told = false;
  } catch (reason) {
    const failure = asFailure(reason);
    // The tab, or the sign-in, was gone by then.
    if (!told && failure.code !== "not_found" && failure.code !== "not_signed_in") {
      told = true;
      useToasts.getState().fail(failure);
    }
  } finally {
    one.saving = false;
  }
}
