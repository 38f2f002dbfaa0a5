import { createInterface } from "node:readline";
import { sleep } from "../core/backoff";
import { CliError, EXIT, type ExitCode } from "../core/errors";
import type { ApiClient } from "../core/http";
import { isObject, numberField, parseJson, stringField, type JsonObject } from "../core/json";
import { formatAgo, formatDuration, formatTable, Spinner } from "../core/output";
import { SseParser } from "../link/sse-parser";
import { requireClient, type CliContext } from "./context";

const BASE = "/api/v1/openclaw/cloud-vm";
/** Longest that only the stream is listened to. */
const NEWS_MS = 20_000;
const MOMENT_MS = 700;
const BAR_WIDTH = 20;

export const LLM_PROVIDERS = ["anthropic", "gemini", "openrouter"] as const;
const KEY_VARIABLE: Readonly<Record<(typeof LLM_PROVIDERS)[number], string>> = { anthropic: "ANTHROPIC_API_KEY", gemini: "GEMINI_API_KEY", openrouter: "OPENROUTER_API_KEY" };

export interface CreateVmOptions {
  readonly cpu?: number;
  readonly ram?: number;
  readonly disk?: number;
  readonly llm?: string;
  readonly llmKey?: string;
  readonly wait: boolean;
  readonly timeout: number;
}

/** `sett vm create [NAME]`: rents a machine and, unless told not to, waits until its first heartbeat. */
export async function createVm(context: CliContext, name: string | undefined, options: CreateVmOptions): Promise<ExitCode> {
  const { api } = requireClient(context);
  const { out } = context;
  const body = {
    ...(name === undefined ? {} : { name }),
    ...(options.cpu === undefined ? {} : { cpu: options.cpu }),
    ...(options.ram === undefined ? {} : { ram: options.ram }),
    ...(options.disk === undefined ? {} : { disk_size_gb: options.disk }),
    ...(await modelAccess(options)),
  };
  const made = asObject(await api.call<unknown>("POST", BASE, { body, timeoutMs: 60_000 }));
  const id = stringField(made, "instance_id");
  if (id === undefined) throw new CliError(EXIT.unreachable, "the server's answer cannot be read", undefined, "bad_answer");
  if (out.options.json) out.json({ event: "created", ...made });
  else out.note(`${out.errColors.green("✓")} ${stringField(made, "name") ?? id} is on its way  ${out.errColors.dim(id)}`);
  if (!options.wait) return EXIT.ok;
  return waitForVm(context, api, id, options.timeout * 1000);
}

/** The model that the machine's agents use, and its key: from the flags, stdin (`-`) or the environment. None at all is fine, too. */
async function modelAccess(options: CreateVmOptions): Promise<object> {
  const named = LLM_PROVIDERS.find((provider) => provider === options.llm);
  if (options.llmKey === "-" && named === undefined) throw new CliError(EXIT.usage, "whose key is it?", `Say so with --llm: ${LLM_PROVIDERS.join(", ")}`, "no_llm_provider");
  const found = named ?? LLM_PROVIDERS.find((provider) => process.env[KEY_VARIABLE[provider]]);
  if (options.llmKey !== undefined && options.llmKey !== "-") throw new CliError(EXIT.usage, "a key on the command line shows in lists of processes", `Put it into ${KEY_VARIABLE[named ?? "anthropic"]}, or give it by stdin: --llm-key -`, "key_on_command_line");
  const key = options.llmKey === "-" ? await firstLineOfStdin() : found === undefined ? undefined : process.env[KEY_VARIABLE[found]];
  if (key === undefined || key === "") {
    if (named === undefined && options.llmKey === undefined) return {};
    throw new CliError(EXIT.usage, `there is no key for ${named ?? "the model"}`, `Set ${KEY_VARIABLE[named ?? "anthropic"]}, or give it by stdin: --llm-key -`, "no_llm_key");
  }
  return { llm_provider: found ?? "anthropic", llm_api_key: key };
}

