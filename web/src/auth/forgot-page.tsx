import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState, type FormEvent } from "react";
import { asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { AuthPage, textLinkClass } from "./auth-page";
import { EMAIL_EXPECTED, EMAIL_PATTERN } from "./password.core";
import { requestResetCode } from "./reset-request";

export function ForgotPage() {
  usePageTitle("Reset your password");
  const navigate = useNavigate();
  const search = useSearch({ from: "/forgot" });
  const form = useRef<HTMLFormElement>(null);
  const [email, setEmail] = useState(search.email ?? "");
  const [problem, setProblem] = useState<string | undefined>();

  const showProblem = (next: string | undefined): void => {
    setProblem(next);
    if (next) form.current?.querySelector<HTMLInputElement>("[name=email]")?.focus();
  };

  const request = useMutation({
    mutationFn: requestResetCode,
    onSuccess: (_answer, address) => navigate({ to: "/reset", search: { email: address } }),
    onError: (error) => showProblem(asApiError(error).fields["email"]),
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const address = email.trim();
    const isEmail = EMAIL_PATTERN.test(address);
    showProblem(isEmail ? undefined : EMAIL_EXPECTED);
    if (isEmail && !request.isPending) request.mutate(address);
  };

  const failure = request.error ? asApiError(request.error) : null;
  return (
    <AuthPage
      title="Forgot your password?"
      lead="We send a six-digit code to your address. With it you choose a new password."
      footer={
        <>
          Remembered it?{" "}
          <Link to="/login" className={textLinkClass}>
            Sign in
          </Link>
        </>
      }
    >
      <form ref={form} data-testid="forgot-form" noValidate onSubmit={submit} className="grid gap-5">
        {failure && !failure.fields["email"] && <ErrorNotice error={failure} />}
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="email"
          inputMode="email"
          autoFocus
          required
          value={email}
          error={problem}
          onChange={(event) => {
            setEmail(event.target.value);
            setProblem(undefined);
          }}
        />
        <Button type="submit" variant="primary" size="lg" busy={request.isPending} className="mt-1 w-full">
          Send the code
        </Button>
      </form>
    </AuthPage>
  );
}
