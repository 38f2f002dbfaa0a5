import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState, type FormEvent } from "react";
import { publicApi, unwrap } from "../api/client";
import { ApiError, asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { PasswordField } from "../ui/password-field";
import { AuthPage, textLinkClass } from "./auth-page";
import { CODE_LENGTH, CodeField } from "./code-field";
import { LocalMailboxLink } from "./local-mailbox-link";
import { EMAIL_EXPECTED, EMAIL_PATTERN, PASSWORD_LENGTH_MIN } from "./password.core";
import { PasswordStrength } from "./password-strength";
import { ResendCode } from "./resend-code";
import { deleteSession, findSession } from "./session-store";
import { recordSignInNotice } from "./sign-in-notice";

/** As the API names them. */
const FIELDS = ["email", "code", "new_password"] as const;
type FieldName = (typeof FIELDS)[number];
type Values = Record<FieldName, string>;
type Errors = Partial<Record<FieldName, string>>;

/** The API does not tell a wrong code from one that was used up. */
const CODE_MESSAGE: Record<string, string> = {
  code_mismatch: "That code is not right or no longer works. Check it, or send a new one below.",
  code_expired: "That code is too old. Send a new one below.",
  too_many_attempts: "Too many tries with this code. Send a new one below.",
};

function checkValues(values: Values): Errors {
  const errors: Errors = {};
  if (!EMAIL_PATTERN.test(values.email)) errors.email = EMAIL_EXPECTED;
  if (values.code.length < CODE_LENGTH) errors.code = "Enter the six digits of the code.";
  if (values.new_password.length < PASSWORD_LENGTH_MIN) errors.new_password = `Use at least ${PASSWORD_LENGTH_MIN} characters.`;
  return errors;
}

function errorsOf(error: ApiError): Errors {
  const codeMessage = CODE_MESSAGE[error.code];
  if (codeMessage) return { code: codeMessage };
  return Object.fromEntries(FIELDS.filter((name) => error.fields[name]).map((name) => [name, error.fields[name]]));
}

export function ResetPage() {
  usePageTitle("Choose a new password");
  const navigate = useNavigate();
  const search = useSearch({ from: "/reset" });
  const form = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState<Values>({ email: search.email ?? "", code: "", new_password: "" });
  const [errors, setErrors] = useState<Errors>({});
  const [isAddressAsked, setAddressAsked] = useState(!EMAIL_PATTERN.test(values.email));

  const showErrors = (next: Errors): void => {
    setErrors(next);
    if (next.email) setAddressAsked(true);
    const first = FIELDS.find((name) => next[name]);
    const input = first && form.current?.querySelector<HTMLInputElement>(`[name=${first}]`);
    if (!input) return;
    input.focus();
    input.select();
  };

  const reset = useMutation({
    mutationFn: async (body: Values) => unwrap(await publicApi.POST("/api/v1/user/reset-password", { body })),
    onSuccess: (_answer, body) => {
      // The server ended every session of the account, so one that is kept here is of no more use.
      if (findSession()?.profile.email.toLowerCase() === body.email.toLowerCase()) deleteSession();
      recordSignInNotice("password-changed");
      return navigate({ to: "/login", search: {}, replace: true });
    },
    onError: (error) => showErrors(errorsOf(asApiError(error))),
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const problems = checkValues(values);
    showErrors(problems);
    if (Object.keys(problems).length === 0 && !reset.isPending) reset.mutate(values);
  };

  const enter = (name: FieldName, text: string): void => {
    setValues({ ...values, [name]: text });
    if (errors[name]) setErrors({ ...errors, [name]: undefined });
  };

  const isShownAtField = reset.error !== null && Object.keys(errorsOf(asApiError(reset.error))).length > 0;
  return (
    <AuthPage
      title="Choose a new password"
      lead={
        isAddressAsked ? (
          "Enter the address of your account and the six-digit code we sent there."
        ) : (
          <>
            If <strong className="font-medium text-ink [overflow-wrap:anywhere]">{values.email}</strong> has an account, we sent a
            six-digit code there.
          </>
        )
      }
      footer={
        <span className="flex flex-wrap justify-between gap-x-6 gap-y-2">
          <Link to="/forgot" className={textLinkClass}>
            Use another address
          </Link>
          <LocalMailboxLink email={values.email} />
        </span>
      }
    >
      <form ref={form} data-testid="reset-form" noValidate onSubmit={submit} className="grid gap-5">
        {reset.error && !isShownAtField && <ErrorNotice error={reset.error} />}
        {isAddressAsked ? (
          <Field
            label="E-mail"
            name="email"
            type="email"
            autoComplete="username"
            inputMode="email"
            autoFocus
            required
            value={values.email}
            error={errors.email}
            onChange={(event) => enter("email", event.target.value.trim())}
          />
        ) : (
          // Tells password managers whose password this is.
          <input type="email" name="email" autoComplete="username" value={values.email} readOnly hidden />
        )}
        <CodeField autoFocus={!isAddressAsked} value={values.code} error={errors.code} onEnter={(digits) => enter("code", digits)} />
        <PasswordField
          label="New password"
          name="new_password"
          autoComplete="new-password"
          required
          hint={<PasswordStrength password={values.new_password} />}
          value={values.new_password}
          error={errors.new_password}
          onChange={(event) => enter("new_password", event.target.value)}
        />
        <Button type="submit" variant="primary" size="lg" busy={reset.isPending} className="mt-1 w-full">
          Change password
        </Button>
        <p className="text-sm text-muted">This signs you out everywhere.</p>
        <ResendCode purpose="reset" email={values.email} />
      </form>
    </AuthPage>
  );
}
