import { accountFeedObject } from "../../../durable-objects/stubs";
import type { OwnerCtx } from "../../kernel/context";
import { toInstanceView } from "./instance-view";
import type { InstanceView } from "./instances.schemas";
import { listInstanceRows } from "./instances.store";

/** Every machine of the caller, archived and disabled ones too. `online` is what was last heard, else what was registered. */
export async function listInstances(ctx: OwnerCtx): Promise<InstanceView[]> {
  const { userId } = ctx.actor;
  const [rows, machines] = await Promise.all([listInstanceRows(ctx, userId), accountFeedObject(ctx.objects, userId).listMachines(userId)]);
  const heard = new Map(machines.filter((machine) => machine.lastHeartbeat !== null).map((machine) => [machine.instanceId, machine.isOnline]));
  return rows.map((row) => toInstanceView(row, heard.get(row.instanceId) ?? row.online));
}
