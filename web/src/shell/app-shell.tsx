import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { BookOpen, CreditCard, KeyRound, LogOut, Scale, ShieldCheck, UserRound } from "lucide-react";
import { roleQuery } from "../auth/role";
import { signOut } from "../auth/sign-in";
import { useSession } from "../auth/use-session";
import { FleetConnectionProvider } from "../fleet/fleet-connection";
import { PlanBanner } from "../plan/plan-banner";
import { IconButton } from "../ui/button";
import { Logo } from "../ui/logo";
import { Menu, MenuItem, MenuLabel, MenuSeparator } from "../ui/menu";
import { ThemeToggle } from "./theme-toggle";

/** The frame of every page behind the sign-in. */
export function AppShell() {
  return (
    <FleetConnectionProvider>
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-lg bg-action px-4 py-2 font-medium text-on-action transition-transform focus:translate-y-0"
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-20 border-b border-line bg-paper/85 backdrop-blur-md">
        <div className="mx-auto flex h-14 max-w-[82rem] items-center gap-2 px-4 sm:gap-6 sm:px-6">
          <Link to="/fleet" className="inline-flex rounded-lg" aria-label="Sett, home">
            <Logo isNarrow />
          </Link>
          <nav aria-label="Main" className="flex flex-1 items-center sm:gap-1">
            <NavLink to="/fleet">Fleet</NavLink>
            <NavLink to="/bots">Bots</NavLink>
            <NavLink to="/cloud">Cloud</NavLink>
            <NavLink to="/account">Account</NavLink>
            <AdminLinks />
          </nav>
          <div className="flex items-center gap-0.5">
            <IconButton asChild label="API reference" className="max-sm:hidden">
              <a href="/docs/">
                <BookOpen aria-hidden />
              </a>
            </IconButton>
            <ThemeToggle />
            <AccountMenu />
          </div>
        </div>
      </header>
      <PlanBanner />
      <main id="main" tabIndex={-1} className="mx-auto max-w-[82rem] px-4 pt-5 pb-16 sm:px-6">
        <Outlet />
      </main>
    </FleetConnectionProvider>
  );
}

/** For administrators; where there is no room they are in the account menu. */
function AdminLinks() {
  return (
    useIsAdmin() && (
      <>
        <span className="max-md:hidden">
          <NavLink to="/governance">Governance</NavLink>
        </span>
        <span className="max-sm:hidden">
          <NavLink to="/admin">Admin</NavLink>
        </span>
      </>
    )
  );
}

function useIsAdmin(): boolean {
  const { data: role } = useQuery(roleQuery);
  return role === "admin" || role === "superadmin";
}

function NavLink({ to, children }: { to: "/fleet" | "/bots" | "/cloud" | "/account" | "/governance" | "/admin"; children: string }) {
  return (
    <Link
      to={to}
      className="rounded-lg px-2 py-1.5 text-sm sm:px-2.5 font-medium text-muted transition-colors hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
      activeOptions={{ exact: false, includeSearch: false }}
    >
      {children}
    </Link>
  );
}

function AccountMenu() {
  const session = useSession();
  const isAdmin = useIsAdmin();
  if (!session) return null;
  const { profile } = session;
  return (
    <Menu
      trigger={
        <IconButton label={`Account of ${profile.name}`} className="rounded-full">
          <span aria-hidden className="flex size-7 items-center justify-center rounded-full bg-sunken text-xs font-semibold text-ink uppercase">
            {(profile.name || profile.username || "?").charAt(0)}
          </span>
        </IconButton>
      }
    >
      <MenuLabel>
        <span className="block font-medium">{profile.name}</span>
        <span className="block text-[0.8125rem] text-muted">{profile.email}</span>
      </MenuLabel>
      <MenuSeparator />
      {isAdmin && (
        <>
          <MenuItem asChild>
            <Link to="/governance">
              <Scale aria-hidden /> Governance
            </Link>
          </MenuItem>
          <MenuItem asChild>
            <Link to="/admin">
              <ShieldCheck aria-hidden /> Administration
            </Link>
          </MenuItem>
        </>
      )}
      <MenuItem asChild>
        <Link to="/account/plan">
          <CreditCard aria-hidden /> Plan
        </Link>
      </MenuItem>
      <MenuItem asChild>
        <Link to="/account/sessions">
          <UserRound aria-hidden /> Sessions
        </Link>
      </MenuItem>
      <MenuItem asChild>
        <Link to="/account/sessions" hash="cli-tokens">
          <KeyRound aria-hidden /> CLI tokens
        </Link>
      </MenuItem>
      <MenuItem asChild>
        <a href="/docs/">
          <BookOpen aria-hidden /> API reference
        </a>
      </MenuItem>
      <MenuSeparator />
      <MenuItem onSelect={() => void signOut()}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
