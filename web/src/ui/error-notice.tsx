import type { ReactNode } from "react";
import { asApiError, isPlanRefusal } from "../api/errors";
import { formatSpan } from "../lib/format";
import { PlanLink } from "../plan/plan-link";
import { Notice } from "./notice";

/** Any failure as a sentence, with what is needed to report it. What the plan refuses leads to the plans. */
export function ErrorNotice({ error, action }: { error: unknown; action?: ReactNode }) {
  const { message, status, requestId, retryAfterSeconds } = asApiError(error);
  return (
    <Notice tone="bad" action={action ?? (isPlanRefusal(error) && <PlanLink />)}>
      {message}
      {status === 429 && retryAfterSeconds !== null && retryAfterSeconds > 0 && <> Try again in {formatSpan(retryAfterSeconds)}.</>}
      {requestId !== null && status >= 500 && (
        <span className="mt-1 block text-xs text-muted">
          Request <code className="font-mono">{requestId}</code>
        </span>
      )}
    </Notice>
  );
}
