import { EnvTick } from "../../components/Env";
import { useDatabases } from "../../lib/state/databases";

/** A server among several: its environment's colour beside its name. */
export function DatabaseName({ name }: { name: string }) {
  const env = useDatabases((state) => state.list?.find((database) => database.name === name)?.env ?? null);
  return (
    <span className="row act__database">
      <EnvTick env={env} />
      <span className="clip">{name}</span>
    </span>
  );
}
