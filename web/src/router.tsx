/** Every route of the console, in one place. Pages off the main path load when they are opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect, Outlet } from "@tanstack/react-router";
import { LogInPage } from "./auth/log-in-page";
import { findSession } from "./auth/session-store";
import { FleetPage } from "./fleet/fleet-page";
import { MACHINE_STATUSES, type MachineStatus } from "./fleet/machine-status";
import { AppShell } from "./shell/app-shell";
import { ErrorPage, NotFoundPage } from "./shell/error-page";
import { SignedIn } from "./shell/signed-in";

type RawSearch = Record<string, unknown>;

function readText(search: RawSearch, name: string): string | undefined {
  const value = search[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Keeps optional texts of the query. */
function textParam<Name extends string>(...names: Name[]) {
  return (search: RawSearch): { [key in Name]?: string } => {
    const kept = names.flatMap((name) => {
      const value = readText(search, name);
      return value === undefined ? [] : [[name, value]];
    });
    return Object.fromEntries(kept) as { [key in Name]?: string };
  };
}

function isMachineStatus(value: string | undefined): value is MachineStatus {
  return MACHINE_STATUSES.some((status) => status === value);
}

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: NotFoundPage, errorComponent: ErrorPage });

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw findSession() ? redirect({ to: "/fleet", replace: true }) : redirect({ to: "/login", replace: true });
  },
});

const signUpRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/signup",
  component: lazyRouteComponent(() => import("./auth/sign-up-page"), "SignUpPage"),
});

const verifyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/verify",
  validateSearch: textParam("email"),
  component: lazyRouteComponent(() => import("./auth/verify-page"), "VerifyPage"),
});

const logInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  validateSearch: textParam("next"),
  component: LogInPage,
});

const forgotRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/forgot",
  validateSearch: textParam("email"),
  component: lazyRouteComponent(() => import("./auth/forgot-page"), "ForgotPage"),
});

const resetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/reset",
  validateSearch: textParam("email"),
  component: lazyRouteComponent(() => import("./auth/reset-page"), "ResetPage"),
});

const mailboxRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/dev/mailbox",
  validateSearch: textParam("to"),
  component: lazyRouteComponent(() => import("./dev/mailbox-page"), "MailboxPage"),
});

const signedInRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "signed-in",
  beforeLoad: ({ location }) => {
    if (!findSession()) throw redirect({ to: "/login", search: { next: location.href }, replace: true });
  },
  component: SignedIn,
});

const cliAuthRoute = createRoute({
  getParentRoute: () => signedInRoute,
  path: "/cli-auth",
  validateSearch: textParam("code"),
  component: lazyRouteComponent(() => import("./cli-auth/cli-auth-page"), "CliAuthPage"),
});

const consoleRoute = createRoute({ getParentRoute: () => signedInRoute, id: "console", component: AppShell });

const fleetRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/fleet",
  validateSearch: (search: RawSearch): { q?: string; status?: MachineStatus } => {
    const status = readText(search, "status");
    return { ...textParam("q")(search), ...(isMachineStatus(status) ? { status } : {}) };
  },
  component: FleetPage,
});

const machineRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/fleet/$instanceId",
  component: lazyRouteComponent(() => import("./machine/machine-page"), "MachinePage"),
});

const botsRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/bots",
  component: lazyRouteComponent(() => import("./bots/bots-page"), "BotsPage"),
});

const botRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/bots/$botId",
  validateSearch: textParam("pair"),
  component: lazyRouteComponent(() => import("./bots/bot-page"), "BotPage"),
});

const cloudRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/cloud",
  component: lazyRouteComponent(() => import("./cloud/cloud-page"), "CloudPage"),
});

const vmRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/cloud/$instanceId",
  component: lazyRouteComponent(() => import("./cloud/vm-page"), "VmPage"),
});

const accountRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/account",
  beforeLoad: () => {
    throw redirect({ to: "/account/sessions", replace: true });
  },
});

const planRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/account/plan",
  validateSearch: textParam("checkout"),
  component: lazyRouteComponent(() => import("./plan/plan-page"), "PlanPage"),
});

/** Where the payment provider's pages send people back to. */
const billingRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/billing",
  validateSearch: textParam("checkout"),
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/account/plan", search, replace: true });
  },
});

const keepRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/account/plan/keep",
  component: lazyRouteComponent(() => import("./plan/keep-page"), "KeepPage"),
});

const restoreRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/account/plan/restore",
  component: lazyRouteComponent(() => import("./plan/restore-page"), "RestorePage"),
});

const sessionsRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/account/sessions",
  component: lazyRouteComponent(() => import("./account/account-page"), "AccountPage"),
});

/** For administrators only; nobody else loads any of it. */
const adminRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/admin",
  component: lazyRouteComponent(() => import("./admin/admin-layout"), "AdminLayout"),
});

