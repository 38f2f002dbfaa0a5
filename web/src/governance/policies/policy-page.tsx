import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Loading, PageHead, Pill, ReadProblem, rowClass, RowArrow, Rows } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing, Section } from "../../machine/section";
import { Button } from "../../ui/button";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import { ConfirmAct } from "../confirm-act";
import { changePolicy, deletePolicy } from "../governance.api";
import { forgetPolicy, policyQuery, tenantsQuery } from "../governance-query";
import type { Policy } from "../governance.types";
import { Card, Chips, Line, Read } from "../parts";
import { NameRules } from "../tenants/tenant-contract";
import { PHASE_TONE } from "../tenants/tenant.core";
import { showEgress } from "../texts.core";
import { PolicyForm } from "./policy-form";
import { describeSelector, draftOfPolicy, tenantsUnder } from "./policy-form.core";

/** One policy: its rules and who is under it. */
export function PolicyPage() {
  const { name } = useParams({ from: "/signed-in/console/governance/policies/$name" });
  usePageTitle(name);
  const { data, error, isFetching, refetch } = useQuery(policyQuery(name));
  const isGone = error !== null && asApiError(error).status === 404;
  return (
    <div data-testid="policy-page" className="grid grid-cols-1 gap-6">
      <Link to="/governance/policies" className="inline-flex w-fit items-center gap-1.5 rounded-sm text-[0.8125rem] text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-3.5" /> Policies
      </Link>
      {isGone ? <Notice tone="warn">There is no policy named {name}.</Notice> : error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data && !isGone ? <Whole key={data.name} policy={data} /> : error === null && <Loading what="the policy" rows={5} />}
    </div>
  );
}

function Whole({ policy }: { policy: Policy }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [isEditing, setEditing] = useState(false);
  const { name } = policy;
  return (
    <>
      <PageHead
        title={name}
        note={
          <>
            changed <RelativeTime at={policy.updatedAt} />, revision {policy.revision}
          </>
        }
      >
        {!isEditing && (
          <div className="flex gap-2">
            <Button size="sm" onClick={() => setEditing(true)}>
              Edit
            </Button>
            <ConfirmAct
              label="Delete"
              variant="danger"
              title={`Delete ${name}?`}
              description="Tenants that it was found for fall back to another policy or to none; tenants that name it stop until they name another."
              confirmLabel="Delete the policy"
              act={() => deletePolicy(name)}
              onDone={() => {
                void navigate({ to: "/governance/policies" }).then(() => forgetPolicy(client, name));
              }}
            />
          </div>
        )}
      </PageHead>
      {isEditing ? (
        <PolicyForm start={draftOfPolicy(policy)} isNew={false} save={(body) => changePolicy(name, body)} onSaved={() => setEditing(false)} onCancel={() => setEditing(false)} />
      ) : (
        <>
          {policy.advisory.length > 0 && (
            <Notice tone="warn">
              <ul data-testid="advisory" className="grid gap-1">
                {policy.advisory.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            </Notice>
          )}
          <Rules policy={policy} />
          <Under name={name} />
        </>
      )}
    </>
  );
}

function Rules({ policy }: { policy: Policy }) {
  const { domainRules } = policy;
  return (
    <Card isList>
      <dl>
        {policy.description !== null && <Line label="Description">{policy.description}</Line>}
        <Line label="For">{describeSelector(policy.tenantSelector)}</Line>
        {domainRules === null ? (
          <Line label="Domains">Not restricted</Line>
        ) : (
          <>
            <Line label="Domains allowed">
              <Chips items={domainRules.allow} none="None" />
            </Line>
            <Line label="Domains denied">
              <Chips items={domainRules.deny} none="None" tone="bad" />
            </Line>
            <Line label="Other domains">{domainRules.defaultDeny ? "Refused" : "Allowed"}</Line>
          </>
        )}
        <Line label="Egress">
          <Chips items={policy.egressRules.length === 0 ? [] : showEgress(policy.egressRules).split("\n")} none="No ranges" />
        </Line>
        <Line label="Tools">
          <NameRules rules={policy.tools} />
        </Line>
        <Line label="MCP servers">
          <NameRules rules={policy.mcpServers} />
        </Line>
      </dl>
    </Card>
  );
}

function Under({ name }: { name: string }) {
  return (
    <Section title="Tenants under it">
      <Read result={useQuery(tenantsQuery)} what="tenants" rows={2}>
        {(tenants) => {
          const under = tenantsUnder(tenants, name);
          if (under.length === 0) return <Nothing>None.</Nothing>;
          return (
            <Rows label="Tenants under it">
              {under.map((tenant) => (
                <li key={tenant.name} className={rowClass}>
                  <Link to="/governance/tenants/$name" params={{ name: tenant.name }} data-testid="tenant-under" className="flex items-center gap-3 px-4 py-2.5 text-[0.8125rem] outline-offset-[-2px] hover:bg-sunken/60">
                    <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                      <span className="font-medium">{tenant.displayName}</span> <span className="text-muted">{tenant.name}</span>
                    </span>
                    <Pill tone={PHASE_TONE[tenant.phase]}>{tenant.phase}</Pill>
                    <RowArrow />
                  </Link>
                </li>
              ))}
            </Rows>
          );
        }}
      </Read>
    </Section>
  );
}
