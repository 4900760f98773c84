// Commit and roll back, by button and by key. A failure stays on the screen; what is done shows in the state itself.
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { asFailure } from "../../../ipc/backend";
import { isRunning, type Tab, useConsoles } from "../../../lib/state/consoles";
import { useToasts } from "../../../lib/state/toasts";

export function useEndTransaction(tab: Tab) {
  const { t } = useTranslation();
  const [ending, setEnding] = useState(false);
  const { id, transaction } = tab;
  const open = transaction !== null && !isRunning(tab) && !ending;
  const mayCommit = open && !transaction.failed;

  const end = useCallback(
    async (commit: boolean) => {
      setEnding(true);
      try {
        const committed = await useConsoles.getState().endTransaction(id, commit);
        useToasts.getState().tell(t(committed ? "transaction.committed" : "transaction.rolledBack"));
      } catch (reason) {
        useToasts.getState().fail(asFailure(reason));
      } finally {
        setEnding(false);
      }
    },
    [id, t],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key === "y" && mayCommit) void end(true);
      else if (key === "x" && open) void end(false);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [end, mayCommit, open]);

  return { commit: () => void end(true), rollBack: () => void end(false), ending };
}
