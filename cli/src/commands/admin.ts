import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CliError, EXIT } from "../core/errors";
import { ApiClient, refusal } from "../core/http";
import { isObject, stringField, type JsonObject } from "../core/json";
import { formatAgo, formatTable } from "../core/output";
import type { CliContext } from "./context";

const ADMINS = "/api/v1/admin/ops/admins";
export const ADMIN_ROLES = ["admin", "superadmin"] as const;

/** Who acts: roles are given by people, not by machines, so a machine's login does not do. */
export interface AdminOptions {
  readonly as?: string;
}

export interface AddAdminOptions extends AdminOptions {
  readonly role: string;
}

interface Administrator extends JsonObject {
  readonly id: number;
  readonly email: string;
  readonly role: string;
}

/** `sett admin list` */
export const listAdmins = (context: CliContext, options: AdminOptions): Promise<void> =>
  signedIn(context, options, async (api) => {
    const { out } = context;
    const administrators = await fetchAdmins(api);
    if (out.options.json) return out.json({ administrators });
    const c = out.colors;
    const now = Date.now();
    const rows = administrators.map((one) => [one.email, one.role, one["is_active"] === true ? c.green("active") : c.yellow("off"), formatAgo(stringField(one, "last_login_at"), now), stringField(one, "name") ?? "–"]);
    for (const line of formatTable(["E-MAIL", "ROLE", "STATE", "LAST SIGN-IN", "NAME"].map((word) => c.dim(word)), rows)) out.print(line);
  });

/** `sett admin add EMAIL`: gives somebody who has an account a role, or another one. */
export const addAdmin = (context: CliContext, email: string, options: AddAdminOptions): Promise<void> =>
  signedIn(context, options, async (api) => {
    const { out } = context;
    const administrator = await api.call<Administrator>("POST", ADMINS, { body: { email, role: options.role } });
    if (out.options.json) out.json({ event: "appointed", administrator });
    else out.note(`${out.errColors.green("✓")} ${administrator.email} is ${administrator.role} now`);
  });

/** `sett admin remove EMAIL`: takes the role away; the account stays. */
export const removeAdmin = (context: CliContext, email: string, options: AdminOptions): Promise<void> =>
  signedIn(context, options, async (api) => {
    const { out } = context;
    const found = (await fetchAdmins(api)).find((one) => one.email.toLowerCase() === email.trim().toLowerCase());
    if (found === undefined) throw new CliError(EXIT.refused, `${email} is no administrator`, "sett admin list shows who is.", "no_admin");
    await api.call<unknown>("DELETE", `${ADMINS}/${found.id}`);
    if (out.options.json) out.json({ event: "dismissed", email: found.email });
    else out.note(`${out.errColors.green("✓")} ${found.email} is no administrator any more and was signed out`);
  });

const fetchAdmins = async (api: ApiClient): Promise<readonly Administrator[]> => (await api.call<{ readonly administrators: readonly Administrator[] }>("GET", ADMINS)).administrators;

/** Signs in for this one command and out again; nothing of it is written down. */
async function signedIn(context: CliContext, options: AdminOptions, work: (api: ApiClient) => Promise<void>): Promise<void> {
  const email = (options.as ?? process.env["SETT_ADMIN_EMAIL"] ?? "").trim();
  if (email === "") throw new CliError(EXIT.usage, "whose administration is it?", "Name yourself with --as EMAIL or SETT_ADMIN_EMAIL.", "no_admin_email");
  const password = process.env["SETT_ADMIN_PASSWORD"] || (await readPassword(email));
  if (password === "") throw new CliError(EXIT.usage, "there is no password", "Set SETT_ADMIN_PASSWORD, give it by stdin, or type it when asked.", "no_admin_password");
  const answer = await new ApiClient(context.server).request("POST", "/api/v1/admin/login", { body: { email, password }, headers: { "x-device-name": "sett admin" } });
  if (answer.status === 401) throw new CliError(EXIT.notLoggedIn, "the e-mail address or the password is wrong", "Both are those of the console.", "bad_admin_login", 401);
  const token = isObject(answer.body) ? stringField(answer.body, "access_token") : undefined;
  if (answer.status !== 200 || token === undefined) throw refusal(context.server, answer);
  const api = new ApiClient(context.server, token);
  try {
    await work(api);
  } finally {
    // Only this session; whoever removed themselves has none any more.
    await api.request("POST", "/api/v1/user/logout", { body: {} }).catch(() => undefined);
  }
}

/** From the terminal without showing it, else the first line of stdin. */
async function readPassword(email: string): Promise<string> {
  const terminal = process.stdin.isTTY === true;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, ...(terminal ? { output: silent, terminal } : {}) });
  if (terminal) process.stderr.write(`Password of ${email}: `);
  try {
    for await (const line of lines) return line;
    return "";
  } finally {
    lines.close();
    if (terminal) process.stderr.write("\n");
  }
}
