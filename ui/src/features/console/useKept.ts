// What a tab keeps, asked again whenever that can have changed.
import { useCallback, useEffect, useState } from "react";
import { asFailure, backend } from "../../ipc/backend";
import type { KeptResult } from "../../ipc/contract";
import { useToasts } from "../../lib/state/toasts";

const fail = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

export function useKept(tab: string, signature: string) {
  const [kept, setKept] = useState<KeptResult[]>([]);
  const ask = useCallback(async () => setKept(await backend().call("console_results", tab)), [tab]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature says that the run or its results changed
  useEffect(() => {
    let current = true;
    backend()
      .call("console_results", tab)
      .then((answer) => current && setKept(answer))
      .catch((reason) => current && fail(reason));
    return () => {
      current = false;
    };
  }, [tab, signature]);

  const pin = (result: string, pinned: boolean) => {
    backend().call("result_pin", { result, pinned }).then(ask).catch(fail);
  };
  const close = (result: string) => {
    backend().call("result_close", result).then(ask).catch(fail);
  };
  return { kept, pin, close };
}
