import type { ReactNode } from "react";
import { Secret } from "../ui/secret";

/** A token that few people need: behind a line that opens, and covered even then. */
export function TokenDisclosure({ token, children }: { token: string; children: ReactNode }) {
  return (
    <details className="group rounded-lg border border-line px-3.5 py-2.5">
      <summary className="rounded-sm text-sm font-medium">Access token</summary>
      <div className="mt-2 grid grid-cols-1 gap-2">
        <p className="text-[0.8125rem] text-muted">{children}</p>
        <Secret text={token} label="the access token" />
      </div>
    </details>
  );
}
