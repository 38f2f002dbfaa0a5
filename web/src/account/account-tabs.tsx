import { Link } from "@tanstack/react-router";

const TABS = [
  { to: "/account/sessions", label: "Access" },
  { to: "/account/plan", label: "Plan" },
] as const;

/** The heading of the account's pages, with the way from one to the other. */
export function AccountTabs() {
  return (
    <div className="grid gap-3">
      <h1 className="text-2xl font-semibold tracking-tight">Account</h1>
      <nav aria-label="Account" className="flex gap-5 border-b border-line">
        {TABS.map(({ to, label }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: false, includeSearch: false }}
            className="-mb-px rounded-t-sm border-b-2 border-transparent px-0.5 pt-1 pb-2 text-sm font-medium text-muted transition-colors hover:text-ink aria-[current=page]:border-ink aria-[current=page]:text-ink"
          >
            {label}
          </Link>
        ))}
      </nav>
    </div>
  );
}
