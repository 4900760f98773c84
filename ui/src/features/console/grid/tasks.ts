// Work on a whole result that goes on in Rust: it has a name, tells how far it is, and can be stopped.
import { backend } from "../../../ipc/backend";

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
