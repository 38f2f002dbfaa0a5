import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Fact, Facts, Loading, PageHead, Pill, ReadProblem } from "../../admin/parts";
import { usePageTitle } from "../../lib/use-page-title";
import { Section } from "../../machine/section";
import { Button, buttonClass } from "../../ui/button";
import { Notice } from "../../ui/notice";
import { RelativeTime } from "../../ui/relative-time";
import { BudgetBar } from "../budgets/budget-bar";
import { formatUsd } from "../budgets/money.core";
import { ConfirmAct } from "../confirm-act";
import { deleteTenant, resumeTenant, suspendTenant } from "../governance.api";
import { forgetTenant, spendQuery, tenantQuery } from "../governance-query";
import type { Tenant } from "../governance.types";
import { Card, Read } from "../parts";
import { DatasetsSection } from "./datasets-section";
import { EditTenantDialog } from "./edit-tenant-dialog";
import { ModelKeySection } from "./model-key-section";
import { TenantContract } from "./tenant-contract";
import { TenantMachines } from "./tenant-machines";
import { describePolicy, PHASE_TONE } from "./tenant.core";
import { Violations } from "./violations";

/** One tenant: what it is, what holds for it, and what it runs on. */
export function TenantPage() {
  const { name } = useParams({ from: "/signed-in/console/governance/tenants/$name" });
  usePageTitle(name);
  const { data, error, isFetching, refetch } = useQuery(tenantQuery(name));
  const isGone = error !== null && asApiError(error).status === 404;
  return (
    <div data-testid="tenant-page" className="grid grid-cols-1 gap-6">
      <Link to="/governance/tenants" className="inline-flex w-fit items-center gap-1.5 rounded-sm text-[0.8125rem] text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-3.5" /> Tenants
      </Link>
      {isGone ? <Notice tone="warn">There is no tenant named {name}.</Notice> : error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data && !isGone ? <Whole tenant={data} /> : error === null && <Loading what="the tenant" rows={6} />}
    </div>
  );
}

function Whole({ tenant }: { tenant: Tenant }) {
  const spend = useQuery(spendQuery(tenant.name));
  return (
    <>
      <Head tenant={tenant} />
      <Standing tenant={tenant} />
      <Section title="This month">
        <Read result={spend} what="spend" rows={1}>
          {(budget) => (
            <Card className="grid gap-3">
              <BudgetBar name={`Spend until ${budget.resetDate.slice(0, 10)}`} budget={budget} />
              {budget.topModels.length > 0 && <p className="text-[0.8125rem] text-muted">{budget.topModels.slice(0, 4).map(({ model, costUsd }) => `${model} ${formatUsd(costUsd)}`).join(" · ")}</p>}
            </Card>
          )}
        </Read>
      </Section>
      <TenantMachines name={tenant.name} owner={tenant.email} />
      <Violations name={tenant.name} />
      <TenantContract tenant={tenant} />
      <DatasetsSection name={tenant.name} />
      <ModelKeySection name={tenant.name} />
    </>
  );
}

function Head({ tenant }: { tenant: Tenant }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [isEditing, setEditing] = useState(false);
  const { name } = tenant;
  return (
    <PageHead
      title={tenant.displayName}
      note={
        <span data-testid="tenant-phase" data-phase={tenant.phase} className="inline-flex items-center gap-2.5">
          {name} <Pill tone={PHASE_TONE[tenant.phase]}>{tenant.phase}</Pill>
        </span>
      }
    >
      <div className="flex flex-wrap gap-2">
        <Button size="sm" onClick={() => setEditing(true)}>
          Edit
        </Button>
        {tenant.phase === "Suspended" ? (
          <ConfirmAct
            label="Resume"
            title={`Resume ${name}?`}
            description="Its machines take commands again and their gateways start."
            confirmLabel="Resume"
            act={() => resumeTenant(name)}
          />
        ) : (
          <ConfirmAct
            label="Suspend"
            title={`Suspend ${name}?`}
            description="Its machines stop their gateways and refuse commands until it is resumed. Nothing is lost."
            confirmLabel="Suspend"
            act={() => suspendTenant(name)}
          />
        )}
        <Link to="/governance/audit" search={{ tenant: name }} className={buttonClass("secondary", "sm")}>
          Audit
        </Link>
        <ConfirmAct
          label="Delete"
          variant="danger"
          title={`Delete ${name}?`}
          description="Its machines are released and governed no more, its model key ends, its settings are gone. The audit stays."
          confirmLabel="Delete the tenant"
          act={() => deleteTenant(name)}
          onDone={() => {
            void navigate({ to: "/governance/tenants" }).then(() => forgetTenant(client, name));
          }}
        />
      </div>
      <EditTenantDialog tenant={tenant} isOpen={isEditing} onClose={() => setEditing(false)} />
    </PageHead>
  );
}

function Standing({ tenant }: { tenant: Tenant }) {
  const policy = describePolicy(tenant);
  return (
    <>
      {policy.tone === "bad" && (
        <Notice tone="bad">
          <span data-testid="policy-fault">{policy.text} Nothing is allowed until this is settled.</span>
        </Notice>
      )}
      <Facts>
        <Fact label="Policy">
          <span data-testid="tenant-policy" data-state={tenant.policy?.state ?? "unknown"}>
            {tenant.policy?.state === "resolved" && tenant.policy.name !== null ? (
              <>
                <Link to="/governance/policies/$name" params={{ name: tenant.policy.name }} className="rounded-sm underline underline-offset-2 hover:text-muted">
                  {tenant.policy.name}
                </Link>
                {policy.text.slice(tenant.policy.name.length)}
              </>
            ) : policy.tone === "bad" ? (
              "none holds"
            ) : (
              policy.text
            )}
          </span>
        </Fact>
        <Fact label="E-mail">{tenant.email}</Fact>
        <Fact label="Team">{tenant.team ?? "–"}</Fact>
        <Fact label="Wave">{tenant.wave ?? "the widest"}</Fact>
        <Fact label="Labels">{Object.entries(tenant.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ") || "–"}</Fact>
        <Fact label="Skills">{tenant.skillAllowlist ? `only ${tenant.skillAllowlist.join(", ") || "none"}` : "all that are granted"}</Fact>
        {tenant.ingressHost !== undefined && <Fact label="Host">{tenant.ingressHost}</Fact>}
        {tenant.clusterTenantRef !== undefined && <Fact label="Cluster tenant">{tenant.clusterTenantRef}</Fact>}
        <Fact label="Changed">
          <RelativeTime at={tenant.updatedAt} />, revision {tenant.revision}
        </Fact>
      </Facts>
    </>
  );
}
