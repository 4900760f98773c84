// JSON and SUPER, folded. One Tab stop: arrows move, open and close.
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../../components/Icon";
import { copy } from "../../../lib/clipboard";
import { count } from "../../../lib/format";
import { isBranch, type JsonNode, openAtFirst, pathOf, searchNodes, textOf, visibleNodes } from "./json";
import { Lines } from "./Lines";
import { SearchField, useSearch } from "./search";

const ROW = 22;
/** A value on one line is cut here; it is whole when copied and in the text. */
const VALUE = 400;

export function JsonTree({ root, column }: { root: JsonNode; column: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<ReadonlySet<JsonNode>>(() => openAtFirst(root));
  const [at, setAt] = useState<JsonNode>(root);
  const nodes = useMemo(() => visibleNodes(root, open), [root, open]);
  const search = useSearch((words) => searchNodes(root, words), reveal);
  const place = nodes.indexOf(at);

  function reveal(node: JsonNode) {
    const wider = new Set(open);
    for (let up = node.parent; up; up = up.parent) wider.add(up);
    setOpen(wider);
    setAt(node);
  }

  const fold = (node: JsonNode, wanted = !open.has(node)) => {
    if (node.children.length === 0) return;
    const next = new Set(open);
    if (wanted) next.add(node);
    else next.delete(node);
    setOpen(next);
  };
  const copyValue = () => copy(textOf(at), t("console.valueWhat"));
  const copyPath = () => copy(pathOf(at, column), t("console.pathWhat"));

  const onKey = (event: React.KeyboardEvent) => {
    const go = (to: number) => setAt(nodes[Math.min(Math.max(0, to), nodes.length - 1)] ?? at);
    const mod = event.ctrlKey || event.metaKey;
    if (mod && event.key.toLowerCase() === "c") void (event.shiftKey ? copyPath() : copyValue());
    else if (mod || event.altKey) return;
    else if (event.key === "ArrowDown") go(place + 1);
    else if (event.key === "ArrowUp") go(place - 1);
    else if (event.key === "PageDown") go(place + 15);
    else if (event.key === "PageUp") go(place - 15);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(nodes.length - 1);
    else if (event.key === "ArrowRight") open.has(at) ? go(place + 1) : fold(at, true);
    else if (event.key === "ArrowLeft") open.has(at) ? fold(at, false) : at.parent && setAt(at.parent);
    else if (event.key === "Enter" || event.key === " ") fold(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div className="viewer__bar">
        <SearchField search={search} />
        <span className="spacer" />
        <button type="button" className="btn btn--sm btn--ghost" onClick={copyValue} data-testid="copy-value">
          <Icon name="copy" />
          {t("console.copyValue")}
        </button>
        <button type="button" className="btn btn--sm btn--ghost" onClick={copyPath} data-testid="copy-path">
          {t("console.copyPath")}
        </button>
      </div>
      <div
        className="viewer__tree"
        role="tree"
        aria-label={column}
        tabIndex={0}
        aria-activedescendant={place >= 0 ? `json-${place}` : undefined}
        onKeyDown={onKey}
        data-testid="json-tree"
      >
        <Lines
          count={nodes.length}
          height={ROW}
          reveal={place}
          className="viewer__lines"
          line={(index) => {
            const node = nodes[index] as JsonNode;
            return (
              <TreeRow
                key={index}
                node={node}
                id={`json-${index}`}
                on={node === at}
                open={open.has(node)}
                hit={search.found.has(node)}
                onPick={() => setAt(node)}
                onFold={() => {
                  setAt(node);
                  fold(node);
                }}
              />
            );
          }}
        />
      </div>
      <div className="viewer__path mono clip" title={pathOf(at, column)}>
        {pathOf(at, column)}
      </div>
    </>
  );
}

interface RowProps {
  node: JsonNode;
  id: string;
  on: boolean;
  open: boolean;
  hit: boolean;
  onPick: () => void;
  onFold: () => void;
}

function TreeRow({ node, id, on, open, hit, onPick, onFold }: RowProps) {
  const { t } = useTranslation();
  const branch = isBranch(node) && node.children.length > 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys
    <div
      role="treeitem"
      id={id}
      aria-level={node.depth + 1}
      aria-selected={on}
      aria-expanded={branch ? open : undefined}
      className={`viewer__row${on ? " is-on" : ""}${hit ? " is-hit" : ""}`}
      style={{ paddingLeft: 8 + Math.min(node.depth, 40) * 14 }}
      onClick={onPick}
      onDoubleClick={onFold}
    >
      {branch ? (
        // biome-ignore lint/a11y/useKeyWithClickEvents: arrows do it
        // biome-ignore lint/a11y/noStaticElementInteractions: the row is the control
        <span className="viewer__chev" onClick={onFold}>
          <Icon name={open ? "down" : "right"} />
        </span>
      ) : (
        <span className="viewer__chev" />
      )}
      {node.key !== null && <span className={typeof node.key === "number" ? "faint" : "viewer__key"}>{node.key}</span>}
      {node.key !== null && <span className="faint">:</span>}
      {isBranch(node) ? (
        <span className="faint">
          {node.kind === "object"
            ? t("console.jsonKeys", { count: node.children.length, n: count(node.children.length) })
            : t("console.jsonItems", { count: node.children.length, n: count(node.children.length) })}
        </span>
      ) : (
        <span className={`viewer__value clip is-${node.kind}`}>
          {node.kind === "string" ? JSON.stringify(node.value.slice(0, VALUE)) : node.value.slice(0, VALUE)}
        </span>
      )}
    </div>
  );
}
