import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { asApiError } from "../api/errors";
import { Notice } from "../ui/notice";
import { adminProfileQuery } from "./admin-query";
import { OperatorContext } from "./operator-context";
import type { Operator } from "./people/person.core";
import { Loading, ReadProblem } from "./parts";

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

/** The frame of the administrators' pages. It waits for the server's word on the caller's role, which may be newer than the token's. */
export function AdminLayout() {
  const { data, error, isFetching, refetch } = useQuery(adminProfileQuery);
  const operator = useMemo<Operator | null>(() => (data && (data.role === "admin" || data.role === "superadmin") ? { id: data.id, role: data.role } : null), [data]);
  if (!operator) {
    if (error === null && !data) return <Loading what="your role" />;
    if (error === null || asApiError(error).status === 403) {
      return (
        <Notice tone="warn">
          <span data-testid="admin-refused">These pages are for administrators of this server, and your account is none.</span>
        </Notice>
      );
    }
    return <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />;
  }
  return (
    <OperatorContext value={operator}>
      <div data-testid="admin" data-role={operator.role} className="grid grid-cols-1 gap-5">
        <Tabs />
        <Outlet />
      </div>
    </OperatorContext>
  );
}

function Tabs() {
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  // On a phone the row is longer than the screen: the page that is open must be in sight.
  useEffect(() => {
    const open = TABS.find(({ to }) => pathname.startsWith(to));
    const current = open && nav.current?.querySelector<HTMLElement>(`[href="${open.to}"]`);
    if (nav.current && current) nav.current.scrollLeft = current.offsetLeft - (nav.current.clientWidth - current.clientWidth) / 2;
  }, [pathname]);
  return (
    <nav ref={nav} aria-label="Administration" className="relative flex gap-5 overflow-x-auto border-b border-line [scrollbar-width:none]">
      {TABS.map(({ to, label }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: false, includeSearch: false }}
          className="shrink-0 border-b-2 border-transparent px-0.5 pt-1 pb-2 text-sm font-medium text-muted transition-colors outline-offset-[-2px] hover:text-ink aria-[current=page]:border-ink aria-[current=page]:text-ink"
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
