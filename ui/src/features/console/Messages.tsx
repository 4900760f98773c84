// What the server said on the side: notices, and the tag of each statement.
import { useTranslation } from "react-i18next";
import type { Run, StatementRun } from "../../ipc/contract";
import { elapsed, oneLine } from "../../lib/format";
import { position } from "./run-state";

export function Messages({ run, text }: { run: Run; text: string }) {
  const { t } = useTranslation();
  const nothing = run.notices.length === 0 && run.statements.every(({ tag }) => !tag);
  if (nothing) return run.state === "failed" ? null : <p className="results__wait faint">{t("console.noMessages")}</p>;
  return (
    <div className="msgs">
      {run.notices.map((notice, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they only ever come at the end
        <p className="msgs__line" key={index}>
          <span className={notice.severity === "WARNING" ? "badge badge--warn" : "badge"}>{notice.severity}</span>
          <span className="mono selectable">{notice.message}</span>
        </p>
      ))}
      {run.statements.map((statement) => (
        <StatementLine key={statement.from} statement={statement} text={text} />
      ))}
    </div>
  );
}

function StatementLine({ statement, text }: { statement: StatementRun; text: string }) {
  const { t } = useTranslation();
  const { from, to, tag, state, elapsed_ms } = statement;
  const { line } = position(text, from);
  const outcome = tag
    ? t("console.tag", { tag, time: elapsed(elapsed_ms, 3) })
    : state === "waiting"
      ? t("console.notRun")
      : t(`console.${state}`);
  return (
    <p className="msgs__line">
      <span className="msgs__no num faint">{line}</span>
      <span className="mono clip dim grow">{oneLine(text.slice(from, to))}</span>
      <span className={state === "failed" ? "num state--bad" : "num"}>{outcome}</span>
    </p>
  );
}
