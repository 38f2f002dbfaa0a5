import { useQuery } from "@tanstack/react-query";
import { useMemo, type ReactNode } from "react";
import { asApiError } from "../api/errors";
import { Notice } from "../ui/notice";
import { adminProfileQuery } from "./admin-query";
import { OperatorContext } from "./operator-context";
import type { Operator } from "./people/person.core";
import { Loading, ReadProblem } from "./parts";

/** Lets administrators through. It waits for the server's word on the caller's role, which may be newer than the token's. */
export function OperatorGate({ children }: { children: ReactNode }) {
  const { data, error, isFetching, refetch } = useQuery(adminProfileQuery);
  const operator = useMemo<Operator | null>(() => (data && (data.role === "admin" || data.role === "superadmin") ? { id: data.id, role: data.role } : null), [data]);
  if (operator) return <OperatorContext value={operator}>{children}</OperatorContext>;
  if (error === null && !data) return <Loading what="your role" />;
  if (error === null || asApiError(error).status === 403) {
    return (
      <Notice tone="warn">
        <span data-testid="admin-refused">These pages are for administrators of this server, and your account is none.</span>
      </Notice>
    );
  }
  return <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />;
}
