import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { PlanLink } from "../plan/plan-link";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { buyAddon } from "./cloud.api";
import { VmProblem } from "./vm-problem";

/** Nothing pays for another machine: what to do about that. */
export function BuyAddon({ hasMachines }: { hasMachines: boolean }) {
  const [isLeaving, setLeaving] = useState(false);
  const buy = useMutation({
    mutationFn: buyAddon,
    onSuccess: (url) => {
      setLeaving(true);
      location.assign(url);
    },
  });
  return (
    <div className="grid gap-2">
      <Notice
        tone="info"
        action={
          <span className="flex flex-wrap gap-2">
            <Button size="sm" data-testid="buy-addon" busy={buy.isPending || isLeaving} onClick={() => buy.mutate()}>
              Buy an add-on
            </Button>
            <PlanLink />
          </span>
        }
      >
        {hasMachines ? "All machines that your plan and add-ons pay for are taken." : "Your plan includes no cloud machine."} An add-on pays for one more.
      </Notice>
      {buy.error !== null && <VmProblem error={buy.error} act="buy" />}
    </div>
  );
}
