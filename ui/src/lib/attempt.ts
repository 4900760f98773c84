// One attempt per action: idle, running, or failed. What it gives goes to a store; what went wrong stays beside the control.
import { useCallback, useEffect, useRef, useState } from "react";
import { asFailure } from "../ipc/backend";
import type { Failure } from "../ipc/contract";

export interface Attempt<A extends unknown[]> {
  running: boolean;
  failure: Failure | null;
  run: (...args: A) => Promise<boolean>;
  clear: () => void;
}

/** `run` answers whether it worked. A canceled action is not a failure. */
export function useAttempt<A extends unknown[]>(action: (...args: A) => Promise<unknown>): Attempt<A> {
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const latest = useRef(action);
  const mounted = useRef(true);
  latest.current = action;
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);

  const run = useCallback(async (...args: A) => {
    setRunning(true);
    setFailure(null);
    try {
      await latest.current(...args);
      return true;
    } catch (reason) {
      const caught = asFailure(reason);
      if (mounted.current && caught.code !== "canceled") setFailure(caught);
      return false;
    } finally {
      if (mounted.current) setRunning(false);
    }
  }, []);
  const clear = useCallback(() => setFailure(null), []);
  return { running, failure, run, clear };
}