const adminIndexRoute = createRoute({
  getParentRoute: () => adminRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/admin/people", replace: true });
  },
});

const adminPages = [
  adminIndexRoute,
  createRoute({
    getParentRoute: () => adminRoute,
    path: "/people",
    validateSearch: textParam("q", "status", "role", "verified", "page"),
    component: lazyRouteComponent(() => import("./admin/people/people-page"), "PeoplePage"),
  }),
  createRoute({ getParentRoute: () => adminRoute, path: "/people/$userId", component: lazyRouteComponent(() => import("./admin/people/person-page"), "PersonPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/people/$userId/machines/$instanceId", component: lazyRouteComponent(() => import("./admin/machines/inspection-page"), "InspectionPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/machines", validateSearch: textParam("q"), component: lazyRouteComponent(() => import("./admin/machines/machines-page"), "MachinesPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/bots", validateSearch: textParam("q"), component: lazyRouteComponent(() => import("./admin/machines/bots-page"), "AdminBotsPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/health", component: lazyRouteComponent(() => import("./admin/ops/health-page"), "HealthPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/work", component: lazyRouteComponent(() => import("./admin/ops/work-page"), "WorkPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/cron", validateSearch: textParam("job"), component: lazyRouteComponent(() => import("./admin/ops/cron-page"), "CronPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/findings", validateSearch: textParam("state"), component: lazyRouteComponent(() => import("./admin/ops/findings-page"), "FindingsPage") }),
  createRoute({ getParentRoute: () => adminRoute, path: "/gates", component: lazyRouteComponent(() => import("./admin/ops/gates-page"), "GatesPage") }),
  createRoute({
    getParentRoute: () => adminRoute,
    path: "/audit",
    validateSearch: textParam("actor", "action", "subject", "tenant", "since", "until"),
    component: lazyRouteComponent(() => import("./admin/ops/audit-page"), "AuditPage"),
  }),
  createRoute({ getParentRoute: () => adminRoute, path: "/keys", component: lazyRouteComponent(() => import("./admin/ops/keys-page"), "KeysPage") }),
] as const;

/** What each team's agents may do, know and spend; for administrators only. */
const governanceRoute = createRoute({
  getParentRoute: () => consoleRoute,
  path: "/governance",
  component: lazyRouteComponent(() => import("./governance/governance-layout"), "GovernanceLayout"),
});

const governanceIndexRoute = createRoute({
  getParentRoute: () => governanceRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/governance/overview", replace: true });
  },
});

const governancePages = [
  governanceIndexRoute,
  createRoute({ getParentRoute: () => governanceRoute, path: "/overview", component: lazyRouteComponent(() => import("./governance/overview/overview-page"), "OverviewPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/tenants", validateSearch: textParam("q", "phase"), component: lazyRouteComponent(() => import("./governance/tenants/tenants-page"), "TenantsPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/tenants/$name", component: lazyRouteComponent(() => import("./governance/tenants/tenant-page"), "TenantPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/policies", component: lazyRouteComponent(() => import("./governance/policies/policies-page"), "PoliciesPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/policies/new", component: lazyRouteComponent(() => import("./governance/policies/new-policy-page"), "NewPolicyPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/policies/$name", component: lazyRouteComponent(() => import("./governance/policies/policy-page"), "PolicyPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/catalogue", component: lazyRouteComponent(() => import("./governance/catalogue/catalogue-page"), "CataloguePage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/budgets", component: lazyRouteComponent(() => import("./governance/budgets/budgets-page"), "BudgetsPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/access", component: lazyRouteComponent(() => import("./governance/access/access-page"), "AccessPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/rollout", component: lazyRouteComponent(() => import("./governance/rollout/rollout-page"), "RolloutPage") }),
  createRoute({ getParentRoute: () => governanceRoute, path: "/audit", validateSearch: textParam("tenant"), component: lazyRouteComponent(() => import("./governance/audit/trail-page"), "TrailPage") }),
] as const;

const routeTree = rootRoute.addChildren([
  indexRoute,
  signUpRoute,
  verifyRoute,
  logInRoute,
  forgotRoute,
  resetRoute,
  mailboxRoute,
  signedInRoute.addChildren([cliAuthRoute, consoleRoute.addChildren([fleetRoute, machineRoute, botsRoute, botRoute, cloudRoute, vmRoute, accountRoute, sessionsRoute, billingRoute, planRoute, keepRoute, restoreRoute, adminRoute.addChildren(adminPages), governanceRoute.addChildren(governancePages)])]),
]);

export const router = createRouter({
  routeTree,
  // Plain texts: the default parser would read a code of digits as a number.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const pairs = Object.entries(search).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    const text = new URLSearchParams(pairs).toString();
    return text === "" ? "" : `?${text}`;
  },
  defaultPreload: "intent",
  defaultErrorComponent: ErrorPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
