import { createAlertWebhook } from "../integrations/alert-webhook/alert-webhook";
import { createWebhookProvisioner } from "../integrations/cluster-provisioner/webhook";
import { createMcpUpstream } from "../integrations/mcp/upstream";
import { createRetrieval } from "../integrations/retrieval/retrieval";
import { createSkillScanner } from "../integrations/skill-scanner/scanner";
import { createSourceCatalogs } from "../integrations/source-catalogs/catalogs";
import type { Config } from "../kernel/config";
import type { Ctx } from "../kernel/context";
import type { Alerts } from "../kernel/ports/alerts";
import type { ClusterProvisioner } from "../kernel/ports/cluster-provisioner";
import type { McpUpstream } from "../kernel/ports/mcp";
import type { Retrieval } from "../kernel/ports/retrieval";
import type { SignIn } from "../kernel/ports/sign-in";
import type { SkillScanner } from "../kernel/ports/skill-scanner";
import type { SourceCatalogs } from "../kernel/ports/source-catalogs";
import { governanceConfig } from "./config";

/** Outside systems that only governance uses. */
export interface GovernanceServices {
  readonly mcp: McpUpstream;
  /** Catalogues of others. */
  readonly catalogs: SourceCatalogs;
  readonly signIn: SignIn;
  /** A scanner of skills elsewhere; null when none is configured. */
  readonly skillScanner: SkillScanner | null;
  /** What finds knowledge for agents; null when none is configured. */
  readonly retrieval: Retrieval | null;
  /** Who is told that projections have drifted; null when nobody is. */
  readonly driftAlerts: Alerts | null;
  /** Makes places of their own for tenants; null when only shared ones are there. */
  readonly clusterProvisioner: ClusterProvisioner | null;
}

/** Wires each port to its client, when it is asked for: a wrong variable of governance is no matter of other families. */
export function createGovernanceServices(config: Config): GovernanceServices {
  return {
    mcp: createMcpUpstream(),
    catalogs: createSourceCatalogs(config.environment === "local"),
    signIn: lateSignIn,
    get skillScanner() {
      const { scanner } = governanceConfig({ config }).skills;
      return scanner && createSkillScanner(scanner);
    },
    get retrieval() {
      const { retrieval } = governanceConfig({ config });
      return retrieval && createRetrieval(retrieval);
    },
    get driftAlerts() {
      const { webhookUrl } = governanceConfig({ config }).drift;
      return webhookUrl === null ? null : createAlertWebhook(webhookUrl);
    },
    get clusterProvisioner() {
      const { clusterProvisioner } = governanceConfig({ config });
      return clusterProvisioner && createWebhookProvisioner(clusterProvisioner);
    },
  };
}

/** The client of identity providers, loaded by the first who signs somebody in. */
const lateSignIn: SignIn = {
  begin: async (...asked) => (await import("../integrations/oidc/sign-in")).signIn.begin(...asked),
  finish: async (...asked) => (await import("../integrations/oidc/sign-in")).signIn.finish(...asked),
};

/** Governance's part of a context's services. */
export function governanceServices(ctx: Pick<Ctx, "services">): GovernanceServices {
  // src/services.ts puts every family's ports there.
  return ctx.services as unknown as GovernanceServices;
}
