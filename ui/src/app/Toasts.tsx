import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../components/FailureNote";
import { Icon } from "../components/Icon";
import { type Toast, useToasts } from "../lib/state/toasts";
import { Exports } from "./Exports";

const NEWS_MS = 5000;

export function Toasts() {
  const list = useToasts((state) => state.list);
  return (
    <div className="toasts">
      <Exports />
      <div className="toasts__news" aria-live="polite">
        {list.map((toast) => (
          <ToastBox key={toast.id} toast={toast} />
        ))}
      </div>
    </div>
  );
}

function ToastBox({ toast }: { toast: Toast }) {
  const { t } = useTranslation();
  const close = useToasts((state) => state.close);
  useEffect(() => {
    if (toast.kind !== "news") return;
    const timer = setTimeout(() => close(toast.id), NEWS_MS);
    return () => clearTimeout(timer);
  }, [toast, close]);
  const { action } = toast;

  return (
    <div className="toast" data-testid={`toast-${toast.kind}`}>
      {toast.kind === "news" ? (
        <>
          <span className="state state--ok">
            <Icon name="okc" />
          </span>
          <span className="grow">{toast.text}</span>
        </>
      ) : (
        <div className="grow">
          <FailureNote failure={toast.failure}>
            {action && (
              <button
                type="button"
                className="btn btn--sm"
                onClick={() => {
                  close(toast.id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            )}
          </FailureNote>
        </div>
      )}
      <button
        type="button"
        className="btn btn--sm btn--ghost btn--icon toast__close"
        aria-label={t("common.close")}
        onClick={() => close(toast.id)}
      >
        <Icon name="x" />
      </button>
    </div>
  );
}
