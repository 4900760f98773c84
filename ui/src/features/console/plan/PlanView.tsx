// A plan as a tree: what is done, on how many rows, at which cost, and what is worth a look. The text it was read from is one click away.
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FailureNote } from "../../../components/FailureNote";
import { Icon } from "../../../components/Icon";
import { asFailure, backend } from "../../../ipc/backend";
import type { Failure, Plan, PlanNode, ResultInfo } from "../../../ipc/contract";
import { newTask } from "../grid/tasks";
import { amount, childrenOf, ownShare, shownNodes } from "./tree";
import "./plan.css";

export function PlanView({ result }: { result: ResultInfo }) {
  const [plan, setPlan] = useState<Plan | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [asked, setAsked] = useState(0);
  const { id, rows } = result;

  // biome-ignore lint/correctness/useExhaustiveDependencies: more rows, or somebody who asks again
  useEffect(() => {
    let current = true;
    backend()
      .call("result_plan", { result: id, task: newTask("plan") })
      .then((answer) => {
        if (!current) return;
        setPlan(answer);
        setFailure(null);
      })
      .catch((reason) => current && setFailure(asFailure(reason)));
    return () => {
      current = false;
    };
  }, [id, rows, asked]);

  if (failure) {
    return (
      <div className="strip-failure">
        <FailureNote failure={failure} onRetry={() => setAsked(asked + 1)} />
      </div>
    );
  }
  return plan && <Tree plan={plan} />;
}

function Tree({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set());
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const { nodes } = plan;
  const shown = useMemo(() => shownNodes(nodes, closed), [nodes, closed]);
  const worth = nodes.reduce((sum, { warnings }) => sum + warnings.length, 0);

  const toggle = (index: number, open: boolean) => {
    const next = new Set(closed);
    if (open) next.delete(index);
    else next.add(index);
    setClosed(next);
  };
  const focus = (index: number) => {
    setAt(index);
    list.current?.querySelector<HTMLElement>(`[data-at="${index}"]`)?.focus();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const place = shown.indexOf(at);
    const node = nodes[at];
    if (!node) return;
    const parent = [...shown.slice(0, place)].reverse().find((index) => (nodes[index]?.depth ?? 0) < node.depth);
    const hasMore = childrenOf(nodes, at) > 0;
    if (event.key === "ArrowDown") focus(shown[Math.min(place + 1, shown.length - 1)] ?? at);
    else if (event.key === "ArrowUp") focus(shown[Math.max(place - 1, 0)] ?? at);
    else if (event.key === "Home") focus(shown[0] ?? 0);
    else if (event.key === "End") focus(shown[shown.length - 1] ?? at);
    else if (event.key === "ArrowLeft" && hasMore && !closed.has(at)) toggle(at, false);
    else if (event.key === "ArrowLeft" && parent !== undefined) focus(parent);
    else if (event.key === "ArrowRight" && closed.has(at)) toggle(at, true);
    else if (event.key === "ArrowRight" && hasMore) focus(shown[place + 1] ?? at);
    else return;
    event.preventDefault();
  };

  return (
    <div className="plan" data-testid="plan">
      {(plan.notes.length > 0 || worth > 0 || plan.cut) && (
        <div className="plan__notes">
          {worth > 0 && (
            <span className="state state--warn">
              <Icon name="alert" size="sm" />
              {t("plan.worth", { count: worth, n: worth })}
            </span>
          )}
          {plan.cut && <span>{t("plan.cut")}</span>}
          {plan.notes.map((note) => (
            <span key={note} className="selectable">
              {note}
            </span>
          ))}
        </div>
      )}
      <div className="plan__head num" aria-hidden="true">
        <span>{t("plan.step")}</span>
        <span className="plan__n">{t("plan.cost")}</span>
        <span className="plan__n">{t("plan.rows")}</span>
        <span className="plan__n hide-narrow">{t("plan.width")}</span>
      </div>
      <div className="plan__list" role="tree" aria-label={t("plan.label")} ref={list} onKeyDown={onKey}>
        {shown.map((index) => {
          const node = nodes[index];
          if (!node) return null;
          return (
            <Step
              key={index}
              index={index}
              node={node}
              share={ownShare(nodes, index)}
              open={childrenOf(nodes, index) === 0 ? null : !closed.has(index)}
              on={index === at}
              onToggle={(open) => toggle(index, open)}
              onPick={() => setAt(index)}
            />
          );
        })}
      </div>
    </div>
  );
}

interface StepProps {
  index: number;
  node: PlanNode;
  /** How much of the whole cost is its own, 0 to 1; null when the plan does not say. */
  share: number | null;
  /** null where nothing is below. */
  open: boolean | null;
  on: boolean;
  onToggle: (open: boolean) => void;
  onPick: () => void;
}

function Step({ index, node, share, open, on, onToggle, onPick }: StepProps) {
  const { t } = useTranslation();
  const said = [
    node.name,
    node.cost === null ? "" : `${t("plan.cost")} ${amount(node.cost)}`,
    node.rows === null ? "" : `${t("plan.rows")} ${amount(node.rows)}`,
    ...node.warnings.map((warning) => t(`plan.warnings.${warning}`)),
  ];
  return (
    <div
      className={`plan__step${node.warnings.length > 0 ? " is-warned" : ""}`}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-expanded={open ?? undefined}
      aria-selected={on}
      aria-label={said.filter(Boolean).join(", ")}
      tabIndex={on ? 0 : -1}
      onFocus={onPick}
      data-at={index}
      data-testid={`plan-step-${index}`}
    >
      <div className="plan__row num">
        <span className="plan__name" style={{ paddingLeft: Math.min(node.depth, 30) * 18 }}>
          {open === null ? (
            <i className="plan__leaf" />
          ) : (
            <button
              type="button"
              className="plan__twist"
              tabIndex={-1}
              aria-hidden="true"
              onClick={() => onToggle(!open)}
            >
              <Icon name={open ? "down" : "right"} size="sm" />
            </button>
          )}
          <span className="selectable strong clip" title={node.name}>
            {node.name}
          </span>
        </span>
        <span
          className="plan__n"
          title={node.cost_first === null ? undefined : t("plan.costFirst", { cost: amount(node.cost_first) })}
        >
          {share !== null && <i className="plan__share" style={{ width: `${Math.round(share * 64)}px` }} />}
          {node.cost === null ? "" : amount(node.cost)}
        </span>
        <span className="plan__n">{node.rows === null ? "" : amount(node.rows)}</span>
        <span className="plan__n hide-narrow">{node.width ?? ""}</span>
      </div>
      {node.warnings.map((warning) => (
        <p key={warning} className="plan__warning" style={{ paddingLeft: Math.min(node.depth, 30) * 18 + 20 }}>
          <Icon name="alert" size="sm" />
          <span>{t(`plan.warnings.${warning}`)}</span>
        </p>
      ))}
      {(node.details.length > 0 || node.actual) && (
        <div className="plan__details mono" style={{ paddingLeft: Math.min(node.depth, 30) * 18 + 20 }}>
          {node.actual && <span className="selectable">{node.actual}</span>}
          {node.details.map(({ name, text }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a plan never change places
            <span key={at} className="selectable">
              {name && <span className="faint">{name}: </span>}
              {text}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
