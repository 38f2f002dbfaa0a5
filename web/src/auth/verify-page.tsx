import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { publicApi, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { healthQuery } from "../api/health";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { AuthPage, textLinkClass } from "./auth-page";
import { deletePendingSignUp, findPendingSignUp } from "./pending-sign-up";
import { ResendCode } from "./resend-code";
import { findSession } from "./session-store";
import { signIn } from "./sign-in";
import { recordSignInNotice } from "./sign-in-notice";

const CODE_MESSAGE: Record<string, string> = {
  code_mismatch: "That is not the code we sent. Check it and try again.",
  code_expired: "That code is too old. Send a new one below.",
  too_many_attempts: "Too many tries with this code. Send a new one below.",
};

export function VerifyPage() {
  usePageTitle("Verify your e-mail");
  const navigate = useNavigate();
  const search = useSearch({ from: "/verify" });
  const [email, setEmail] = useState(search.email ?? "");
  const [code, setCode] = useState("");

  const verify = useMutation({
    mutationFn: async (entered: string) => {
      const pending = findPendingSignUp(email);
      unwrap(await publicApi.POST("/api/v1/user/signup/verify", { body: { email, code: entered } }));
      if (pending) await signIn(email, pending.password).catch(() => undefined);
      deletePendingSignUp();
      return pending !== null;
    },
    onSuccess: async () => {
      if (findSession()) return navigate({ to: "/fleet", replace: true });
      recordSignInNotice("verified");
      return navigate({ to: "/login", search: {}, replace: true });
    },
  });

  const enter = (text: string): void => {
    const digits = text.replace(/\D/g, "").slice(0, 6);
    setCode(digits);
    if (verify.isError) verify.reset();
    if (digits.length === 6 && email !== "" && !verify.isPending) verify.mutate(digits);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (code.length === 6 && !verify.isPending) verify.mutate(code);
  };

  const failure = verify.error ? asApiError(verify.error) : null;
  const codeError = failure && (CODE_MESSAGE[failure.code] ?? failure.fields["code"] ?? null);
  return (
    <AuthPage
      title="Check your e-mail"
      lead={
        search.email ? (
          <>
            We sent a six-digit code to <strong className="font-medium text-ink [overflow-wrap:anywhere]">{search.email}</strong>.
          </>
        ) : (
          "Enter the address you signed up with and the six-digit code we sent there."
        )
      }
      footer={
        <span className="flex flex-wrap justify-between gap-x-6 gap-y-2">
          <Link to="/signup" className={textLinkClass}>
            Use another address
          </Link>
          <LocalMailboxLink email={email} />
        </span>
      }
    >
      <form data-testid="verify-form" noValidate onSubmit={submit} className="grid gap-5">
        {failure && !codeError && <ErrorNotice error={failure} />}
        {!search.email && (
          <Field label="E-mail" name="email" type="email" autoComplete="email" value={email} onChange={(event) => setEmail(event.target.value.trim())} />
        )}
        <Field
          label="Code"
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="[0-9]*"
          placeholder="000000"
          autoFocus
          value={code}
          error={codeError}
          onChange={(event) => enter(event.target.value)}
          className="h-16 px-4 text-center font-mono text-3xl tracking-[0.3em]"
        />
        <Button type="submit" variant="primary" size="lg" busy={verify.isPending} disabled={code.length < 6} className="w-full">
          Verify
        </Button>
        <ResendCode email={email} />
      </form>
    </AuthPage>
  );
}

function LocalMailboxLink({ email }: { email: string }) {
  const { data } = useQuery(healthQuery);
  if (data?.environment !== "local") return null;
  return (
    <Link to="/dev/mailbox" search={email ? { to: email } : {}} className="rounded-sm underline-offset-4 hover:underline">
      Open the local mailbox
    </Link>
  );
}