async function firstLineOfStdin(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line.trim();
  return "";
}

/** `sett vm list` */
export async function listVms(context: CliContext): Promise<void> {
  const { api } = requireClient(context);
  const { out } = context;
  const answer = asObject(await api.call<unknown>("GET", BASE));
  if (out.options.json) return out.json(answer);
  const vms = readList(answer);
  const available = numberField(answer, "available") ?? 0;
  const room = available < 0 ? "as many more as you like" : `${available} more`;
  if (vms.length === 0) return out.print(`no cloud machines yet, ${room} possible: sett vm create NAME`);
  const c = out.colors;
  const rows = vms.map((vm) => {
    const status = stringField(vm, "provision_status") ?? "?";
    const shade = status === "online" ? c.green : status === "failed" ? c.red : c.yellow;
    const detail = vm["online"] === false && status === "online" ? "not heard of" : (stringField(vm, "provision_detail") ?? "");
    return [
      stringField(vm, "name") ?? "?",
      shade(status),
      `${numberField(vm, "cpu") ?? "?"} × ${numberField(vm, "ram") ?? "?"} GiB`,
      stringField(vm, "addon_id") === undefined ? "plan" : "add-on",
      formatAgo(stringField(vm, "created_at"), Date.now()),
      c.dim(stringField(vm, "instance_id") ?? ""),
      stringField(vm, "destroy_after") === undefined ? detail : c.red(`unpaid: destroyed at ${stringField(vm, "destroy_after") ?? ""}`),
    ];
  });
  for (const line of formatTable(["NAME", "STATUS", "SIZE", "PAID BY", "MADE", "ID", ""].map((word) => c.dim(word)), rows)) out.print(line);
  out.note(out.errColors.dim(`${room} possible`));
}

/** `sett vm watch NAME`: follows one until it is online or has failed; finds again what another terminal began. */
export async function watchVm(context: CliContext, name: string, options: { readonly timeout: number }): Promise<ExitCode> {
  const { api } = requireClient(context);
  return waitForVm(context, api, await requireVm(api, name), options.timeout * 1000);
}

/** `sett vm restart NAME` */
export async function restartVm(context: CliContext, name: string, options: { readonly wait: boolean; readonly timeout: number }): Promise<ExitCode> {
  const { api } = requireClient(context);
  const { out } = context;
  const id = await requireVm(api, name);
  const answer = asObject(await api.call<unknown>("POST", `${BASE}/${encodeURIComponent(id)}/restart`));
  if (out.options.json) out.json({ event: "restarting", ...answer });
  else out.note(`${out.errColors.green("✓")} ${name} restarts`);
  return options.wait ? waitForVm(context, api, id, options.timeout * 1000) : EXIT.ok;
}

/** `sett vm destroy NAME` */
export async function destroyVm(context: CliContext, name: string, options: { readonly yes?: boolean }): Promise<ExitCode> {
  const { api } = requireClient(context);
  const { out } = context;
  const id = await requireVm(api, name);
  if (options.yes !== true) {
    if (process.stdin.isTTY !== true) throw new CliError(EXIT.usage, "destroying takes the machine and everything on it", "Say so with --yes.", "not_confirmed");
    process.stderr.write(`This destroys ${name} and everything on it. Type its name to go on: `);
    if ((await firstLineOfStdin()) !== name) throw new CliError(EXIT.general, "nothing was destroyed", undefined, "not_confirmed");
  }
  await api.call<unknown>("DELETE", `${BASE}/${encodeURIComponent(id)}`, { timeoutMs: 60_000 });
  if (out.options.json) out.json({ event: "destroyed", instance_id: id });
  else out.note(`${out.errColors.green("✓")} ${name} is gone, and so is its bill`);
  return EXIT.ok;
}

