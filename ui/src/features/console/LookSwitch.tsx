// Rows or plot, plan or text: what a result is looked at as.
import { useTranslation } from "react-i18next";
import type { ResultInfo } from "../../ipc/contract";
import { isPlan, type Look, looksOf, useLooks } from "./looks";

export function LookSwitch({ result }: { result: ResultInfo }) {
  const { t } = useTranslation();
  const { look } = useLooks.getState();
  const looks = looksOf(result);
  const now = useLooks((state) => state.looks[result.id]) ?? looks[0];
  const name = (one: Look) => {
    if (one === "rows") return isPlan(result) ? t("plan.text") : t("plot.rows");
    return one === "plan" ? t("plan.tree") : t("plot.plot");
  };
  return (
    <fieldset className="segmented looks" aria-label={t("plot.look")}>
      {looks.map((one) => (
        <button
          key={one}
          type="button"
          className={one === now ? "segmented__item is-on" : "segmented__item"}
          aria-pressed={one === now}
          onClick={() => look(result.id, one)}
          data-testid={`look-${one}`}
        >
          {name(one)}
        </button>
      ))}
    </fieldset>
  );
}
