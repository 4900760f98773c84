// The marks of an environment. The word is always beside the colour.
import { envKind } from "../lib/env";

export function EnvTick({ env }: { env: string | null }) {
  const kind = envKind(env);
  return <i className={kind ? `env-tick env-tick--${kind}` : "env-tick"} aria-hidden="true" />;
}

export function EnvChip({ env, solid }: { env: string | null; solid?: boolean }) {
  if (!env) return null;
  const kind = envKind(env);
  return <span className={`env${kind ? ` env--${kind}` : ""}${solid ? " env--solid" : ""}`}>{env}</span>;
}
