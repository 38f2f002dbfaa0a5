import type { TenantContract } from "./machine-contract.core";
import { compileMachineContract } from "./machine-contract.core";

/** The contract as a managed runtime polls it: what is in force, also as a text for its agents. Pure. */
export function toRuntimeContract(tenant: TenantContract) {
  const { contract, contractId, awareness, suspended } = tenant;
  const { mcpServers, skills } = compileMachineContract(tenant);
  const entitled = (skills.entitled ?? contract.skills.entitled).map(({ id }) => id);
  return {
    version: "opencrane-runtime/v1alpha1" as const,
    contractVersion: "2.1.0" as const,
    platform: "opencrane" as const,
    mode: "managed" as const,
    tenant: { name: contract.tenant.name, team: contract.tenant.team },
    // This shape has no word for "no rule": everything.
    policy: { mcpServers: { allow: mcpServers.allow ?? ["*"], deny: mcpServers.deny } },
    skills: { entitled },
    // Machines enforce it, and the broker lets no other call through.
    capabilities: { mcpPolicyEnforced: true },
    workspace: { "TOOLS.md": describeTools(tenant) },
    managedDocs: [],
    awareness,
    suspended,
    effective: { ...contract, contractId },
  };
}

/** Names come from operators; a line break in one must not begin a line of its own. */
const inLine = (text: string): string => text.replace(/\s+/g, " ").trim();

function describeTools(tenant: TenantContract): string {
  const { mcpServers, skills } = compileMachineContract(tenant);
  const section = (title: string, lines: readonly string[], none: string): string => `## ${title}\n\n${lines.length > 0 ? lines.map((line) => `- ${line}`).join("\n") : none}\n`;
  return [
    "# Tools\n",
    section("MCP servers", mcpServers.servers.map(({ name, transport, endpoint }) => `${inLine(name)} (${transport}): ${inLine(endpoint)}`), mcpServers.allow === null ? "No rule." : "None is allowed."),
    section("Skills", (skills.entitled ?? []).map(({ name, version }) => `${inLine(name)} ${inLine(version)}`), skills.entitled === null ? "No rule." : "None is allowed."),
  ].join("\n");
}
