import { env } from "cloudflare:workers";
import { handleFetch } from "../../src/app";
import type { Deferral } from "../../src/context";
import type { Env } from "../../src/env";
import { families } from "../../src/families";
import type { FeatureEntry, Operation } from "../../src/kernel/operation";
import { findInFamilies } from "../../src/kernel/registry";

/** What a record promises of a success: the answer that it describes, nothing more and nothing less, and an audit row when it changes something. */

type Spec = Operation["spec"];

/** Repeats of these change nothing and commit nothing. The first time does: a database without any row of the action has seen no success yet. */
const SAME_TWICE: ReadonlySet<string> = new Set([
  "governance.policies.create",
  "fleet.accounts.verify",
  "fleet.admin-user-matrix.activate",
  "fleet.admin-users.activate",
  "fleet.admin-users.deactivate",
  "fleet.admin-users.update",
  "fleet.administrators.appoint",
  "fleet.apple-notifications.receive",
  "fleet.apple-purchases.validate",
  "fleet.bot-shares.toggle",
  "fleet.cli-tokens.revoke",
  "fleet.cli-tokens.unbind",
  "fleet.cloud-vms.create",
  "fleet.cloud-vms.restart",
  "fleet.compat-runs.delete-version",
  "fleet.cross-bot.create-group",
  "fleet.downgrades.impose",
  "fleet.downgrades.request",
  "fleet.featured-rooms.acknowledge",
  "fleet.featured-rooms.delete",
  "fleet.featured-rooms.unfeature-room",
  "fleet.hermes.bootstrap",
  "fleet.ops-gates.set",
  "fleet.ops-keys.reseal",
  "fleet.plan-admin.set-plan-feature",
  "fleet.plan-admin.update-plan",
  "fleet.push-devices.deactivate",
  "fleet.sessions.revoke",
  "fleet.skills.install",
  "fleet.skills.store-content",
  "fleet.subscriptions.cancel",
  "fleet.subscriptions.change-plan",
  "fleet.subscriptions.checkout",
  "fleet.support-reports.resolve",
  "fleet.support-reports.update",
  "fleet.upgrades.dismiss",
  "fleet.vm-addons.assign",
  "fleet.vm-addons.cancel",
  "fleet.vm-addons.purchase",
  "fleet.vm-addons.purchase-apple",
  "governance.budgets.remove-account",
  "governance.budgets.set-account",
  "governance.budgets.set-global",
  "governance.device-grants.approve",
  "governance.sources.approveItem",
]);

/** May find that there is nothing to write down, also the first time. */
const MAY_FIND_NOTHING: Readonly<Record<string, string>> = {
  "fleet.bot-rooms.clean-up": "a room without bots of ours",
  "fleet.bot-rooms.remove": "a bot that is not there",
  "fleet.bot-shares.list-active": "a list; it writes down what it finds expired",
  "fleet.cli-logins.peek": "nobody has confirmed the login yet",
  "fleet.cli-logins.poll": "nobody has confirmed the login yet",
  "fleet.pairings.claim": "a code that is over, or that never was",
  "fleet.skills.get-transfer": "a question; it writes down that a transfer's time is over",
  "fleet.webhooks.receive": "an event that does not concern us, or came before",
  "governance.auth.logout": "nobody is signed in",
  "governance.device-grants.poll": "nobody has confirmed yet",
  "governance.tenants.repair": "a dry run, or nothing to repair",
  "governance.policies.repair": "a dry run, or copies that agree",
};

/** What a record calls by one name is sometimes another act. */
const OTHER_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "fleet.featured-rooms.create": ["featured_room.update"],
  "fleet.instances.register": ["instance.update"],
  "fleet.subscriptions.cancel-change": ["subscription.resume"],
  "fleet.subscriptions.change-plan": ["subscription.downgrade"],
  "fleet.vm-addons.purchase-apple": ["vm_addon.change"],
  "governance.skill-bundles.scan": ["skill_bundle.scan_fail"],
};

/** Successes that are told apart by their status. */
const OTHER_STATUSES: Readonly<Record<string, readonly number[]>> = {
  // It came before.
  "governance.awareness.record": [200],
};

/** Answers of others that pass through: their status and shape are theirs. */
const RELAYED: ReadonlySet<string> = new Set(["governance.mcp-broker.delete", "governance.mcp-broker.get", "governance.mcp-broker.post"]);

interface Route {
  readonly spec: Spec;
  readonly pattern: RegExp;
  readonly parameters: number;
}
const routes = new Map<FeatureEntry, Promise<readonly Route[]>>();