/** Follows one machine until it settles: by its stream, and by looking now and then where the stream breaks off. */
async function waitForVm(context: CliContext, api: ApiClient, id: string, limitMs: number): Promise<ExitCode> {
  const { out } = context;
  const path = `${BASE}/${encodeURIComponent(id)}`;
  const startedAt = Date.now();
  let seen: JsonObject = {};
  let told = "";
  const spinner = new Spinner(() => progressLine(seen, Date.now() - startedAt), !out.options.json && !out.options.quiet);
  try {
    for (;;) {
      seen = asObject(await api.call<unknown>("GET", `${path}/provision-status`));
      const status = stringField(seen, "provision_status");
      const news = JSON.stringify([status, seen["percent"], seen["provision_detail"]]);
      if (out.options.json && news !== told) out.json({ event: "progress", ...seen });
      told = news;
      if (status === "online") break;
      if (status === "failed" || status === "destroying") throw new CliError(EXIT.problems, stringField(seen, "provision_detail") ?? `it is ${status}`, status === "failed" ? `Try again with: sett vm restart ${id}` : undefined, `vm_${status}`);
      const left = limitMs - (Date.now() - startedAt);
      if (left <= 0) throw new CliError(EXIT.problems, "it is not online yet; it goes on without you", `See it with: sett vm watch ${id}`, "timeout");
      await nextNews(api, `${path}/events`, Math.min(left, NEWS_MS), (event) => {
        seen = { ...seen, ...event };
        if (out.options.json) out.json({ event: "progress", ...event });
      });
    }
  } finally {
    spinner.stop();
  }
  if (!out.options.json) out.note(`${out.errColors.green("✓")} online after ${formatDuration(Date.now() - startedAt)}  ${out.errColors.dim("sett machines shows it")}`);
  return EXIT.ok;
}

/** Hands on what the stream tells until it says that the machine settled, ends, or `ms` are over; at least a moment, so that a stream that breaks off at once is not asked again at once. */
async function nextNews(api: ApiClient, path: string, ms: number, tell: (progress: JsonObject) => void): Promise<void> {
  const pause = sleep(Math.min(ms, MOMENT_MS));
  try {
    const response = await fetch(api.server + path, { headers: { ...api.authHeaders(), accept: "text/event-stream" }, redirect: "manual", signal: AbortSignal.timeout(ms) });
    if (response.status !== 200 || response.body === null) return await pause;
    const parser = new SseParser();
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      for (const { data } of parser.push(decoder.decode(chunk, { stream: true }))) {
        const event = asObject(parseJson(data));
        if (stringField(event, "type") === "cloud_vm.settled") return;
        if (stringField(event, "type") === "cloud_vm.progress") tell({ provision_status: event["provisionStatus"], provision_detail: event["detail"], step: event["step"], step_percent: event["stepPercent"], percent: event["percent"] });
      }
    }
  } catch {
    // Cut off, or the time is over: whoever waits looks, and listens again.
  }
  await pause;
}

/** One line of progress. Pure; exported for its test. */
export function progressLine(seen: JsonObject, elapsedMs: number): string {
  const percent = numberField(seen, "percent") ?? 0;
  const full = Math.round((percent / 100) * BAR_WIDTH);
  return `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${String(percent).padStart(3)} %  ${stringField(seen, "provision_detail") ?? stringField(seen, "provision_status") ?? "asking"}  (${formatDuration(elapsedMs)})`;
}

/** The id of one of the caller's cloud machines by its name or id. Throws CliError. */
async function requireVm(api: ApiClient, name: string): Promise<string> {
  const vms = readList(asObject(await api.call<unknown>("GET", BASE)));
  const found = vms.find((vm) => stringField(vm, "name") === name || stringField(vm, "instance_id") === name);
  const id = found === undefined ? undefined : stringField(found, "instance_id");
  if (id === undefined) throw new CliError(EXIT.refused, `you have no cloud machine called ${name}`, "sett vm list shows them.", "not_found");
  return id;
}

const readList = (answer: JsonObject): JsonObject[] => {
  const list = answer["cloud_vms"];
  return Array.isArray(list) ? list.filter(isObject) : [];
};

const asObject = (raw: unknown): JsonObject => (isObject(raw) ? raw : {});
