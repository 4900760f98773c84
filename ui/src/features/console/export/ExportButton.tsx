// Beside the result's tabs: opens the choices of an export.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { keys } from "../../../components/Keys";
import type { Tab } from "../../../lib/state/consoles";
import { type Exportable, ExportDialog } from "./ExportDialog";
import "./export.css";

export function ExportButton({ tab, one }: { tab: Tab; one: Exportable | undefined }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const ready = one !== undefined;
  useEffect(() => {
    if (!ready) return;
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.key.toLowerCase() !== "e") return;
      event.preventDefault();
      setOpen(true);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [ready]);

  if (!one) return null;
  return (
    <>
      <button
        type="button"
        className="btn btn--sm btn--ghost export__button"
        title={`${t("export.title")}  ${keys("Ctrl Shift E")}`}
        onClick={() => setOpen(true)}
        data-testid="export"
      >
        <Icon name="save" />
        {t("export.button")}
      </button>
      {open && <ExportDialog tab={tab} one={one} onClose={() => setOpen(false)} />}
    </>
  );
}
