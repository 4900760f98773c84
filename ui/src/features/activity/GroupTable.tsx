// Queries by who runs them, or by what they are: how many, and what they took together. A group opens as its own queries.
import { useTranslation } from "react-i18next";
import { userName } from "../../lib/choices";
import { age, bytes, count, oneLine, took } from "../../lib/format";
import type { Group, Grouping } from "./filters";

interface Props {
  groups: Group[];
  by: Exclude<Grouping, "none">;
  uncounted: boolean;
  onOpen: (group: Group) => void;
}

/** More groups are not worth a look: they are the ones that took least. */
const MOST = 300;

export function GroupTable({ groups, by, uncounted, onOpen }: Props) {
  const { t } = useTranslation();
  return (
    <div className="act__wrap" data-testid="group-rows">
      <table className="table" aria-label={t("activity.group")}>
        <colgroup>
          <col />
          <col style={{ width: 68 }} />
          <col style={{ width: 52 }} />
          <col style={{ width: 56 }} />
          <col style={{ width: 70 }} />
          <col style={{ width: 70 }} />
          {!uncounted && <col style={{ width: 88 }} />}
          {!uncounted && <col style={{ width: 80 }} />}
        </colgroup>
        <thead>
          <tr>
            <th>{t(by === "user" ? "activity.user" : "activity.statement")}</th>
            <th className="right">{t("activity.queries")}</th>
            <th className="right">{t("activity.live")}</th>
            <th className="right">{t("activity.failed")}</th>
            <th className="right sorted">{t("activity.total")}</th>
            <th className="right">{t("activity.longest")}</th>
            {!uncounted && <th className="right">{t("activity.rows")}</th>}
            {!uncounted && <th className="right">{t("activity.bytes")}</th>}
          </tr>
        </thead>
        <tbody>
          {groups.slice(0, MOST).map((group) => (
            <tr key={group.key} onClick={() => onOpen(group)} data-testid="group">
              <td className={by === "hash" ? "mono" : undefined} title={group.label.slice(0, 600)}>
                <button type="button" className="act__group clip">
                  {by === "user" ? userName(group.label) || "–" : oneLine(group.label.slice(0, 300)) || "–"}
                </button>
              </td>
              <td className="right num">{count(group.count)}</td>
              <td className={group.live ? "right num state--run" : "right num faint"}>{count(group.live)}</td>
              <td className={group.failed ? "right num state--bad" : "right num faint"}>{count(group.failed)}</td>
              <td className="right num strong">{long(group.total)}</td>
              <td className="right num">{long(group.longest)}</td>
              {!uncounted && <td className="right num">{count(group.rows)}</td>}
              {!uncounted && <td className="right num">{bytes(group.bytes)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {groups.length > MOST && (
        <p className="act__note faint">{t("activity.moreGroups", { count: groups.length - MOST })}</p>
      )}
    </div>
  );
}

function long(ms: number): string {
  return ms >= 1000 ? age(ms) : took(ms);
}
