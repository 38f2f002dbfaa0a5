import { useMutation } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { asApiError } from "../api/errors";
import { usePageTitle } from "../lib/use-page-title";
import { Button } from "../ui/button";
import { ErrorNotice } from "../ui/error-notice";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";
import { PasswordField } from "../ui/password-field";
import { AuthPage, textLinkClass } from "./auth-page";
import { findSafeNext } from "./next-path";
import { ResendCode } from "./resend-code";
import { signIn } from "./sign-in";
import { deleteSignInNotice, findSignInNotice, type SignInNotice } from "./sign-in-notice";

const NOTICE: Record<SignInNotice, { tone: "ok" | "warn" | "info"; text: string }> = {
  revoked: { tone: "warn", text: "This session was ended from another place. Sign in again to go on." },
  expired: { tone: "info", text: "Your session has ended. Sign in again to go on." },
  "signed-out": { tone: "info", text: "You are signed out." },
  "signed-out-everywhere": { tone: "info", text: "You are signed out everywhere." },
  verified: { tone: "ok", text: "Your e-mail address is verified. Sign in to begin." },
  "password-changed": { tone: "ok", text: "Your password is changed. Sign in." },
};

export function LogInPage() {
  usePageTitle("Sign in");
  const router = useRouter();
  const { next } = useSearch({ from: "/login" });
  const form = useRef<HTMLFormElement>(null);
  const [notice] = useState(findSignInNotice);
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState<{ username?: string; password?: string }>({});
  useEffect(deleteSignInNotice, []);

  const logIn = useMutation({
    mutationFn: () => signIn(username.trim(), password),
    onSuccess: () => router.history.replace(findSafeNext(next, location.origin) ?? "/fleet"),
    onError: (error) => {
      if (asApiError(error).code === "invalid_credentials") form.current?.querySelector<HTMLInputElement>("[name=password]")?.select();
    },
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const problems = {
      ...(username.trim() === "" ? { username: "Enter your e-mail address or username." } : {}),
      ...(password === "" ? { password: "Enter your password." } : {}),
    };
    setMissing(problems);
    const first = Object.keys(problems)[0];
    if (first) form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
    else if (!logIn.isPending) logIn.mutate();
  };

  const failure = logIn.error ? asApiError(logIn.error) : null;
  return (
    <AuthPage
      title="Sign in to Sett"
      footer={
        <span className="flex flex-wrap justify-between gap-x-6 gap-y-2">
          <span>
            New here?{" "}
            <Link to="/signup" className={textLinkClass}>
              Create an account
            </Link>
          </span>
          <Link to="/forgot" search={username.includes("@") ? { email: username.trim() } : {}} className={textLinkClass}>
            Forgot your password?
          </Link>
        </span>
      }
    >
      <form ref={form} data-testid="login-form" noValidate onSubmit={submit} className="grid gap-5">
        {notice && !failure && <Notice tone={NOTICE[notice].tone}>{NOTICE[notice].text}</Notice>}
        {failure && <LogInFailure failure={failure} username={username.trim()} />}
        <Field
          label="E-mail or username"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={username}
          error={missing.username}
          onChange={(event) => setUsername(event.target.value)}
        />
        <PasswordField
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          error={missing.password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" variant="primary" size="lg" busy={logIn.isPending} className="mt-1 w-full">
          Sign in
        </Button>
      </form>
    </AuthPage>
  );
}

function LogInFailure({ failure, username }: { failure: ReturnType<typeof asApiError>; username: string }) {
  switch (failure.code) {
    case "invalid_credentials":
      return <Notice tone="bad">The name or the password is not right. Check both and try again.</Notice>;
    case "account_deactivated":
      return <Notice tone="bad">This account was deactivated. Write to whoever runs this Sett if that is a surprise.</Notice>;
    case "email_not_verified":
      return <Unverified username={username} />;
    default:
      return <ErrorNotice error={failure} />;
  }
}

/** A code can only be sent to an address; somebody who signed in by username gives it on the next page. */
function Unverified({ username }: { username: string }) {
  const email = username.includes("@") ? username : null;
  return (
    <div className="grid gap-3">
      <Notice tone="warn">
        This account’s e-mail address is not verified yet.{" "}
        <Link to="/verify" search={email ? { email } : {}} className={textLinkClass}>
          Enter the code
        </Link>
      </Notice>
      {email && <ResendCode purpose="sign-up" email={email} />}
    </div>
  );
}