/** The record that serves a request, or null when none does. */
async function specOf(method: string, path: string): Promise<Spec | null> {
  const feature = findInFamilies(families, path)?.feature;
  if (!feature) return null;
  let known = routes.get(feature);
  if (!known) {
    known = feature.load().then(({ operations }) =>
      operations
        .map(({ spec }) => ({ spec, pattern: new RegExp(`^${spec.path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}$`), parameters: spec.path.split("{").length }))
        .sort((a, b) => a.parameters - b.parameters),
    );
    routes.set(feature, known);
  }
  return (await known).find(({ spec, pattern }) => spec.method === method.toLowerCase() && pattern.test(path))?.spec ?? null;
}

/** Fails when an answer is no success that its record promises. Refusals are the tests' own business. */
export async function expectPromised(request: Pick<Request, "method" | "url" | "headers">, response: Response): Promise<void> {
  if (response.status < 200 || response.status > 299) return;
  const { pathname } = new URL(request.url);
  const spec = await specOf(request.method, pathname);
  if (!spec) return;
  const isReplay = spec.idempotent === true && request.headers.has("idempotency-key");
  const faults = [...(await faultsOfAnswer(spec, response)), ...(await faultsOfAudit(spec, response, isReplay))];
  if (faults.length > 0) throw new Error(`${spec.id} does not keep its promise (${request.method} ${pathname}, ${response.status}): ${faults.join("; ")}`);
}

async function faultsOfAnswer(spec: Spec, response: Response): Promise<readonly string[]> {
  if (RELAYED.has(spec.id)) return [];
  const { otherwise, ...rest } = spec;
  const other = response.status === 202 ? otherwise?.[202] : undefined;
  if (other) return faultsOfAnswer({ ...rest, status: 202, output: other }, response);
  const promised = spec.status ?? 200;
  if (response.status !== promised && !OTHER_STATUSES[spec.id]?.includes(response.status)) return [`the status is not ${promised}`];
  if (promised === 204) return (await response.clone().text()) === "" ? [] : ["204 has a body"];
  const type = response.headers.get("content-type") ?? "";
  // Files are what they are.
  if (spec.produces === "application/octet-stream") return [];
  if (spec.produces !== undefined) return type.startsWith(spec.produces.split(";")[0] ?? "") ? [] : [`it is ${type}, not ${spec.produces}`];
  if (!spec.output) return ["its record tells no answer"];
  if (!type.startsWith("application/json")) return [`it is ${type}, not JSON`];
  const wire: unknown = await response.clone().json();
  const parsed = spec.output.safeParse(wire);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  return differences(wire, parsed.data, "$");
}

/** A schema drops fields that it does not know, and fills in those that are missing: both show when the two are laid side by side. */
function differences(wire: unknown, promised: unknown, at: string): readonly string[] {
  if (wire === null || promised === null || typeof wire !== "object" || typeof promised !== "object") return Object.is(wire, promised) ? [] : [`${at} is ${JSON.stringify(wire)}, promised is ${JSON.stringify(promised)}`];
  const [told, meant] = [wire as Record<string, unknown>, promised as Record<string, unknown>];
  return [...new Set([...Object.keys(told), ...Object.keys(meant)])].flatMap((key) => {
    if (!(key in meant)) return [`${at}.${key} is unknown`];
    if (!(key in told)) return meant[key] === undefined ? [] : [`${at}.${key} is missing`];
    return differences(told[key], meant[key], `${at}.${key}`);
  });
}

async function faultsOfAudit(spec: Spec, response: Response, isReplay: boolean): Promise<readonly string[]> {
  if (spec.audit === undefined) return [];
  const { DB } = env as unknown as { DB: D1Database };
  const actionsOf = async (where: string, value: string | null) => (await DB.prepare(`SELECT DISTINCT action FROM audit_log WHERE ${where} = ?`).bind(value).all<{ action: string }>()).results.map(({ action }) => action);
  const meant = [spec.audit, ...(OTHER_ACTIONS[spec.id] ?? [])];
  const actions = await actionsOf("request_id", response.headers.get("x-request-id"));
  if (actions.some((action) => meant.includes(action))) return [];
  if (actions.length === 0 && spec.id in MAY_FIND_NOTHING) return [];
  if ((SAME_TWICE.has(spec.id) || isReplay) && (await Promise.all(meant.map((action) => actionsOf("action", action)))).flat().length > 0) return [];
  return [actions.length === 0 ? `no audit row ${spec.audit}` : `its audit rows are ${actions.join(", ")}, not ${spec.audit}`];
}

/** A request to a worker with an environment of the test's own; a success has to keep its record's promises there, too. */
export async function fetchUnder(request: Request, bindings: Env, deferral: Deferral): Promise<Response> {
  const response = await handleFetch(request, bindings, deferral);
  await expectPromised(request, response);
  return response;
}
