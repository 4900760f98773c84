// Work on a whole result that goes on in Rust: it has a name, tells how far it is, and can be stopped.
import { asFailure, backend } from "../../../ipc/backend";
import type { Failure } from "../../../ipc/contract";

export interface Progress {
  done: number;
  of: number;
}

let last = 0;

/** A name that no other work of this window has. */
export function newTask(kind: string): string {
  last += 1;
  return `${kind}-${last}`;
}

/** Does `work` under a name, and hears how far it is until it ends. */
export async function followed<T>(
  task: string,
  progress: (progress: Progress) => void,
  work: (task: string) => Promise<T>,
): Promise<T> {
  const off = backend().on("result_progress", (report) => {
    if (report.task === task) progress({ done: report.done, of: report.of });
  });
  try {
    return await work(task);
  } finally {
    off();
  }
}

export function stopTask(task: string): Promise<null> {
  return backend().call("result_cancel", task);
}

interface Heard<T> {
  progress: (progress: Progress) => void;
  done: (value: T) => void;
  stopped: () => void;
  failed: (failure: Failure) => void;
}

/**
 * Begins work that takes the place of what `current` names: what that one still tells is not heard. Gives the way to end it, for an
 * effect to return.
 */
export function takeOver<T>(
  kind: string,
  current: { current: string | null },
  work: (task: string) => Promise<T>,
  heard: Heard<T>,
): () => void {
  const own = newTask(kind);
  current.current = own;
  const mine = () => current.current === own;
  followed(own, (progress) => mine() && heard.progress(progress), work).then(
    (value) => mine() && heard.done(value),
    (reason) => {
      if (!mine()) return;
      const failure = asFailure(reason);
      if (failure.code === "canceled") heard.stopped();
      else heard.failed(failure);
    },
  );
  return () => {
    if (mine()) current.current = null;
    void stopTask(own).catch(() => {});
  };
}
