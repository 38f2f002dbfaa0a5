import { Link } from "@tanstack/react-router";
import { buttonClass } from "../ui/button";

/** Where a refusal of the plan is put right. */
export function PlanLink({ size = "sm" }: { size?: "sm" | "md" }) {
  return (
    <Link to="/account/plan" data-testid="plan-link" className={buttonClass("secondary", size)}>
      See plans
    </Link>
  );
}
