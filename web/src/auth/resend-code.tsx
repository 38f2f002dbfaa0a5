import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { publicApi, unwrap } from "../api/client";
import { asApiError } from "../api/errors";
import { useClock } from "../lib/clock";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { textLinkClass } from "./auth-page";
import { findPendingSignUp } from "./pending-sign-up";

const RESEND_PAUSE_MS = 60_000;

/** Sends a new code, at most once a minute. */
export function ResendCode({ email }: { email: string }) {
  const [sentAtMs, setSentAtMs] = useState(() => findPendingSignUp(email)?.codeSentAtMs ?? 0);
  const [pauseMs, setPauseMs] = useState(RESEND_PAUSE_MS);
  const waitSeconds = useClock((nowMs) => Math.max(0, Math.ceil((sentAtMs + pauseMs - nowMs) / 1000)));
  const resend = useMutation({
    mutationFn: async () => unwrap(await publicApi.POST("/api/v1/user/signup/resend-code", { body: { email } })),
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
      {resend.isSuccess && <Notice tone="ok">A new code is on its way. Older ones no longer work.</Notice>}
      {resend.error && <ErrorNotice error={resend.error} />}
      <p className="text-sm text-muted">
        No code?{" "}
        {waitSeconds > 0 ? (
          <>Look in the spam folder. You can send another in {waitSeconds} s.</>
        ) : (
          <button type="button" className={textLinkClass} disabled={email === "" || resend.isPending} onClick={() => resend.mutate()}>
            {resend.isPending ? "Sending…" : "Send another"}
          </button>
        )}
      </p>
    </div>
  );
}
