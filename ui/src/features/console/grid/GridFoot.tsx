// Below the rows: what is selected and what it adds up to, what is hidden, which rows are seen.
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { keys } from "../../../components/Keys";
import type { Column } from "../../../ipc/contract";
import { count } from "../../../lib/format";
import type { Rows } from "./copying";
import { GoTo } from "./GoTo";
import { hiddenColumns, type Layout } from "./layout";
import { type Bounds, bounds, cellCount, type Selection } from "./selection";
import type { Copying } from "./useCopy";
import { MOST_SUMMED_ROWS, useTotals } from "./useTotals";

interface Props {
  rows: Rows;
  columns: Column[];
  layout: Layout;
  selection: Selection | null;
  copying: Copying | null;
  seen: { first: number; last: number; following: boolean };
  total: number;
  going: boolean;
  onFind: () => void;
  onGoing: (open: boolean) => void;
  onGo: (row: number) => void;
  onShowAll: () => void;
  onCopyMenu: (x: number, y: number) => void;
}

export function GridFoot(props: Props) {
  const { t } = useTranslation();
  const { selection, layout, copying } = props;
  const hidden = hiddenColumns(layout).length;
  return (
    <div className="gridfoot num">
      {copying ? (
        <>
          <span data-testid="copying">
            {t("console.copyingRows", { done: count(copying.done), all: count(copying.all) })}
          </span>
          <button type="button" className="gridfoot__do" onClick={copying.stop} data-testid="copy-stop">
            {t("console.stopCopy")}
          </button>
        </>
      ) : (
        selection && (
          <>
            <button
              type="button"
              className="gridfoot__do"
              aria-haspopup="menu"
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect();
                props.onCopyMenu(box.left, box.top);
              }}
              data-testid="copy-as"
            >
              <Icon name="copy" size="sm" />
              {t("console.copyAs")}
            </button>
            <Totals {...props} box={bounds(selection)} />
          </>
        )
      )}
      <span className="spacer" />
      {hidden > 0 && (
        <button type="button" className="gridfoot__do" onClick={props.onShowAll} data-testid="show-all-columns">
          {t("console.hiddenColumns", { count: hidden, n: count(hidden) })}
        </button>
      )}
      <button
        type="button"
        className="gridfoot__do"
        title={`${t("console.find")}  ${keys("Ctrl F")}`}
        onClick={props.onFind}
        data-testid="find"
      >
        <Icon name="search" size="sm" />
        {t("console.findDo")}
      </button>
      <GoTo seen={props.seen} total={props.total} open={props.going} onOpen={props.onGoing} onGo={props.onGo} />
    </div>
  );
}

function Totals({ rows, columns, layout, box }: Props & { box: Bounds }) {
  const { t } = useTranslation();
  const cells = cellCount(box);
  const summed = useTotals(rows, columns, layout.order, box);
  return (
    // A single cell is said by the grid itself as the keys come to it.
    <span className="gridfoot__sums" role={cells > 1 ? "status" : undefined}>
      <span>{t("console.cells", { count: cells, n: count(cells) })}</span>
      {summed.state === "adding" && <span className="faint">{t("console.adding")}</span>}
      {summed.state === "too_many" && (
        <span className="faint hide-narrow">{t("console.sumTooMany", { most: count(MOST_SUMMED_ROWS) })}</span>
      )}
      {summed.state === "done" && (
        <>
          <span data-testid="sum">
            <span className="faint">{t("console.sum")}</span> {summed.totals.sum}
          </span>
          <span data-testid="average">
            <span className="faint">{t("console.average")}</span> {summed.totals.average}
          </span>
        </>
      )}
    </span>
  );
}
