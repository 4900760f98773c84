import type { Phase, PhaseName } from "./phases";

export const phaseClasses = {
  lock: "ph-lock",
  queue: "ph-queue",
  planning: "ph-plan",
  compile: "ph-compile",
  execution: "ph-exec",
  returning: "ph-return",
} as const satisfies Record<PhaseName, string>;

/** A bar whose parts are as wide as their times. Time without a name leaves its place empty. */
export function PhaseBar({ phases }: { phases: Phase[] }) {
  return (
    <span className="bar">
      {phases.map(({ name, ms }) => (
        <i
          key={name}
          className={name === "unknown" ? "ph-unknown" : phaseClasses[name]}
          style={{ flex: `${ms} 0 0` }}
        />
      ))}
    </span>
  );
}
