import i18next from "i18next";
import { asFailure, backend } from "../ipc/backend";
import { useToasts } from "./state/toasts";

/** Copies, and says what was copied: the clipboard itself cannot be seen. */
export async function copy(text: string, what: string): Promise<void> {
  try {
    await backend().clipboard.write(text);
    useToasts.getState().tell(i18next.t("common.copied", { what }));
  } catch (reason) {
    useToasts.getState().fail(asFailure(reason));
  }
}
