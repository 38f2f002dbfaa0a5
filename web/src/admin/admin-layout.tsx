import { Outlet } from "@tanstack/react-router";
import { OperatorGate } from "./operator-gate";
import { useOperator } from "./operator-context";
import { Tabs } from "./tabs";

const TABS = [
  { to: "/admin/people", label: "People" },
  { to: "/admin/machines", label: "Machines" },
  { to: "/admin/bots", label: "Bots" },
  { to: "/admin/health", label: "Health" },
  { to: "/admin/work", label: "Given up" },
  { to: "/admin/cron", label: "Cron" },
  { to: "/admin/findings", label: "Findings" },
  { to: "/admin/gates", label: "Gates" },
  { to: "/admin/audit", label: "Audit" },
  { to: "/admin/keys", label: "Keys" },
] as const;

/** The frame of the administrators' pages. */
export function AdminLayout() {
  return (
    <OperatorGate>
      <AdminFrame />
    </OperatorGate>
  );
}

function AdminFrame() {
  const { role } = useOperator();
  return (
    <div data-testid="admin" data-role={role} className="grid grid-cols-1 gap-5">
      <Tabs label="Administration" tabs={TABS} />
      <Outlet />
    </div>
  );
}
