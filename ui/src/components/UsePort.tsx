// The free port that comes with a taken one. It is offered by its number: nothing moves unless somebody says so.
import { useTranslation } from "react-i18next";
import type { Failure } from "../ipc/contract";

export function UsePort({ failure, onUse }: { failure: Failure; onUse: (port: number) => void }) {
  const { t } = useTranslation();
  const port = Number(failure.params.free);
  if (failure.code !== "port_in_use" || !port) return null;
  return (
    <button type="button" className="btn btn--sm btn--primary" onClick={() => onUse(port)} data-testid="use-free-port">
      {t("connections.usePort", { port })}
    </button>
  );
}
