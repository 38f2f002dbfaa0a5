import { SECOND_MS } from "../../kernel/clock";
import type { ComputeConfig } from "../../kernel/config";
import { ComputeError, type Compute, type Computer, type ComputerSpec } from "../../kernel/ports/compute";
import { garbled, type Json } from "./answers";
import { isId, oldestFirst, readComputer } from "./computers";
import { createHttp, timeLimit, type OrgoCall, type TimeLimit } from "./http";
import { createWorkspaces } from "./workspaces";

/** Computers at Orgo (https://docs.orgo.ai/api-reference). What shaped this is in docs/design/cloud-drivers.md. */

type OrgoConfig = Extract<ComputeConfig, { readonly driver: "orgo" }>;

/** Longest command that its agent takes, in seconds. */
const MAX_COMMAND_SECONDS = 200;

/** @param options `retryWaitsMs`: waits before the second, third… try of a call that may be repeated */
export function createOrgo(config: OrgoConfig, options: { readonly retryWaitsMs?: readonly number[] } = {}): Compute {
  const http = createHttp(config, options.retryWaitsMs);
  const workspaces = createWorkspaces(http, config, config.workspaceName);

  /** A call about one computer. @throws ComputeError as Orgo answers, `gone` for what can be no id */
  const about = async (id: string, call: Omit<OrgoCall, "path">, action: string, limit: TimeLimit): Promise<Json> => {
    if (!isId(id)) throw gone(call.name);
    const answer = await http.call({ ...call, path: `/computers/${id}${action}` }, limit);
    if (!answer.ok) throw answer.error;
    return answer.body;
  };
  const power = async (id: string, action: "start" | "stop", limit: TimeLimit): Promise<void> => void (await about(id, { name: action, method: "POST", repeatable: true }, `/${action}`, limit));

  /** Legacy hosts know no restart. While it goes down it may not be started yet. */
  const stopAndStart = async (id: string, limit: TimeLimit): Promise<void> => {
    await power(id, "stop", limit);
    for (const waitMs of [...http.retryWaitsMs, null]) {
      const error = await power(id, "start", limit).then(() => null, (caught: unknown) => caught);
      if (error === null) return;
      const passing = error instanceof ComputeError && (error.fault === "busy" || error.fault === "not_ready");
      if (!passing || waitMs === null || !(await limit.pause(waitMs))) throw error;
    }
  };

  /** What bears the name that was refused to us. */
  const adopt = async (tag: string, limit: TimeLimit, providerRequestId: string | null): Promise<Computer> => {
    const [oldest] = oldestFirst((await workspaces.listComputers(limit)).filter((computer) => computer.tag === tag && computer.status !== "deleting"));
    if (!oldest) throw new ComputeError("unavailable", "Orgo: create: the name is taken, but no such computer is shown", { providerRequestId });
    return oldest;
  };

  const create = async (spec: ComputerSpec, limit: TimeLimit, again: boolean): Promise<Computer> => {
    const workspace = await workspaces.ours(limit);
    const body = {
      workspace_id: workspace.id,
      name: spec.tag,
      os: "linux",
      cpu: spec.cpu,
      ram: spec.ramGb,
      ...(spec.diskGb === null ? {} : { disk_size_gb: spec.diskGb }),
      // Computers that sleep when nobody looks at them are no machines.
      auto_stop_minutes: 0,
    };
    const answer = await http.call({ name: "create", method: "POST", path: "/computers", body, repeatable: false }, limit);
    if (answer.ok) return readComputer("create", answer.body, { tag: spec.tag, workspace });
    if (answer.nameTaken || answer.error.fault === "busy") return adopt(spec.tag, limit, answer.error.providerRequestId);
    if (answer.error.fault === "gone" && again) {
      workspaces.forget();
      return create(spec, limit, false);
    }
    if (answer.error.fault === "gone" || answer.error.fault === "not_ready") throw new ComputeError("unavailable", answer.error.message, { providerRequestId: answer.error.providerRequestId });
    throw answer.error;
  };

  return {
    driver: "orgo",
    installsRuntime: true,

    create: (spec) => create(spec, timeLimit(config.timeoutMs), true),

    async find(computerId) {
      try {
        return readComputer("find", await about(computerId, { name: "find", method: "GET", repeatable: true }, "", timeLimit(config.timeoutMs)), { id: computerId });
      } catch (error) {
        if (error instanceof ComputeError && error.fault === "gone") return null;
        throw error;
      }
    },

    list: () => workspaces.listComputers(timeLimit(config.timeoutMs)),

    start: (computerId) => power(computerId, "start", timeLimit(config.timeoutMs)),
    stop: (computerId) => power(computerId, "stop", timeLimit(config.timeoutMs)),

    async restart(computerId) {
      if (!isId(computerId)) throw gone("restart");
      const limit = timeLimit(config.timeoutMs);
      // A second one would hit it while it comes up.
      const answer = await http.call({ name: "restart", method: "POST", path: `/computers/${computerId}/restart`, repeatable: false }, limit);
      if (answer.ok) return;
      if (answer.status !== 405) throw answer.error;
      await stopAndStart(computerId, limit);
    },

    async destroy(computerId) {
      try {
        await about(computerId, { name: "destroy", method: "DELETE", repeatable: true }, "", timeLimit(config.timeoutMs));
      } catch (error) {
        if (!(error instanceof ComputeError) || error.fault !== "gone") throw error;
      }
    },

    async run(computerId, command, timeoutMs) {
      const timeout = Math.min(MAX_COMMAND_SECONDS, Math.max(1, Math.floor(timeoutMs / SECOND_MS)));
      const { exit_code: exitCode, output } = await about(computerId, { name: "run", method: "POST", body: { command, timeout }, repeatable: false, confidential: true }, "/bash", timeLimit(timeoutMs));
      // `success` only says that it ran.
      if (typeof exitCode !== "number" || !Number.isInteger(exitCode)) throw garbled("run", "exit_code");
      return { exitCode, output: typeof output === "string" ? output : "" };
    },
  };
}

const gone = (call: string): ComputeError => new ComputeError("gone", `Orgo: ${call}: there is no such computer`);
