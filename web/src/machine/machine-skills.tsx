import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getSkillTransfer, installSkill } from "../bots/bots.api";
import { skillsQuery } from "../bots/bots-query";
import { ProblemNotice } from "../bots/problem-notice";
import { SkillText } from "../bots/skill-text";
import type { Skill } from "../bots/bots.types";
import { nameOf } from "../fleet/fleet.reducer";
import { sortEntries } from "../fleet/fleet-filter";
import type { MachineEntry } from "../fleet/fleet.types";
import { useFleet } from "../fleet/use-fleet";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/error-notice";
import { selectClass } from "../ui/field";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { describeTransfer, isTransferOver, machinesWithout, skillsOn } from "./skills.core";
import { Nothing, Section } from "./section";

const TRANSFER_POLL_MS = 2_000;

/** Skills of this machine's bots, which other machines can have too. */
export function MachineSkills({ instanceId }: { instanceId: string }) {
  const fleet = useFleet();
  const { data, error } = useQuery(skillsQuery);
  const [sending, setSending] = useState<Skill | null>(null);
  const others = sortEntries(fleet.data?.entries ?? {}).filter(({ machine }) => machine.instanceId !== instanceId);
  const skills = data && skillsOn(data, instanceId);
  return (
    <Section title="Skills">
      {skills ? (
        skills.length === 0 ? (
          <Nothing>The bots of this machine report no skills.</Nothing>
        ) : (
          <ul data-testid="machine-skills" className="rounded-xl border border-line bg-surface shadow-card">
            {skills.map((skill) => (
              <li key={skill.name} className="flex items-center gap-4 border-t border-line px-4 py-3 first:border-t-0">
                <div className="min-w-0 flex-1">
                  <SkillText skill={skill} />
                </div>
                {others.length > 0 && (
                  <Button size="sm" aria-label={`Install ${skill.name} on another machine`} onClick={() => setSending(skill)}>
                    Install on…
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )
      ) : error ? (
        <ErrorNotice error={error} />
      ) : (
        <Skeleton className="h-20 rounded-xl" />
      )}
      <Dialog
        isOpen={sending !== null}
        onOpenChange={(isOpen) => {
          if (!isOpen) setSending(null);
        }}
        title={`Install ${sending?.name ?? "the skill"}`}
        description="A copy goes to another machine, for the bots that run there. A machine that is offline gets it when it is back, within a day."
      >
        {sending && <InstallForm skill={sending} targets={machinesWithout(others, sending)} onClose={() => setSending(null)} />}
      </Dialog>
    </Section>
  );
}

function InstallForm({ skill, targets, onClose }: { skill: Skill; targets: readonly MachineEntry[]; onClose: () => void }) {
  const [target, setTarget] = useState(targets[0]?.machine.instanceId ?? "");
  const install = useMutation({ mutationFn: () => installSkill(skill.name, target) });
  const transferId = install.data?.transfer_id ?? null;
  const transfer = useQuery({
    queryKey: ["skill-transfer", transferId],
    queryFn: ({ signal }) => getSkillTransfer(transferId ?? "", signal),
    enabled: transferId !== null,
    refetchInterval: ({ state }) => (state.data && isTransferOver(state.data.status) ? false : TRANSFER_POLL_MS),
  });
  const chosen = targets.find(({ machine }) => machine.instanceId === target);
  if (install.data) {
    const { status, message } = transfer.data ?? install.data;
    const { text, tone } = describeTransfer(status, chosen ? nameOf(chosen.machine) : "the machine", message);
    return (
      <>
        <Notice tone={tone}>{text}</Notice>
        <div className="flex justify-end">
          <Button onClick={onClose}>Close</Button>
        </div>
      </>
    );
  }
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!install.isPending && target !== "") install.mutate();
      }}
    >
      {install.error !== null && <ProblemNotice error={install.error} />}
      {targets.length === 0 ? (
        <Notice tone="info">Every machine of yours has it.</Notice>
      ) : (
        <label className="grid gap-1.5 text-sm font-medium">
          Machine
          <select value={target} onChange={(event) => setTarget(event.target.value)} className={selectClass}>
            {targets.map(({ machine }) => (
              <option key={machine.instanceId} value={machine.instanceId}>
                {nameOf(machine)}
                {machine.reachable ? "" : " (offline)"}
              </option>
            ))}
          </select>
        </label>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={install.isPending} disabled={target === ""}>
          Install
        </Button>
      </div>
    </form>
  );
}
