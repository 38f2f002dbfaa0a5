import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { selectClass } from "../../ui/field";
import { PlanProblem } from "../../plan/plan-problem";
import { lowerPlan, raisePlan } from "../admin.api";
import type { Person } from "../admin.types";
import { plansQuery, refreshPerson } from "../admin-query";
import { Loading, ReadProblem } from "../parts";
import { nameOfPerson, planChoices, type PlanChoice } from "./person.core";

interface ChangePlanDialogProps {
  person: Person;
  isOpen: boolean;
  onClose: () => void;
  onDone: (text: string) => void;
}

export function ChangePlanDialog({ person, isOpen, onClose, onDone }: ChangePlanDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Another plan for ${nameOfPerson(person)}`}
      description="It changes here only: no payment provider is told, and nothing is charged or paid back."
    >
      <ChangePlanForm person={person} onClose={onClose} onDone={onDone} />
    </Dialog>
  );
}

const WORDS = {
  up: "They have it at once, and what a smaller plan switched off comes back as far as this one goes.",
  down: "They are asked what stays, and have the usual grace for that. Nothing is switched off before.",
} as const;

function ChangePlanForm({ person, onClose, onDone }: Omit<ChangePlanDialogProps, "isOpen">) {
  const client = useQueryClient();
  const plans = useQuery(plansQuery);
  const [key, setKey] = useState("");
  const choices = planChoices(plans.data ?? [], person.subscription_plan);
  const chosen = choices.find((choice) => choice.key === key) ?? null;
  const change = useMutation({
    mutationFn: async ({ key: plan, name, way }: PlanChoice) => {
      if (way === "up") {
        await raisePlan(person.id, plan);
        return `On ${name} from now on.`;
      }
      const open = await lowerPlan(person.id, plan);
      return open === null ? `On ${name} from now on; everything they have fits.` : `Going down to ${name}. They have been asked what stays.`;
    },
    onSuccess: onDone,
    onSettled: () => refreshPerson(client, person.id),
  });
  if (!plans.data) return plans.error === null ? <Loading what="plans" rows={2} /> : <ReadProblem error={plans.error} isBusy={plans.isFetching} onRetry={() => void plans.refetch()} />;
  return (
    <form
      data-testid="change-plan-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen && !change.isPending) change.mutate(chosen);
      }}
    >
      {change.error !== null && <PlanProblem error={change.error} />}
      <label className="grid gap-1.5 text-sm font-medium">
        Plan
        <select name="plan" value={key} onChange={(event) => setKey(event.target.value)} className={selectClass}>
          <option value="">Choose…</option>
          {choices.map((choice) => (
            <option key={choice.key} value={choice.key}>
              {choice.name} ({choice.way === "up" ? "more" : "less"})
            </option>
          ))}
        </select>
      </label>
      <p aria-live="polite" className="-mt-1 text-[0.8125rem] text-muted">
        {chosen ? WORDS[chosen.way] : "More than now is granted at once; less gives them time to choose."}
      </p>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={change.isPending} disabled={chosen === null}>
          {chosen?.way === "down" ? "Lower the plan" : "Grant the plan"}
        </Button>
      </div>
    </form>
  );
}
