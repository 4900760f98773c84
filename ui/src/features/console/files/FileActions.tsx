// Files of SQL: open, save, and what to do when the file has changed meanwhile or a tab with something unsaved is closed.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { Dialog } from "../../../components/Dialog";
import { Icon } from "../../../components/Icon";
import { keys } from "../../../components/Keys";
import { asFailure } from "../../../ipc/backend";
import type { Failure } from "../../../ipc/contract";
import { explain } from "../../../lib/failure";
import { isMac } from "../../../lib/platform";
import { isUnsaved, type Tab, useConsoles } from "../../../lib/state/consoles";
import { useToasts } from "../../../lib/state/toasts";

/** A question that is open about a tab. */
type Question =
  | { tab: string; about: "changed"; failure: Failure }
  | { tab: string; about: "closing"; close: () => void };

interface Questions {
  open: Question | null;
  set: (open: Question | null) => void;
}

const useQuestions = create<Questions>((set) => ({ open: null, set: (open) => set({ open }) }));

const fail = (reason: unknown) => useToasts.getState().fail(asFailure(reason));

/** Name of a tab: its file's, or its number. */
export function useTabName(): (tab: Tab) => string {
  const { t } = useTranslation();
  return (tab) => tab.file?.name ?? t("console.untitled", { number: tab.number });
}

/** Closes a tab, and asks before something unsaved goes with it. */
export function closeAsking(tab: Tab, close: () => void): void {
  if (isUnsaved(tab)) useQuestions.getState().set({ tab: tab.id, about: "closing", close });
  else close();
}

/** True once it is saved. */
async function save(tab: Tab, how: { elsewhere?: boolean; replace?: boolean }, name: string): Promise<boolean> {
  try {
    const saved = await useConsoles.getState().save(tab.id, { ...how, name });
    if (typeof saved === "object") {
      useQuestions.getState().set({ tab: tab.id, about: "changed", failure: saved.changed });
      return false;
    }
    return saved === "saved";
  } catch (reason) {
    fail(reason);
    return false;
  }
}

export function FileActions({ tab }: { tab: Tab }) {
  const { t } = useTranslation();
  const nameOf = useTabName();
  const name = withoutEnding(nameOf(tab));
  const tell = useToasts.getState().tell;
  const open = () =>
    void useConsoles
      .getState()
      .openFile(tab.target)
      .then((restored) => restored?.mixed && tell(t("files.mixed", { name: restored.file?.name ?? "" })))
      .catch(fail);
  const saveIt = (elsewhere: boolean) => void save(tab, { elsewhere }, name);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const mod = isMac ? event.metaKey : event.ctrlKey;
      if (!mod || event.altKey || event.defaultPrevented) return;
      const key = event.key.toLowerCase();
      if (key === "s") saveIt(event.shiftKey);
      else if (key === "o" && !event.shiftKey) open();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });

  return (
    <>
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("files.open")}
        title={`${t("files.open")}  ${keys("Ctrl O")}`}
        onClick={open}
        data-testid="open-file"
      >
        <Icon name="folder" />
      </button>
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon"
        aria-label={t("files.save")}
        title={`${tab.file ? t("files.saveTo", { path: tab.file.path }) : t("files.save")}  ${keys("Ctrl S")}`}
        onClick={() => saveIt(false)}
        data-testid="save-file"
      >
        <Icon name="disk" />
      </button>
      <Question tab={tab} name={name} />
    </>
  );
}

function Question({ tab, name }: { tab: Tab; name: string }) {
  const { t } = useTranslation();
  const open = useQuestions((state) => state.open);
  const { set } = useQuestions.getState();
  // One about another tab waits until that one is looked at, which closing it does.
  if (!open || open.tab !== tab.id) return null;
  const leave = () => set(null);

  if (open.about === "closing") {
    return (
      <Dialog
        title={t("files.unsavedTitle", { name: tab.file?.name ?? "" })}
        role="alertdialog"
        onClose={leave}
        testId="unsaved"
        foot={
          <>
            <button type="button" className="btn" onClick={leave}>
              {t("common.goBack")}
            </button>
            <button
              type="button"
              className="btn btn--danger-quiet"
              onClick={() => {
                leave();
                open.close();
              }}
              data-testid="unsaved-discard"
            >
              {t("files.discard")}
            </button>
            <button
              type="button"
              className="btn btn--primary"
              data-autofocus
              onClick={async () => {
                leave();
                if (await save(tab, {}, name)) open.close();
              }}
              data-testid="unsaved-save"
            >
              {t("files.save")}
            </button>
          </>
        }
      >
        <p>{t("files.unsavedText")}</p>
      </Dialog>
    );
  }
  const gone = open.failure.params.reason === "gone";
  return (
    <Dialog
      title={explain(open.failure, t).what}
      role="alertdialog"
      onClose={leave}
      testId="file-changed"
      foot={
        <>
          <button type="button" className="btn" data-autofocus onClick={leave}>
            {t("common.goBack")}
          </button>
          {!gone && (
            <button
              type="button"
              className="btn"
              onClick={() => {
                leave();
                useConsoles.getState().reload(tab.id).catch(fail);
              }}
              data-testid="file-load"
            >
              {t("files.load")}
            </button>
          )}
          <button
            type="button"
            className="btn"
            onClick={() => {
              leave();
              void save(tab, { elsewhere: true }, name);
            }}
          >
            {t("files.saveAs")}
          </button>
          <button
            type="button"
            className={gone ? "btn btn--primary" : "btn btn--danger"}
            onClick={() => {
              leave();
              void save(tab, { replace: true }, name);
            }}
            data-testid="file-replace"
          >
            {gone ? t("files.saveAgain") : t("files.replace")}
          </button>
        </>
      }
    >
      <p>{explain(open.failure, t).why}</p>
      <p>{explain(open.failure, t).fix}</p>
    </Dialog>
  );
}

function withoutEnding(name: string): string {
  return name.replace(/\.sql$/i, "");
}
