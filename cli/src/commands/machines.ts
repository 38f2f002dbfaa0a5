import type { Machine } from "../core/api-types";
import type { ApiClient } from "../core/http";
import { formatAgo, formatTable, type Output } from "../core/output";
import { requireClient, type CliContext } from "./context";

interface MachinesAnswer {
  readonly machines: readonly Machine[];
}

/** Every machine of the account, cloud ones included. Throws CliError. */
export async function listMachines(api: ApiClient): Promise<readonly Machine[]> {
  const answer = await api.call<MachinesAnswer>("GET", "/api/v1/dashboard/machines?include_cloud=1");
  return answer.machines;
}

/** `sett machines`: the fleet table. */
export async function showMachines(context: CliContext): Promise<void> {
  const { api, auth } = requireClient(context);
  const machines = await listMachines(api);
  if (context.out.options.json) context.out.json({ machines });
  else for (const line of machineTable(machines, auth.instance_id, context.out)) context.out.print(line);
}

/** The lines of the fleet table; this machine is marked with a star. */
export function machineTable(machines: readonly Machine[], own: string | null, out: Output): string[] {
  if (machines.length === 0) return ["no machines yet: run sett up on one"];
  const now = Date.now();
  const c = out.colors;
  const rows = machines.map((machine) => {
    const reachable = machine.reachable ?? machine.isOnline;
    const state = reachable ? c.green("up") : c.red("down");
    const link = reachable ? (machine.link ?? "–") : (machine.offlineReason ?? "–");
    const gateway = machine.gatewayStatus + (machine.gatewayPid == null ? "" : ` ${machine.gatewayPid}`);
    const memory = machine.memFreeMb == null || machine.memTotalMb == null ? "–" : `${gib(machine.memFreeMb)}/${gib(machine.memTotalMb)} GiB`;
    const watched = machine.watched ?? [];
    const running = watched.filter((item) => item.status === "running").length;
    return [
      `${machine.label ?? machine.hostname ?? machine.instanceId}${machine.instanceId === own ? "*" : ""}`,
      state,
      link,
      gatewayColor(gateway, machine.gatewayStatus, out),
      watched.length === 0 ? "–" : `${running}/${watched.length}`,
      memory,
      machine.load1 == null ? "–" : machine.load1.toFixed(2),
      formatAgo(machine.lastHeartbeat, now),
      machine.cliVersion ?? machine.version ?? "–",
      c.dim(machine.instanceId),
    ];
  });
  return formatTable(["MACHINE", "STATE", "LINK", "GATEWAY", "PROCS", "FREE MEM", "LOAD", "LAST BEAT", "CLI", "ID"].map((word) => c.dim(word)), rows);
}

function gatewayColor(text: string, status: string, out: Output): string {
  if (status === "running") return out.colors.green(text);
  return status === "crashed" ? out.colors.red(text) : text;
}

function gib(mib: number): string {
  return (mib / 1024).toFixed(1);
}
