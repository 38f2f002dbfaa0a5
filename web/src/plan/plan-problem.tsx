import type { ReactNode } from "react";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { findPlanProblem } from "./plan-errors.core";

/** A failure about plans and payments: what it means and what to do, where we have better words than the server. */
export function PlanProblem({ error, action }: { error: unknown; action?: ReactNode }) {
  const problem = findPlanProblem(error);
  if (!problem) return <ErrorNotice error={error} action={action} />;
  return (
    <Notice tone="bad" action={action}>
      <span className="font-medium">{problem.title}</span> {problem.advice}
    </Notice>
  );
}
