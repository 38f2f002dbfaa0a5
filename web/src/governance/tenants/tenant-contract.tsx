import { useQuery } from "@tanstack/react-query";
import { Id } from "../../admin/parts";
import { Section } from "../../machine/section";
import { CopyButton } from "../../ui/copy-button";
import { shortDigest } from "../catalogue/catalogue.core";
import { contractQuery, policyQuery } from "../governance-query";
import type { EffectiveContract, Policy, Tenant } from "../governance.types";
import { Card, Chips, Line, Read } from "../parts";
import { showEgress } from "../texts.core";

/** What the tenant's agents may do and know, for people to read. */
export function TenantContract({ tenant }: { tenant: Tenant }) {
  const contract = useQuery(contractQuery(tenant.name));
  return (
    <Section title="Effective contract">
      <Read result={contract} what="the contract" rows={5}>
        {(data) => (
          <Card isList data-testid="contract">
            <dl>
              <Line label="Contract">
                <span className="-my-2 flex items-center gap-1">
                  <span className="min-w-0 truncate">
                    <Id>{data.contractId}</Id>
                  </span>
                  <CopyButton text={data.contractId} label="Copy the contract's id" />
                </span>
              </Line>
              <PolicyLines tenant={tenant} />
              <Granted contract={data} />
            </dl>
          </Card>
        )}
      </Read>
    </Section>
  );
}

function PolicyLines({ tenant }: { tenant: Tenant }) {
  const { policy } = tenant;
  if (policy === undefined || policy.state === "none") return <Line label="Domains and tools">No policy: not restricted</Line>;
  if (policy.state !== "resolved" || policy.name === null) return <Line label="Domains and tools">Nothing is allowed until the policy is settled</Line>;
  return <ResolvedLines name={policy.name} />;
}

function ResolvedLines({ name }: { name: string }) {
  const { data, error } = useQuery(policyQuery(name));
  if (!data) return <Line label="Domains and tools">{error === null ? "…" : `The policy ${name} could not be read`}</Line>;
  const { domainRules, egressRules, tools, mcpServers, advisory } = data;
  return (
    <>
      <Line label="Domains">
        {domainRules === null ? (
          "Not restricted"
        ) : (
          <div className="grid gap-2">
            <Chips items={domainRules.allow} none={domainRules.defaultDeny ? "None allowed" : "No list of allowed ones"} />
            {domainRules.deny.length > 0 && <Denied items={domainRules.deny} />}
            <span className="text-muted">Others are {domainRules.defaultDeny ? "refused" : "allowed"}.</span>
          </div>
        )}
      </Line>
      {egressRules.length > 0 && (
        <Line label="Egress">
          <Chips items={showEgress(egressRules).split("\n")} none="" />
        </Line>
      )}
      <Line label="Tools">
        <NameRules rules={tools} />
      </Line>
      {(mcpServers.allow !== undefined || mcpServers.deny !== undefined) && (
        <Line label="MCP by policy">
          <NameRules rules={mcpServers} />
        </Line>
      )}
      {advisory.length > 0 && (
        <Line label="Advisory">
          <ul className="grid gap-1 text-muted">
            {advisory.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Line>
      )}
    </>
  );
}

function Denied({ items }: { items: readonly string[] }) {
  return (
    <div className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
      <span className="text-muted">denied</span>
      <Chips items={items} none="" tone="bad" />
    </div>
  );
}

/** Names allowed and denied; without a list of allowed ones all are. */
export function NameRules({ rules: { allow, deny } }: { rules: Policy["tools"] }) {
  return (
    <div className="grid gap-2">
      {allow === undefined ? <span>All{deny && deny.length > 0 ? " others" : ""}</span> : <Chips items={allow} none="None" />}
      {deny !== undefined && deny.length > 0 && <Denied items={deny} />}
    </div>
  );
}

function Granted({ contract }: { contract: Pick<EffectiveContract, "awareness" | "mcp" | "skills"> }) {
  const { awareness, mcp, skills } = contract;
  const memberships = (["org", "team", "project", "personal"] as const).flatMap((level) => awareness.memberships[level].map((name) => `${level}/${name}`));
  return (
    <>
      <Line label="MCP servers granted">
        <Chips items={mcp.servers.map(({ name }) => name)} none="None" />
      </Line>
      <Line label="Skills">
        <Chips items={skills.entitled.map(({ name, version, digest }) => `${name} ${version} ${shortDigest(digest)}`)} none="None" />
      </Line>
      <Line label="Datasets">
        <Chips items={memberships} none="None" />
      </Line>
      <Line label="Awareness">
        <div className="grid gap-2">
          <Chips items={awareness.grants.filter(({ access }) => access === "allow").map(({ payloadId }) => payloadId)} none="Nothing granted" />
          {awareness.grants.some(({ access }) => access === "deny") && <Denied items={awareness.grants.filter(({ access }) => access === "deny").map(({ payloadId }) => payloadId)} />}
        </div>
      </Line>
    </>
  );
}
