import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../client";
import { insertBot } from "../bots";
import { registerMachine } from "../machines";
import { ownersOnly, type Cast, type Spec } from "./cast";

/** The fleet's cast: people, administrators, a CLI, and somebody who owns one of everything. */

/** Change nothing in D1 themselves, so nothing commits an audit row. */
const WITHOUT_AUDIT: Readonly<Record<string, string>> = {
  "fleet.machines.heartbeat": "the machine's object keeps its state; D1 follows by projection",
  "fleet.machines.disconnect": "the machine's object writes machine.offline to its history",
  "fleet.commands.create": "the command itself is kept by the machine's object",
  "fleet.commands.acknowledge": "kept with the command",
  "fleet.commands.record-result": "kept with the command and in the machine's history",
  "fleet.gateway.restart": "a command like any other",
  "fleet.hermes.restart": "a command like any other",
  "fleet.bot-status.leave-room": "a command like any other",
  "fleet.cross-bot.send": "the message is the homeserver's; D1 keeps nothing of it",
  "fleet.app-versions.check": "only reads: a question with a body",
  "fleet.subscriptions.portal": "the page is the provider's",
  "fleet.trials.checkDevice": "only reads: a question with a body",
  "fleet.matrix-admin.get-rooms-meta": "only reads: a question with a body",
  "fleet.capabilities.refresh-of-user": "only forgets what was read",
};

/** Path parameters that name nobody's property, with why. */
const OPEN_PARAMETERS: Readonly<Record<string, string>> = {
  code: "a started CLI login belongs to nobody yet; whoever holds the verifier gets it",
  user_id: "part of a file's address, which its signature covers",
  name: "part of a file's address, which its signature covers",
  platform: "one of a fixed list",
  room_id: "whether a room may be cleaned up, the homeserver says, not the caller",
};

/** Whose room it is only a homeserver knows, and here is none: test/homeserver asks these. */
const HOMESERVER_KNOWS: readonly string[] = ["fleet.bot-rooms.info", "fleet.bot-rooms.messages", "fleet.cross-bot.poll-response"];

/** Bodies that are fine as far as their schema goes, where one is required beside a path parameter. */
const VALID_BODY: Readonly<Record<string, unknown>> = {
  "fleet.vm-addons.assign": { addon_id: null },
  "fleet.bot-status.leave-room": { roomId: "!room:sett.test" },
  "fleet.bot-shares.create": { shared_with_user_id: "@nobody:sett.test" },
  "fleet.bot-rooms.set-mode": { mode: "mention" },
  "fleet.bot-shares.toggle": { enabled: false },
  "fleet.hermes.bootstrap": { recovery_key: "k".repeat(40) },
  "fleet.commands.record-result": { status: "success", result: "done" },
  "fleet.bots.update": { bot_name: "Rocco" },
  "fleet.downgrades.resolve": { feature: "max_bots", keep_ids: [] },
  "fleet.downgrades.resolve-for": { feature: "max_bots", keep_ids: [] },
  "fleet.downgrades.impose": { to_plan: "free" },
  "fleet.downgrades.raise-plan": { to_plan: "team" },
  "fleet.upgrades.resolve": { feature: "max_bots", reenable_ids: [] },
  "fleet.recovery-keys.store": { recovery_key: "key", device_id: "DEVICE" },
  "fleet.recovery-keys.update": { recovery_key: "key", device_id: "DEVICE" },
};

const { DB } = env as unknown as { DB: D1Database };

/** Ids of everything that can be owned, by the parameter's name; where two operations mean different things by it, by both names. */
async function ownEverything(owner: TestUser, admin: TestUser): Promise<Readonly<Record<string, string>>> {
  const instanceId = await registerMachine(owner);
  const { id: commandId } = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", { token: owner.accessToken, body: { instance_id: instanceId, command_type: "update_cli" } });
  const { device_token_id: deviceId } = await expectStatus<{ device_token_id: number }>(200, "POST", "/api/v1/push/register", { token: owner.accessToken, body: { device_token: uniqueName("token"), platform: "ios" } });
  const bot = await insertBot(owner);
  const { code } = await expectStatus<{ code: string }>(200, "POST", "/api/v1/pairing/create", { token: owner.accessToken, body: { bot_id: bot.id } });
  const pairingId = await DB.prepare("SELECT id FROM pairings WHERE bot_id = ?").bind(bot.id).first<string>("id");
  const { id: shareId } = await expectStatus<{ id: number }>(201, "POST", `/api/v1/bots/${bot.id}/shares`, { token: owner.accessToken, body: { shared_with_user_id: admin.matrixId } });
  const [transferId, digest] = [uniqueName("skt_"), "d".repeat(64)];
  await DB.batch([
    DB.prepare("INSERT INTO skill_contents VALUES (?, ?, 1, 'text', ?, ?)").bind(owner.userId, digest, Date.now(), Date.now()),
    DB.prepare("INSERT INTO skill_transfers VALUES (?, ?, 'dig', '', ?, ?, ?, 'waiting_source', NULL, NULL, NULL, ?, ?, 0, 0, 1)").bind(transferId, owner.userId, instanceId, instanceId, digest, Date.now(), Date.now()),
  ]);
  const addonId = crypto.randomUUID();
  await DB.prepare("INSERT INTO user_cloud_vm_addons (id, tenant_id, source, external_id, status, created_at, updated_at) VALUES (?, ?, 'stripe', ?, 'active', ?, ?)").bind(addonId, owner.userId, uniqueName("sub_"), Date.now(), Date.now()).run();
  const [downgradeId, upgradeId] = [crypto.randomUUID(), crypto.randomUUID()];
  await DB.batch([
    DB.prepare("INSERT INTO downgrade_requests (id, tenant_id, from_plan_id, to_plan_id, reason, grace_ends_at, resolved_features, created_at, updated_at) VALUES (?, ?, 3, 1, 'user_manual', ?, '[]', 0, 0)").bind(downgradeId, owner.userId, Date.now() + 86_400_000),
    DB.prepare("INSERT INTO upgrade_requests (id, tenant_id, from_plan_id, to_plan_id, trigger, cause, resolved_features, created_at, updated_at) VALUES (?, ?, 1, 3, 'admin_upgrade', 'test', '[]', 0, 0)").bind(upgradeId, owner.userId),
  ]);
  return { "fleet.downgrades.resolve request_id": downgradeId, "fleet.upgrades.resolve request_id": upgradeId, "fleet.upgrades.dismiss request_id": upgradeId, bot_id: bot.id, "fleet.vm-addons.cancel addon_id": addonId, room_id: "!room:sett.localhost", share_id: String(shareId), transfer_id: transferId, digest, name: bot.username, code, "fleet.pairings.repair session_id": pairingId ?? "", device_id: String(deviceId), instance_id: instanceId, command_id: commandId, session_id: String(owner.sessionId), user_id: String(owner.userId), token_id: (await mintToken(owner)).id };
}

