import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { Choice, More, PageHead, Pill, rowClass, RowArrow, Rows, SearchField } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { Button } from "../../ui/button";
import { describeBudget } from "../budgets/money.core";
import { machineCountQuery, spendQuery, tenantsQuery } from "../governance-query";
import type { Tenant } from "../governance.types";
import { Read } from "../parts";
import { CreateTenantDialog } from "./create-tenant-dialog";
import { describeMachines, describePolicy, filterTenants, PHASE_TONE, PHASES } from "./tenant.core";

/** Each row asks for its spend and its machines, so that not too many are shown at once. */
const PAGE = 20;

/** Every tenant. */
export function TenantsPage() {
  usePageTitle("Tenants");
  const navigate = useNavigate();
  const search = useSearch({ from: "/signed-in/console/governance/tenants" });
  const q = search.q ?? "";
  const phase = PHASES.find((one) => one === search.phase) ?? null;
  const [isCreating, setCreating] = useState(false);
  const [shown, setShown] = useState(PAGE);
  const find = (change: { q?: string; phase?: string | null }): void => {
    const next = { q, phase, ...change };
    setShown(PAGE);
    void navigate({ to: "/governance/tenants", search: { ...(next.q ? { q: next.q } : {}), ...(next.phase ? { phase: next.phase } : {}) }, replace: true });
  };
  return (
    <div data-testid="tenants" className="grid grid-cols-1 gap-4">
      <PageHead title="Tenants">
        <Button variant="primary" onClick={() => setCreating(true)}>
          New tenant
        </Button>
      </PageHead>
      <Read result={useQuery(tenantsQuery)} what="tenants" rows={6}>
        {(tenants) => {
          const fitting = filterTenants(tenants, q, phase);
          return tenants.length === 0 ? (
            <Nothing>No tenant yet. A tenant is a team or a person whose agents keep to a policy and spend from a budget.</Nothing>
          ) : (
            <>
              <div className="flex flex-wrap items-center gap-2">
                <SearchField label="Search tenants" placeholder="Name, team or e-mail" value={q} onChange={(next) => find({ q: next })} />
                <Choice label="Phase" value={phase} options={PHASES.map((value) => ({ value, label: value }))} onChange={(next) => find({ phase: next })} />
                <span className="text-[0.8125rem] text-muted">{fitting.length === tenants.length ? countOf(tenants.length, "tenant") : `${fitting.length} of ${tenants.length}`}</span>
              </div>
              {fitting.length === 0 ? (
                <Nothing>No tenant fits.</Nothing>
              ) : (
                <Rows label="Tenants">
                  {fitting.slice(0, shown).map((tenant) => (
                    <TenantRow key={tenant.name} tenant={tenant} />
                  ))}
                </Rows>
              )}
              <More hasMore={fitting.length > shown} isBusy={false} onMore={() => setShown(shown + PAGE)} />
            </>
          );
        }}
      </Read>
      <CreateTenantDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </div>
  );
}

const BAR_TEXT = { ok: "text-muted", warn: "text-warn", bad: "text-bad" } as const;

function TenantRow({ tenant }: { tenant: Tenant }) {
  const spend = useQuery(spendQuery(tenant.name));
  const machines = useQuery(machineCountQuery(tenant.name));
  const policy = describePolicy(tenant);
  const budget = spend.data && describeBudget(spend.data);
  return (
    <li className={rowClass}>
      <Link
        to="/governance/tenants/$name"
        params={{ name: tenant.name }}
        data-testid="tenant"
        data-name={tenant.name}
        data-phase={tenant.phase}
        className="grid grid-cols-[minmax(0,1fr)_auto_auto] items-center gap-x-4 gap-y-1 px-4 py-3 text-[0.8125rem] outline-offset-[-2px] hover:bg-sunken/60 lg:grid-cols-[minmax(0,1.3fr)_minmax(0,1.4fr)_8rem_12rem_6.5rem_auto]"
      >
        <span className="min-w-0">
          <span className="block text-sm font-medium [overflow-wrap:anywhere]">{tenant.displayName}</span>
          <span className="block text-muted [overflow-wrap:anywhere]">
            {tenant.name}
            {tenant.team !== undefined && <> · team {tenant.team}</>}
          </span>
        </span>
        <span className={`order-4 col-span-full min-w-0 [overflow-wrap:anywhere] lg:order-none lg:col-span-1 ${policy.tone === "bad" ? "text-bad" : "text-muted"}`}>{policy.text}</span>
        <span className="order-5 text-muted lg:order-none">{machines.data ? describeMachines(machines.data) : machines.error === null ? "…" : "machines unknown"}</span>
        <span className={`order-6 col-span-2 text-right lg:order-none lg:col-span-1 lg:text-left ${BAR_TEXT[budget?.tone ?? "ok"]}`}>{budget ? budget.text : spend.error === null ? "…" : "spend unknown"}</span>
        <span className="justify-self-start max-lg:justify-self-end">
          <Pill tone={PHASE_TONE[tenant.phase]}>{tenant.phase}</Pill>
        </span>
        <RowArrow />
      </Link>
    </li>
  );
}
