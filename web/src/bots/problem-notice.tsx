import type { ReactNode } from "react";
import { isPlanRefusal } from "../api/errors";
import { PlanLink } from "../plan/plan-link";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { findProblem } from "./bot-errors.core";

/** A failure about bots: what it means and what to do, where we have better words than the server. */
export function ProblemNotice({ error, action }: { error: unknown; action?: ReactNode }) {
  const problem = findProblem(error);
  if (!problem) return <ErrorNotice error={error} action={action} />;
  return (
    <Notice tone="bad" action={action ?? (isPlanRefusal(error) && <PlanLink />)}>
      <span className="font-medium">{problem.title}</span> {problem.advice}
    </Notice>
  );
}
