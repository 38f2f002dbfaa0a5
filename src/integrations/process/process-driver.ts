import type { ComputeConfig } from "../../kernel/config";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { readBodyBytes } from "../../kernel/http/read-body";
import { ComputeError, type Compute, type ComputeFault, type Computer, type ComputerStatus } from "../../kernel/ports/compute";

/** A command's output is 64 Ki characters at most; a list of all machines is far below. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Beyond a command's own time: the agent tells that it took too long. */
const RUN_MARGIN_MS = 5_000;

type Json = Readonly<Record<string, unknown>>;

/** What a refusal of the agent says is certain; anything else leaves open what happened. */
const FAULT_OF: ReadonlyMap<unknown, ComputeFault> = new Map([
  ["unauthorized", "unauthorized"],
  ["gone", "gone"],
  ["not_ready", "not_ready"],
  ["refused", "refused"],
  ["capacity", "capacity"],
]);

const STATUSES: ReadonlySet<unknown> = new Set<ComputerStatus>(["starting", "running", "stopping", "stopped", "restarting", "deleting", "error"]);

type Agent = Omit<Extract<ComputeConfig, { driver: "process" }>, "serverUrl">;

/** Local processes as machines, kept by the agent that `npm start` runs (scripts/lib/vm-agent). */
export function createProcessDriver(config: Agent): Compute {
  const call = async (method: string, path: string, body?: Json, timeoutMs: number = config.timeoutMs): Promise<Json> => {
    const exchange = await reach(config, method, path, body, timeoutMs);
    const answer = parseObject(exchange.text);
    if (exchange.status === 200 && answer !== null) return answer;
    const fault = FAULT_OF.get(answer?.["code"]);
    throw new ComputeError(fault ?? "unavailable", fault ? readText(answer, "message") : `The agent of local machines answered ${exchange.status}.`);
  };
  const change = async (id: string, verb: string): Promise<void> => {
    await call("POST", `${pathOf(id)}/${verb}`);
  };

  return {
    driver: "process",
    // A local machine is there to try the rest: no gigabyte of runtime for each.
    installsRuntime: false,

    async create({ tag, cpu, ramGb, diskGb }) {
      return toComputer(await call("POST", "/v1/vms", { tag, cpu, ram_gb: ramGb, disk_gb: diskGb }));
    },

    async find(computerId) {
      const view = await unlessGone(() => call("GET", pathOf(computerId)));
      return view && toComputer(view);
    },

    async list() {
      const { vms } = await call("GET", "/v1/vms");
      if (!Array.isArray(vms)) throw garbled("vms");
      return vms.map(toComputer);
    },

    start: (computerId) => change(computerId, "start"),
    stop: (computerId) => change(computerId, "stop"),
    restart: (computerId) => change(computerId, "restart"),

    async destroy(computerId) {
      await unlessGone(() => call("DELETE", pathOf(computerId)));
    },

    async run(computerId, command, timeoutMs) {
      const answer = await call("POST", `${pathOf(computerId)}/run`, { command, timeout_ms: timeoutMs }, timeoutMs + RUN_MARGIN_MS);
      const exitCode = answer["exit_code"];
      if (typeof exitCode !== "number") throw garbled("exit_code");
      return { exitCode, output: readText(answer, "output") };
    },
  };
}

/** One exchange, whatever its status. @throws ComputeError `unavailable` */
async function reach({ agentUrl, agentToken }: Agent, method: string, path: string, body: Json | undefined, timeoutMs: number): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(`${agentUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${agentToken}`, accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES)) };
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    throw new ComputeError("unavailable", late ? `The agent of local machines did not answer within ${timeoutMs} ms.` : "The agent of local machines cannot be reached.", { cause: error });
  }
}

/** An id that no machine can have is nobody's, and must not climb out of its place in the path. @throws ComputeError `gone` */
function pathOf(computerId: string): string {
  if (!/^[0-9a-f-]{36}$/.test(computerId)) throw new ComputeError("gone", "There is no such machine.");
  return `/v1/vms/${computerId}`;
}

async function unlessGone(call: () => Promise<Json>): Promise<Json | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ComputeError && error.fault === "gone") return null;
    throw error;
  }
}

function toComputer(view: unknown): Computer {
  if (!isObject(view)) throw garbled("vms");
  const { status, detail, created_at: createdAt } = view;
  if (typeof status !== "string") throw garbled("status");
  return {
    id: readText(view, "id"),
    tag: readText(view, "tag"),
    // One that it does not know is on the way.
    status: isStatus(status) ? status : "starting",
    detail: typeof detail === "string" ? detail : null,
    createdAt: typeof createdAt === "number" ? createdAt : null,
    workspaceId: null,
    workspaceName: null,
  };
}

const isStatus = (value: unknown): value is ComputerStatus => STATUSES.has(value);
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function readText(object: Json | null, name: string): string {
  const value = object?.[name];
  if (typeof value !== "string") throw garbled(name);
  return value;
}

const garbled = (field: string): ComputeError => new ComputeError("unavailable", `The agent of local machines answers without a proper \`${field}\`.`);

function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
