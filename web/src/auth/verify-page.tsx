import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { publicApi, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { AuthPage, textLinkClass } from "./auth-page";
import { CODE_LENGTH, CodeField } from "./code-field";
import { LocalMailboxLink } from "./local-mailbox-link";
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

  const enter = (digits: string): void => {
    setCode(digits);
    if (verify.isError) verify.reset();
    if (digits.length === CODE_LENGTH && email !== "" && !verify.isPending) verify.mutate(digits);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (code.length === CODE_LENGTH && !verify.isPending) verify.mutate(code);
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
        <CodeField autoFocus value={code} error={codeError} onEnter={enter} />
        <Button type="submit" variant="primary" size="lg" busy={verify.isPending} disabled={code.length < CODE_LENGTH} className="w-full">
          Verify
        </Button>
        <ResendCode purpose="sign-up" email={email} />
      </form>
    </AuthPage>
  );
}
