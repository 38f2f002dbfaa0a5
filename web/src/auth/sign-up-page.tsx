import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState, type FormEvent } from "react";
import { publicApi, unwrap } from "../api/client";
import { ApiError, asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { PasswordField } from "../ui/password-field";
import { AuthPage, textLinkClass } from "./auth-page";
import { EMAIL_EXPECTED, EMAIL_PATTERN, PASSWORD_LENGTH_MIN, USERNAME_PATTERN } from "./password.core";
import { PasswordStrength } from "./password-strength";
import { recordPendingSignUp } from "./pending-sign-up";

const FIELDS = ["name", "email", "username", "password"] as const;
type FieldName = (typeof FIELDS)[number];
type Values = Record<FieldName, string>;
type Errors = Partial<Record<FieldName, string>>;

const CONFLICT_FIELD: Record<string, FieldName> = {
  email_taken: "email",
  username_taken: "username",
  username_reserved: "username",
  username_invalid: "username",
};

function checkValues(values: Values): Errors {
  const errors: Errors = {};
  if (values.name.trim() === "") errors.name = "Enter your name.";
  if (!EMAIL_PATTERN.test(values.email.trim())) errors.email = EMAIL_EXPECTED;
  if (!USERNAME_PATTERN.test(values.username.trim())) errors.username = "Use at least 5 letters and digits, nothing else.";
  if (values.password.length < PASSWORD_LENGTH_MIN) errors.password = `Use at least ${PASSWORD_LENGTH_MIN} characters.`;
  return errors;
}

function errorsOf(error: ApiError): Errors {
  const conflict = CONFLICT_FIELD[error.code];
  if (conflict) return { [conflict]: error.message };
  return Object.fromEntries(FIELDS.filter((name) => error.fields[name]).map((name) => [name, error.fields[name]]));
}

export function SignUpPage() {
  usePageTitle("Create an account");
  const navigate = useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const [values, setValues] = useState<Values>({ name: "", email: "", username: "", password: "" });
  const [errors, setErrors] = useState<Errors>({});

  const showErrors = (next: Errors): void => {
    setErrors(next);
    const first = FIELDS.find((name) => next[name]);
    if (first) form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  };

  const signUp = useMutation({
    mutationFn: async (body: Values) => unwrap(await publicApi.POST("/api/v1/user/signup", { body })),
    onSuccess: (_answer, body) => {
      recordPendingSignUp({ email: body.email, password: body.password, codeSentAtMs: Date.now() });
      return navigate({ to: "/verify", search: { email: body.email } });
    },
    onError: (error) => showErrors(errorsOf(asApiError(error))),
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const problems = checkValues(values);
    showErrors(problems);
    if (Object.keys(problems).length > 0 || signUp.isPending) return;
    signUp.mutate({ ...values, name: values.name.trim(), email: values.email.trim(), username: values.username.trim().toLowerCase() });
  };

  const bind = (name: FieldName) => ({
    name,
    value: values[name],
    error: errors[name],
    onChange: (event: { target: { value: string } }) => {
      setValues({ ...values, [name]: event.target.value });
      if (errors[name]) setErrors({ ...errors, [name]: undefined });
    },
  });

  const isShownAtField = signUp.error !== null && Object.keys(errorsOf(asApiError(signUp.error))).length > 0;
  return (
    <AuthPage
      title="Create your account"
      lead="One place to see and steer every machine your agents live on."
      footer={
        <>
          Have an account?{" "}
          <Link to="/login" className={textLinkClass}>
            Sign in
          </Link>
        </>
      }
    >
      <form ref={form} data-testid="signup-form" noValidate onSubmit={submit} className="grid gap-5">
        {signUp.error && !isShownAtField && <ErrorNotice error={signUp.error} />}
        <Field label="Name" autoComplete="name" autoFocus required {...bind("name")} />
        <Field label="E-mail" type="email" autoComplete="email" inputMode="email" required {...bind("email")} />
        <Field
          label="Username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          hint={usernameHint(values.username)}
          {...bind("username")}
        />
        <PasswordField
          label="Password"
          autoComplete="new-password"
          required
          hint={<PasswordStrength password={values.password} />}
          {...bind("password")}
        />
        <Button type="submit" variant="primary" size="lg" busy={signUp.isPending} className="mt-1 w-full">
          Create account
        </Button>
      </form>
    </AuthPage>
  );
}

function usernameHint(username: string): string {
  const stored = username.trim().toLowerCase();
  return stored !== username.trim() ? `Saved in lower case, as ${stored}.` : "Letters and digits, at least 5.";
}
