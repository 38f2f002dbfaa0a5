import type { Config } from "../kernel/config";
import { bad, readBaseUrl, readList } from "../kernel/variables";

const TIERS = ["dedicatedNodes", "dedicatedCluster"] as const;

/** A service that makes places of their own for tenants. */
export interface ClusterProvisionerConfig {
  /** `CLUSTER_PROVISIONER_URL`, https outside the local environment. */
  readonly url: string;
  /** `CLUSTER_PROVISIONER_TOKEN`, sent as bearer token. */
  readonly token: string;
  /** `CLUSTER_PROVISIONER_TIERS`, comma separated: which tiers it makes; both dedicated ones unless told. */
  readonly tiers: readonly string[];
}

/** Both or none: an address without a token would let anybody answer. @throws AppError BAD_ENVIRONMENT */
export function readClusterProvisioner({ variable, environment }: Config): ClusterProvisionerConfig | null {
  const [url, token] = [variable("CLUSTER_PROVISIONER_URL"), variable("CLUSTER_PROVISIONER_TOKEN")];
  if (url === undefined && token === undefined) return null;
  if (url === undefined || token === undefined) throw bad("CLUSTER_PROVISIONER_URL", "set together with CLUSTER_PROVISIONER_TOKEN, or not at all");
  const address = readBaseUrl("CLUSTER_PROVISIONER_URL", url);
  if (environment !== "local" && !address.startsWith("https:")) throw bad("CLUSTER_PROVISIONER_URL", "an https address");
  const tiers = readList(variable("CLUSTER_PROVISIONER_TIERS"));
  if (tiers.some((tier) => !TIERS.some((known) => known === tier))) throw bad("CLUSTER_PROVISIONER_TIERS", TIERS.join(", "));
  return { url: address, token, tiers: tiers.length > 0 ? tiers : TIERS };
}
