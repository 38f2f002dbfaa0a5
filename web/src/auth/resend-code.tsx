import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { publicApi, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { useClock } from "../lib/clock";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { textLinkClass } from "./auth-page";
import { EMAIL_PATTERN } from "./password.core";
import { findPendingSignUp } from "./pending-sign-up";
import { findResetRequestedAtMs, requestResetCode } from "./reset-request";

const RESEND_PAUSE_MS = 60_000;

const PURPOSE = {
  "sign-up": {
    send: async (email: string) => void unwrap(await publicApi.POST("/api/v1/user/signup/resend-code", { body: { email } })),
    findSentAtMs: (email: string) => findPendingSignUp(email)?.codeSentAtMs ?? null,
    done: "A new code is on its way. Older ones no longer work.",
  },
  reset: {
    send: requestResetCode,
    findSentAtMs: findResetRequestedAtMs,
    done: "If this address has an account, a code is on its way. Only the newest one works.",
  },
} as const;

interface ResendCodeProps {
  purpose: keyof typeof PURPOSE;
  email: string;
}

/** Sends a new code, at most once a minute. */
export function ResendCode({ purpose, email }: ResendCodeProps) {
  const { send, findSentAtMs, done } = PURPOSE[purpose];
  const [sentAtMs, setSentAtMs] = useState(() => findSentAtMs(email) ?? 0);
  const [pauseMs, setPauseMs] = useState(RESEND_PAUSE_MS);
  // The clock ticks once a second, so it may still be behind the moment of sending.
  const waitSeconds = useClock((nowMs) => Math.max(0, Math.ceil((sentAtMs + pauseMs - Math.max(nowMs, sentAtMs)) / 1000)));
  const resend = useMutation({
    mutationFn: () => send(email),
    onSuccess: () => {
      setPauseMs(RESEND_PAUSE_MS);
      setSentAtMs(Date.now());
    },
    onError: (error) => {
      const seconds = asApiError(error).retryAfterSeconds;
      if (seconds === null) return;
      setPauseMs(seconds * 1000);
      setSentAtMs(Date.now());
    },
  });
  return (
    <div className="grid gap-3">
      {resend.isSuccess && <Notice tone="ok">{done}</Notice>}
      {resend.error && <ErrorNotice error={resend.error} />}
      <p className="text-sm text-muted">
        No code?{" "}
        {waitSeconds > 0 ? (
          <>Look in the spam folder. You can send another in {waitSeconds} s.</>
        ) : (
          <button type="button" className={textLinkClass} disabled={!EMAIL_PATTERN.test(email) || resend.isPending} onClick={() => resend.mutate()}>
            {resend.isPending ? "Sending…" : "Send another"}
          </button>
        )}
      </p>
    </div>
  );
}
