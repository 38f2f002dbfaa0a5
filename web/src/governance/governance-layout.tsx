import { Outlet } from "@tanstack/react-router";
import { OperatorGate } from "../admin/operator-gate";
import { Tabs } from "../admin/tabs";

const TABS = [
  { to: "/governance/overview", label: "Overview" },
  { to: "/governance/tenants", label: "Tenants" },
  { to: "/governance/policies", label: "Policies" },
  { to: "/governance/catalogue", label: "Catalogue" },
  { to: "/governance/budgets", label: "Budgets" },
  { to: "/governance/access", label: "Access" },
  { to: "/governance/rollout", label: "Rollout" },
  { to: "/governance/audit", label: "Audit" },
] as const;

/** The frame of the governance pages: an administrator may do everything on them. */
export function GovernanceLayout() {
  return (
    <OperatorGate>
      <div data-testid="governance" className="grid grid-cols-1 gap-5">
        <Tabs label="Governance" tabs={TABS} />
        <Outlet />
      </div>
    </OperatorGate>
  );
}