/** A body in the fleet's envelope. */
function expectEnvelope(status: number, body: Record<string, unknown>): void {
  expect(body["code"]).toMatch(/^[a-z][a-z_]+$/);
  if (Array.isArray(body["detail"])) expect(body["error"]).toBe("validation_error");
  else {
    expect(typeof body["detail"]).toBe("string");
    expect(body["detail"]).not.toBe("");
    expect(body["error"]).toBe(body["detail"]);
  }
  expect(status).toBeGreaterThanOrEqual(400);
}

/** Signs up everybody whom the suite needs. */
export async function fleetCast(): Promise<Cast> {
  const [user, owner, admin, lesser, ...crowd] = await Promise.all(Array.from({ length: 11 }, () => signUpUser()));
  if (!user || !owner || !admin || !lesser) throw new Error("nobody signed up");
  const promoted = [admin, ...crowd.slice(4, 6)];
  await DB.batch([
    ...promoted.map(({ userId }) => DB.prepare("UPDATE users SET role = 'superadmin' WHERE id = ?").bind(userId)),
    DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(lesser.userId),
  ]);
  const cliToken = (await mintToken(user)).token;
  const [stranger] = crowd.slice(6);
  if (!stranger) throw new Error("nobody signed up");
  const strangersCliToken = (await mintToken(stranger)).token;
  const owned = await ownEverything(owner, admin);
  const people = crowd.slice(0, 4).map(({ accessToken }) => accessToken);
  const administrators = promoted.slice(1).map(({ accessToken }) => accessToken);
  const swap = (text: string, at: number) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  return {
    codes: { unauthenticated: "unauthenticated", badCredential: "unauthenticated", forbidden: "forbidden", invalid: "validation_error", tooLarge: "payload_too_large", notFound: () => "not_found" },
    expectEnvelope,
    // The place is told in a list.
    placeOf: (body) => ((body["detail"] as { loc: unknown[] }[])[0]?.loc ?? []).join("."),
    anybody: user.accessToken,
    forged: [swap(user.accessToken, user.accessToken.indexOf(".") + 20), swap(cliToken, cliToken.indexOf("_cli_") + 12), swap(cliToken, cliToken.length - 4), user.idToken, user.refreshToken, "x"],
    tokenFor: (op, turn) => {
      const tokens = ownersOnly(op) ? people : administrators;
      return tokens[turn % tokens.length];
    },
    others: (op) => [
      ...(op.auth.includes("cliToken") ? [] : [{ who: "a CLI token", token: cliToken }]),
      ...(ownersOnly(op) ? [] : [{ who: "a person who is no administrator", token: user.accessToken }]),
      ...(op.auth.includes("superadmin") && !op.auth.includes("admin") ? [{ who: "an administrator who is no superadministrator", token: lesser.accessToken }] : []),
    ],
    asksOwner: (op) => ownersOnly(op) && !HOMESERVER_KNOWS.includes(op.id),
    strangers: (op) => [stranger.accessToken, ...(op.auth.includes("cliToken") ? [strangersCliToken] : [])],
    ownedId: (op, name) => owned[`${op.id} ${name}`] ?? owned[name],
    unknownId: (name) => (name === "command_id" ? `${owned["command_id"]}0` : undefined),
    bodyOf: (op) => VALID_BODY[op.id],
    withoutAudit: WITHOUT_AUDIT,
    openParameters: OPEN_PARAMETERS,
    unasked: ["fleet.commands.acknowledge", "fleet.commands.record-result", "fleet.machines.disconnect", "fleet.machines.heartbeat", "fleet.streams.socket"],
    check: async () => {
      const { token_id: tokenId, instance_id: instanceId, session_id: sessionId } = owned;
      const get = (path: string) => expectStatus<Record<string, unknown>>(200, "GET", path, { token: owner.accessToken });
      expect(await get(`/api/v1/user/cli-tokens/${tokenId}`)).toMatchObject({ status: "active", revoked_at: null });
      expect(await get(`/api/v1/dashboard/commands/${instanceId}`)).toMatchObject([{ status: "pending", result: null }]);
      expect((await get("/api/v1/user/sessions"))["sessions"]).toMatchObject([{ id: Number(sessionId) }]);
    },
  };
}

/** Whether an operation's record admits the people it should: everything below /api/v1/admin is for administrators, but for the ways in. */
export const adminExceptions = (specs: readonly Spec[]): readonly string[] =>
  specs.filter((op) => op.path.startsWith("/api/v1/admin/") && !op.auth.every((kind) => kind === "admin" || kind === "superadmin")).map(({ id }) => id);
