// Creating roles, users and databases from YAML: the dialog, the sign-in screen and a dropped file all come through here.
import i18next from "i18next";
import { create } from "zustand";
import { asFailure, backend } from "../ipc/backend";
import { useDatabases } from "./state/databases";
import { useStatus } from "./state/status";
import { useToasts } from "./state/toasts";

/** Counts what was created, so that whoever lists users looks again. */
export const useResources = create<{ revision: number; dialogOpen: boolean; setDialog: (open: boolean) => void }>(
  (set) => ({
    revision: 0,
    dialogOpen: false,
    setDialog: (dialogOpen) => set({ dialogOpen }),
  }),
);

/** Rejects with a failure that names file, line, column and field. */
export async function createResources(fileName: string, text: string, force = false): Promise<void> {
  const stored = await backend().call("resources_create", { file_name: fileName, text, force });
  for (const { kind, name, updated } of stored) {
    useToasts.getState().tell(i18next.t(updated ? "import.updated" : "import.created", { kind, name }));
  }
  useResources.setState(({ revision }) => ({ revision: revision + 1 }));
  if (useStatus.getState().status?.identity) await useDatabases.getState().load();
}

/** A file dropped on the window: whatever happens is told in a toast. */
export async function createFromFile(file: File, force = false): Promise<void> {
  const toasts = useToasts.getState();
  try {
    await createResources(file.name, await file.text(), force);
  } catch (reason) {
    const failure = asFailure(reason);
    const replace = { label: i18next.t("common.replace"), run: () => void createFromFile(file, true) };
    toasts.fail(failure, failure.code === "already_exists" ? replace : undefined);
  }
}
