// What became of a cancel in one sentence with its times: "Asked 12:01:03, server reported canceled after 1.2 s, session usable."
import type { TFunction } from "i18next";
import type { CancelReport, ClientCancel } from "../../ipc/contract";
import { clock } from "../../lib/format";

type Told = Pick<CancelReport | ClientCancel, "asked_at" | "steps" | "session">;

export function story(report: Told, t: TFunction): string {
  const parts = [t("activity.story.asked", { time: clock(report.asked_at) })];
  const reported = report.steps.findLast(({ kind }) => kind === "server_reports");
  if (reported) {
    const after = (reported.at_ms / 1000).toFixed(1);
    parts.push(
      reported.detail === ""
        ? t("activity.story.gone", { after })
        : t("activity.story.reported", { after, status: reported.detail }),
    );
  }
  if (report.session) parts.push(t(`activity.story.${report.session}`));
  return `${parts.join(", ")}.`;
}
