import { accountFeedObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { describeError } from "../../kernel/logging/logger";
import { objectOf, refOf } from "../instances";
import type { MachineSkills } from "./skills.core";

/** Machines asked for one answer, and at a time. */
const MACHINES_MAX = 200;
const AT_ONCE = 20;

/** The skills of each of the caller's machines that was ever heard. One that does not answer is left out. */
export async function listMachineSkills(ctx: OwnerCtx): Promise<MachineSkills[]> {
  const { userId } = ctx.actor;
  const machines = (await accountFeedObject(ctx.objects, userId).listMachines(userId)).filter((machine) => machine.lastHeartbeat !== null).slice(0, MACHINES_MAX);
  const found: MachineSkills[] = [];
  for (let i = 0; i < machines.length; i += AT_ONCE) {
    const some = await Promise.all(
      machines.slice(i, i + AT_ONCE).map(async ({ instanceId, hostname, reachable }) => {
        try {
          return [{ instanceId, hostname, reachable, skills: await objectOf(ctx, instanceId).listSkills(refOf(ctx, instanceId)) }];
        } catch (error) {
          ctx.log.warn("a machine's skills are unknown for now", { event: "skills.object_failed", instance_id: instanceId, ...describeError(error) });
          return [];
        }
      }),
    );
    found.push(...some.flat());
  }
  return found;
}
