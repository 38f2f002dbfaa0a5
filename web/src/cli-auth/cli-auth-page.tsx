import { useMutation } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { Check, CircleCheck, TerminalSquare } from "lucide-react";
import type { ReactNode } from "react";
import { api, unwrap } from "../api/client";
import { ApiError, asApiError } from "../api/errors";
import { AuthPage, textLinkClass } from "../auth/auth-page";
import { findAccessToken } from "../auth/tokens";
import { useSession } from "../auth/use-session";
import { usePageTitle } from "../lib/use-page-title";
import { Button, buttonClass } from "../ui/button";
import { Command } from "../ui/copy-button";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";

const ABILITIES = [
  "Connect this computer to your fleet and report its health",
  "See your machines and bots, and pair new ones",
  "Receive and carry out the commands you send from here",
];

/** Approves a `sett login` that waits in a terminal. */
export function CliAuthPage() {
  usePageTitle("Authorise the CLI");
  const { code } = useSearch({ from: "/signed-in/cli-auth" });
  const session = useSession();
  const approve = useMutation({
    mutationFn: async (approved: string) => {
      const accessToken = await findAccessToken();
      if (accessToken === null) throw new ApiError({ status: 401, code: "signed_out", message: "Your session has ended. Sign in again." });
      return unwrap(await api.POST("/api/v1/openclaw/cli/auth/callback", { body: { code: approved, access_token: accessToken } }));
    },
  });

  if (!code) return <MissingCode />;
  if (approve.isSuccess) return <Approved />;
  const failure = approve.error ? asApiError(approve.error) : null;
  if (failure && isSpent(failure)) return <SpentCode failure={failure} />;
  return (
    <AuthPage title="Authorise the Sett CLI" lead="A terminal is asking to act for your account. Approve only if you started it.">
      <div className="grid gap-6">
        {failure && <ErrorNotice error={failure} />}
        <div className="rounded-xl border border-line bg-surface shadow-card">
          <Fact label="Account">
            <span className="font-medium">{session?.profile.name}</span>
            <span className="block text-[0.8125rem] text-muted [overflow-wrap:anywhere]">{session?.profile.email}</span>
          </Fact>
          <Fact label="Code">
            <code className="font-mono text-xl font-semibold tracking-[0.15em]">{code.slice(0, 8)}</code>
            <span className="block text-[0.8125rem] text-muted">Must be the same as in your terminal.</span>
          </Fact>
        </div>
        <div>
          <h2 className="text-sm font-medium">The CLI will be able to</h2>
          <ul className="mt-2.5 grid gap-2 text-sm text-muted">
            {ABILITIES.map((ability) => (
              <li key={ability} className="flex gap-2.5">
                <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
                {ability}
              </li>
            ))}
          </ul>
          <p className="mt-3 text-[0.8125rem] text-muted">
            It cannot change your password, your plan or other tokens. You can take its token back at any time under{" "}
            <Link to="/account/sessions" className={textLinkClass}>
              Account
            </Link>
            .
          </p>
        </div>
        <div className="flex gap-3">
          <Button data-testid="cli-approve" variant="primary" size="lg" className="flex-1" busy={approve.isPending} onClick={() => approve.mutate(code)}>
            {approve.isPending ? "Approving…" : "Approve"}
          </Button>
          <Link to="/fleet" className={buttonClass("secondary", "lg")}>
            Cancel
          </Link>
        </div>
      </div>
    </AuthPage>
  );
}

function isSpent(failure: ApiError): boolean {
  return failure.status === 409 || failure.status === 410 || /expired|already_used|code_used/.test(failure.code);
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex gap-4 border-t border-line px-4 py-3.5 first:border-t-0">
      <span className="w-16 shrink-0 pt-px text-muted">{label}</span>
      <span className="min-w-0 flex-1">{children}</span>
    </div>
  );
}

function Approved() {
  return (
    <AuthPage title="Return to your terminal" lead="The CLI is signed in. You can close this page.">
      <div data-testid="cli-done" role="status" className="grid gap-6">
        <div className="flex items-center gap-3 rounded-xl bg-ok-soft px-4 py-4">
          <CircleCheck aria-hidden className="size-5 text-ok" />
          <span>Authorised</span>
          <TerminalSquare aria-hidden className="ml-auto size-5 text-muted" />
        </div>
        <Link to="/fleet" className={buttonClass("secondary", "lg", "w-full")}>
          Open the fleet
        </Link>
      </div>
    </AuthPage>
  );
}

function SpentCode({ failure }: { failure: ApiError }) {
  const isUsed = failure.status === 409;
  return (
    <AuthPage
      title={isUsed ? "This code was already used" : "This code has expired"}
      lead={isUsed ? "Each code works once. If that was not you, take the token back under Account." : "A code lives for ten minutes."}
    >
      <TryAgain />
    </AuthPage>
  );
}

function MissingCode() {
  return (
    <AuthPage title="The code is missing" lead="This page is opened by the CLI, with a code in its address.">
      <TryAgain />
    </AuthPage>
  );
}

function TryAgain() {
  return (
    <div className="grid grid-cols-1 gap-5">
      <Notice tone="info">Start again in your terminal:</Notice>
      <Command text={`sett login --server ${location.origin}`} label="sign in from a terminal" />
      <Link to="/fleet" className={buttonClass("secondary", "lg", "w-full")}>
        Open the fleet
      </Link>
    </div>
  );
}
