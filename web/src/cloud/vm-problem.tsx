import type { ReactNode } from "react";
import { isPlanRefusal } from "../api/errors";
import { PlanLink } from "../plan/plan-link";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { findVmProblem, type Act } from "./cloud-errors.core";

/** A failure about cloud machines: what it means and what to do, where we have better words than the server. */
export function VmProblem({ error, act, action }: { error: unknown; act: Act; action?: ReactNode }) {
  const problem = findVmProblem(error, act);
  if (!problem) return <ErrorNotice error={error} action={action} />;
  return (
    <Notice tone={act === "destroy" ? "warn" : "bad"} action={action ?? (isPlanRefusal(error) && <PlanLink />)}>
      <span className="font-medium">{problem.title}</span> {problem.advice}
    </Notice>
  );
}
