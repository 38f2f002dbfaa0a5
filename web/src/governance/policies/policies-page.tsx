import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PageHead, Pill, rowClass, RowArrow, Rows } from "../../admin/parts";
import { countOf } from "../../lib/format";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { buttonClass } from "../../ui/button";
import { policiesQuery, tenantsQuery } from "../governance-query";
import type { Policy } from "../governance.types";
import { Read } from "../parts";
import { describeRules, describeSelector, tenantsUnder } from "./policy-form.core";

/** Every access policy. */
export function PoliciesPage() {
  usePageTitle("Policies");
  const tenants = useQuery(tenantsQuery);
  return (
    <div data-testid="policies" className="grid grid-cols-1 gap-4">
      <PageHead title="Policies" note="Where agents may reach, and what they may use">
        <Link to="/governance/policies/new" className={buttonClass("primary")}>
          New policy
        </Link>
      </PageHead>
      <Read result={useQuery(policiesQuery)} what="policies" rows={5}>
        {(policies) =>
          policies.length === 0 ? (
            <Nothing>No policy yet, so no tenant is restricted.</Nothing>
          ) : (
            <Rows label="Policies">
              {policies.map((policy) => (
                <PolicyRow key={policy.name} policy={policy} count={tenants.data ? tenantsUnder(tenants.data, policy.name).length : null} />
              ))}
            </Rows>
          )
        }
      </Read>
    </div>
  );
}

function PolicyRow({ policy, count }: { policy: Policy; count: number | null }) {
  return (
    <li className={rowClass}>
      <Link to="/governance/policies/$name" params={{ name: policy.name }} data-testid="policy" data-name={policy.name} className="flex items-center gap-x-4 px-4 py-3 text-[0.8125rem] outline-offset-[-2px] hover:bg-sunken/60">
        <span className="flex min-w-0 flex-1 flex-wrap items-center gap-x-4 gap-y-1.5">
          <span className="min-w-0 flex-1 basis-60">
            <span className="block text-sm font-medium [overflow-wrap:anywhere]">{policy.name}</span>
            <span className="block text-muted [overflow-wrap:anywhere]">{[describeSelector(policy.tenantSelector), describeRules(policy)].join(" · ")}</span>
          </span>
          {policy.advisory.length > 0 && <Pill tone="warn">{countOf(policy.advisory.length, "advisory note")}</Pill>}
          {count !== null && <Pill tone={count === 0 ? "quiet" : "ok"}>{countOf(count, "tenant")}</Pill>}
        </span>
        <RowArrow />
      </Link>
    </li>
  );
}
