// Which servers are shown: one to begin with, and others beside it.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { reachable } from "../../lib/choices";
import { useDatabases } from "../../lib/state/databases";
import { DatabaseName } from "./DatabaseName";
import { useReads } from "./reads";
import { TargetPicker } from "./TargetPicker";

export function Targets() {
  const { t } = useTranslation();
  const targets = useReads((state) => state.targets);
  const reads = useReads((state) => state.reads);
  const { choose, add, remove } = useReads.getState();
  const list = useDatabases((state) => state.list) ?? [];
  const [adding, setAdding] = useState(false);
  const shown = targets.map(({ database }) => database);
  const more = list.filter((database) => reachable(database) && !shown.includes(database.name)).length > 0;
  const one = targets.length < 2 && !adding;

  return (
    <div className="row act__targets">
      {one ? (
        <TargetPicker key={shown[0] ?? ""} target={targets[0] ?? null} without={[]} onChoose={choose} />
      ) : (
        targets.map(({ database, db_user, db_name }) => (
          <span
            key={database}
            className="chip act__target"
            title={`${database}, ${db_user}, ${db_name}`}
            data-state={state(database)}
            data-testid={`target-${database}`}
          >
            <DatabaseName name={database} />
            {state(database) === "failed" && <Icon name="alert" />}
            <button
              type="button"
              className="chip__off"
              aria-label={t("activity.removeDatabase", { database })}
              title={t("activity.removeDatabase", { database })}
              onClick={() => remove(database)}
              data-testid={`target-remove-${database}`}
            >
              <Icon name="x" />
            </button>
          </span>
        ))
      )}
      {adding && (
        // biome-ignore lint/a11y/noStaticElementInteractions: Esc takes the question back
        <span
          className="row"
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setAdding(false);
          }}
        >
          <TargetPicker
            target={null}
            without={shown}
            onChoose={async (target) => {
              setAdding(false);
              await add(target);
            }}
          />
          <button
            type="button"
            className="btn btn--sm btn--ghost btn--icon"
            aria-label={t("common.goBack")}
            title={t("common.goBack")}
            onClick={() => setAdding(false)}
          >
            <Icon name="x" />
          </button>
        </span>
      )}
      {targets.length > 0 && more && !adding && (
        <button
          type="button"
          className="btn btn--sm btn--ghost btn--icon"
          aria-label={t("activity.addDatabase")}
          title={t("activity.addDatabase")}
          onClick={() => setAdding(true)}
          data-testid="activity-add"
        >
          <Icon name="plus" />
        </button>
      )}
    </div>
  );

  function state(database: string): "failed" | "reading" | "read" {
    const read = reads[database];
    if (read?.failure) return "failed";
    return read?.about ? "read" : "reading";
  }
}
