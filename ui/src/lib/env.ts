/** The three environments that have a colour. Any other value keeps its word and stays grey. */
export type EnvKind = "prod" | "stage" | "dev";

const kinds: Record<string, EnvKind> = {
  prod: "prod",
  production: "prod",
  stage: "stage",
  staging: "stage",
  dev: "dev",
  development: "dev",
};

export function envKind(env: string | null): EnvKind | null {
  return (env && kinds[env.toLowerCase()]) || null;
}
