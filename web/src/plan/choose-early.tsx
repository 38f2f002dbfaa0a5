import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { PlanProblem } from "./plan-problem";
import { refreshPlan } from "./plan-query";
import { startDowngrade } from "./plan.api";
import type { Offer } from "./plan.types";

interface ChooseEarlyProps {
  /** The smaller plan that is planned. */
  next: Offer;
  /** What is too much for it. */
  excess: string;
}

/** While a smaller plan is planned that carries less than is used: to choose what stays now instead of after the change. */
export function ChooseEarly({ next, excess }: ChooseEarlyProps) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: async () => {
      await startDowngrade(next.key);
      await refreshPlan(client);
    },
    onSuccess: () => navigate({ to: "/account/plan/keep" }),
  });
  return (
    <div className="mt-4 grid gap-3">
      {start.error !== null && <PlanProblem error={start.error} />}
      <Notice
        tone="warn"
        action={
          <Button size="sm" data-testid="choose-early" busy={start.isPending} onClick={() => start.mutate()}>
            Choose now
          </Button>
        }
      >
        {next.name} carries less than you use: {excess}. You can choose what to keep within seven days after the change, or now. Once you begin to choose, you can add nothing that {next.name} does not carry.
      </Notice>
    </div>
  );
}
