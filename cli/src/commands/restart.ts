import { sleep } from "../core/backoff";
import type { CommandView, GatewayRestartView, Machine } from "../core/api-types";
import { CliError, EXIT, type ExitCode } from "../core/errors";
import type { ApiClient } from "../core/http";
import { isObject, stringField } from "../core/json";
import { formatDuration, Spinner } from "../core/output";
import { requireClient, type CliContext } from "./context";
import { listMachines } from "./machines";

const POLL_MS = 700;

export interface RestartOptions {
  readonly wait?: boolean;
  /** One watched process instead of the gateway. */
  readonly process?: string;
  /** Seconds. */
  readonly timeout: number;
}

/** `sett restart [INSTANCE]`: asks a machine to restart its gateway, and waits for the outcome when told to. */
export async function restart(context: CliContext, wanted: string | undefined, options: RestartOptions): Promise<ExitCode> {
  const { api, auth } = requireClient(context);
  const { out } = context;
  const instanceId = wanted === undefined ? auth.instance_id : await findInstance(api, wanted);
  if (instanceId === null) throw new CliError(EXIT.usage, "this machine is not registered", "Name a machine (sett machines), or run sett up here first.", "no_instance");
  const before = new Set((await listCommands(api, instanceId)).map((command) => command.id));
  const asked = await ask(api, instanceId, options.process);
  if (options.wait !== true) {
    if (out.options.json) out.json({ event: "requested", instance_id: instanceId, command_id: asked.id ?? null, message: asked.message });
    else out.note(`${out.errColors.green("✓")} ${asked.message}  ${out.errColors.dim("(--wait shows the outcome)")}`);
    return EXIT.ok;
  }
  const done = await waitForOutcome(context, api, instanceId, asked.id, before, options.timeout * 1000);
  if (out.options.json) out.json({ event: "completed", instance_id: instanceId, command_id: done.id, status: done.status, result: done.result ?? null });
  else if (done.status === "success") out.note(`${out.errColors.green("✓")} ${done.result ?? "restarted"}`);
  if (done.status === "success") return EXIT.ok;
  if (out.options.json) return EXIT.problems;
  throw new CliError(EXIT.problems, `the restart ${done.status}: ${done.result ?? "no reason given"}`, undefined, "restart_failed");
}

interface Asked {
  readonly id: string | undefined;
  readonly message: string;
}

async function ask(api: ApiClient, instanceId: string, name: string | undefined): Promise<Asked> {
  if (name !== undefined) {
    const body = { instance_id: instanceId, command_type: "restart_gateway", payload: { name } };
    const made = await api.call<unknown>("POST", "/api/v1/dashboard/commands", { body });
    return { id: isObject(made) ? stringField(made, "id") : undefined, message: `asked ${instanceId} to restart ${name}` };
  }
  const view = await api.call<GatewayRestartView>("POST", "/api/v1/dashboard/gateway/restart", { body: { instance_id: instanceId } });
  if (!view.ok) throw new CliError(EXIT.refused, view.message, undefined, "restart_refused");
  return { id: view.commandId, message: view.message };
}

async function waitForOutcome(context: CliContext, api: ApiClient, instanceId: string, id: string | undefined, before: ReadonlySet<string>, limitMs: number): Promise<CommandView> {
  const startedAt = Date.now();
  let status = "queued";
  const spinner = new Spinner(() => `restart ${status} (${formatDuration(Date.now() - startedAt)})`, !context.out.options.json && !context.out.options.quiet);
  try {
    while (Date.now() - startedAt < limitMs) {
      const command = pickCommand(await listCommands(api, instanceId), id, before);
      if (command !== undefined) {
        status = command.status;
        if (["success", "failed", "expired"].includes(status)) return command;
      }
      await sleep(POLL_MS);
    }
  } finally {
    spinner.stop();
  }
  const hint = status === "pending" || status === "queued" ? "The machine has not taken the command; is it linked? See: sett machines" : "It goes on; see: sett machines";
  throw new CliError(EXIT.problems, `no outcome within ${formatDuration(limitMs)} (${status})`, hint, "restart_timeout");
}

/** The command that was asked for: by id; else the new restart; else the open one our request was merged into. Pure. */
export function pickCommand(commands: readonly CommandView[], id: string | undefined, before: ReadonlySet<string>): CommandView | undefined {
  if (id !== undefined) return commands.find((command) => command.id === id);
  const restarts = commands.filter((command) => command.commandType === "restart_gateway");
  return restarts.find((command) => !before.has(command.id)) ?? restarts.find((command) => command.status === "pending" || command.status === "acknowledged");
}

function listCommands(api: ApiClient, instanceId: string): Promise<CommandView[]> {
  return api.call<CommandView[]>("GET", `/api/v1/dashboard/commands/${encodeURIComponent(instanceId)}`);
}

async function findInstance(api: ApiClient, wanted: string): Promise<string> {
  const machines = await listMachines(api);
  const hits = matchMachines(machines, wanted);
  const [only] = hits;
  if (only !== undefined && hits.length === 1) return only.instanceId;
  if (hits.length > 1) throw new CliError(EXIT.usage, `"${wanted}" means more than one machine: ${hits.map((machine) => machine.instanceId).join(", ")}`, "Give the full id.", "ambiguous");
  throw new CliError(EXIT.usage, `no machine is called "${wanted}"`, "See them with: sett machines", "no_machine");
}

/** Machines meant by a word: the exact id, else label or hostname, else the start of the id. Pure. */
export function matchMachines(machines: readonly Machine[], wanted: string): readonly Machine[] {
  const exact = machines.filter((machine) => machine.instanceId === wanted);
  if (exact.length > 0) return exact;
  const named = machines.filter((machine) => machine.label === wanted || machine.hostname === wanted);
  return named.length > 0 ? named : machines.filter((machine) => machine.instanceId.startsWith(wanted));
}
