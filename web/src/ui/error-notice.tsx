import type { ReactNode } from "react";
import { asApiError } from "../api/errors";
import { formatSpan } from "../lib/format";
import { Notice } from "./notice";

/** Any failure as a sentence, with what is needed to report it. */
export function ErrorNotice({ error, action }: { error: unknown; action?: ReactNode }) {
  const { message, status, requestId, retryAfterSeconds } = asApiError(error);
  return (
    <Notice tone="bad" action={action}>
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
