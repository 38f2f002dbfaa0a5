import { createHash, randomBytes } from "node:crypto";
import { findAuth, saveAuth, type Auth } from "../core/auth-store";
import { sleep } from "../core/backoff";
import type { CliAuthStart, InstanceResponse } from "../core/api-types";
import { CliError, EXIT } from "../core/errors";
import { ApiClient, refusal, UnreachableError } from "../core/http";
import { isObject, stringField } from "../core/json";
import { formatDuration, Spinner } from "../core/output";
import type { CliContext } from "./context";
import { openBrowser } from "./open-browser";

const POLL_MS = 2_000;
const CODE_LIFE_MS = 600_000;

export interface LoginOptions {
  readonly token?: string;
  /** Commander's `--no-browser`. */
  readonly browser: boolean;
}

/** `sett login`: with a minted token, or through the browser. */
export async function login(context: CliContext, options: LoginOptions): Promise<void> {
  const auth = options.token === undefined ? await loginWithBrowser(context, options.browser) : await loginWithToken(context, options.token);
  saveAuth(context.paths, auth);
  if (context.out.options.json) {
    context.out.json({ event: "complete", user_id: auth.user_id, expires_at: auth.expires_at });
    return;
  }
  const until = auth.expires_at === null ? "" : ` until ${auth.expires_at.slice(0, 10)}`;
  context.out.note(`${context.out.errColors.green("✓")} logged in to ${context.server}${auth.user_id === null ? "" : ` as ${auth.user_id}`}${until}`);
  context.out.note(`  ${context.out.errColors.dim("Next: sett up")}`);
}

async function loginWithToken(context: CliContext, given: string): Promise<Auth> {
  const token = (given === "-" ? await readStdin() : given).trim();
  if (token === "" || /\s/.test(token)) throw new CliError(EXIT.usage, "the token is empty or has spaces in it", "Give it as --token TOKEN, or --token - and the token on stdin.", "bad_token");
  const api = new ApiClient(context.server, token);
  await api.call<InstanceResponse[]>("GET", "/api/v1/openclaw/status");
  return { server: context.server, access_token: token, user_id: null, expires_at: null, instance_id: keptInstance(context, null) };
}

/** As many as the page shows. */
const SHOWN_CODE_CHARS = 8;

async function loginWithBrowser(context: CliContext, browser: boolean): Promise<Auth> {
  const { out } = context;
  const api = new ApiClient(context.server);
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const body = { code_challenge: challenge, code_challenge_method: "S256" };
  const { auth_url: authUrl, code } = await api.call<CliAuthStart>("POST", "/api/v1/openclaw/cli/auth/start", { body });
  if (out.options.json) out.json({ event: "auth_url", auth_url: authUrl, code });
  else out.print(`Open this page and confirm the login:\n\n  ${out.colors.cyan(authUrl)}\n\nThe page shows the code ${out.colors.bold(code.slice(0, SHOWN_CODE_CHARS))}; approve only if it is the same.\n`);
  // Only web pages are handed to the system's opener, whatever the server sent.
  if (browser && /^https?:\/\//.test(authUrl)) openBrowser(authUrl);
  const until = Date.now() + CODE_LIFE_MS;
  const spinner = new Spinner(() => `waiting for the browser (${formatDuration(until - Date.now())} left)`, !out.options.json && !out.options.quiet);
  try {
    return await pollUntilComplete(context, api, code, verifier, until);
  } finally {
    spinner.stop();
  }
}

async function pollUntilComplete(context: CliContext, api: ApiClient, code: string, verifier: string, until: number): Promise<Auth> {
  while (Date.now() < until) {
    const auth = await pollOnce(context, api, code, verifier);
    if (auth !== undefined) return auth;
    await sleep(POLL_MS);
  }
  throw new CliError(EXIT.problems, "nobody confirmed the login within 10 minutes", "Run sett login again.", "login_timeout");
}

async function pollOnce(context: CliContext, api: ApiClient, code: string, verifier: string): Promise<Auth | undefined> {
  let answer;
  try {
    answer = await api.request("POST", `/api/v1/openclaw/cli/auth/poll/${encodeURIComponent(code)}`, { body: { code_verifier: verifier } });
  } catch (error) {
    // A short network failure must not throw away a login the browser is about to confirm.
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
  if (answer.status >= 500 || answer.status === 429) return undefined;
  if (answer.status !== 200) throw refusal(context.server, answer);
  const { body } = answer;
  if (!isObject(body) || body["status"] !== "complete") return undefined;
  const token = stringField(body, "access_token");
  if (token === undefined || token === "") return undefined;
  const userId = stringField(body, "user_id") ?? null;
  return {
    server: context.server,
    access_token: token,
    user_id: userId,
    expires_at: stringField(body, "expires_at") ?? null,
    instance_id: stringField(body, "instance_id") ?? keptInstance(context, userId),
  };
}

/** This machine's id on that server is still right when the same account logs in again (or when we cannot tell). */
function keptInstance(context: CliContext, userId: string | null): string | null {
  const before = findAuth(context.paths);
  if (before === undefined || before.server !== context.server) return null;
  return userId === null || before.user_id === null || before.user_id === userId ? before.instance_id : null;
}

async function readStdin(): Promise<string> {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
