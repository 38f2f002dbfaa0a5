import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { recordTokenUse } from "../../../src/fleet/cli-tokens";
import { authenticate } from "../../../src/kernel/auth/authenticate";
import { readEnv } from "../../../src/env";
import { requireOwner } from "../../../src/kernel/context";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";

const bindings = env as unknown as Env;
const { DB } = bindings;
const PATH = "/api/v1/user/cli-tokens";

type Token = Record<string, unknown> & { id: string; token: string; recent_audit: { event_type: string; event_detail: Record<string, unknown>; instance_id: string | null }[] };

const show = (user: TestUser, id: string) => expectStatus<Token>(200, "GET", `${PATH}/${id}`, { token: user.accessToken });
const eventsOf = async (user: TestUser, id: string) => (await show(user, id)).recent_audit.map((event) => event.event_type);
const mint = (user: TestUser, body: Record<string, unknown>, headers: Record<string, string> = {}) => api<Token>("POST", PATH, { token: user.accessToken, body, headers });

/** Uses a token the way D1-backed machine routes do. */
async function use(token: string, instanceId: string | null): Promise<void> {
  const work: Promise<unknown>[] = [];
  const client = { ip: "10.9.8.7", userAgent: "sett-cli/1.0", origin: "https://sett.test" };
  const actor = await authenticate(readEnv(bindings), token, Date.now());
  const ctx = createContext({ env: bindings, requestId: uniqueName("req"), client, deferral: { waitUntil: (promise) => void work.push(promise) } }, actor);
  requireOwner(ctx);
  await recordTokenUse(ctx, instanceId);
  await Promise.all(work);
}

describe("minting", () => {
  it("shows the token once and stores its hash", async () => {
    const user = await signUpUser();
    const minted = await mint(user, { name: " laptop " });
    expect(minted.status).toBe(201);
    expect(minted.body).toMatchObject({ name: "laptop", scopes: ["cli"], bound_instance_id: null, token_prefix: minted.body.token.slice(0, 17) });
    expect(minted.body.token).toMatch(/^sett_cli_[A-Za-z0-9_-]+\.t1\.[A-Za-z0-9_-]+$/);

    const row = await DB.prepare("SELECT * FROM cli_tokens WHERE id = ?").bind(minted.body.id).first<Record<string, unknown>>();
    expect(row?.["token_hash"]).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(minted.body.token);
    const shown = await show(user, minted.body.id);
    expect(shown).toMatchObject({ status: "active", use_count: 0, last_used_at: null, revoked_at: null });
    expect(shown).not.toHaveProperty("token");
    expect(shown.recent_audit).toMatchObject([{ event_type: "minted", event_detail: { name: "laptop", expires_in: "90d" } }]);
    const { results } = await DB.prepare("SELECT * FROM audit_log WHERE tenant_id = ? AND action = 'cli_token.mint'").bind(user.userId).all();
    expect(results).toHaveLength(1);
    expect(JSON.stringify(results)).not.toContain(minted.body.token);
  });

  it("takes the seven lifetimes, the endless one only when confirmed", async () => {
    const user = await signUpUser();
    const hours = { "1h": 1, "24h": 24, "7d": 168, "30d": 720, "90d": 2_160, "1y": 8_760 };
    for (const [expiresIn, want] of Object.entries(hours)) {
      const { body } = await mint(user, { name: uniqueName(), expires_in: expiresIn });
      expect(Math.abs(Date.parse(String(body["expires_at"])) - Date.now() - want * 3_600_000)).toBeLessThan(10_000);
    }
    const unconfirmed = await mint(user, { name: uniqueName(), expires_in: "never" });
    expect(unconfirmed).toMatchObject({ status: 422, body: { code: "validation_error", detail: [{ loc: ["body", "confirm_no_expiry"] }] } });
    const endless = await mint(user, { name: uniqueName(), expires_in: "never", confirm_no_expiry: true });
    expect(endless).toMatchObject({ status: 201, body: { expires_at: null } });
    for (const body of [{ name: "x", expires_in: "2h" }, { name: "" }, { name: "n".repeat(65) }, {}]) expect((await mint(user, body)).status).toBe(422);
  });

  it("keeps names unique among tokens that are not revoked", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const { id } = await mintToken(user, { name: "laptop" });
    expect(await mint(user, { name: "laptop" })).toMatchObject({ status: 409, body: { code: "name_taken" } });
    await mintToken(other, { name: "laptop" });
    await expectStatus(204, "DELETE", `${PATH}/${id}`, { token: user.accessToken });
    await mintToken(user, { name: "laptop" });
  });

  it("repeats its answer for a repeated Idempotency-Key", async () => {
    const user = await signUpUser();
    const headers = { "idempotency-key": uniqueName("key") };
    const body = { name: "once" };
    const first = await mint(user, body, headers);
    expect(first.status).toBe(201);
    expect(await mint(user, body, headers)).toMatchObject({ status: 201, body: first.body });
    expect(await mint(user, { name: "twice" }, headers)).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    const { results } = await DB.prepare("SELECT sealed_body FROM idempotency_keys WHERE key = ?").bind(headers["idempotency-key"]).all<{ sealed_body: string }>();
    expect(results[0]?.sealed_body).not.toContain(first.body.token);

    const rotate = () => api<Token>("POST", `${PATH}/${first.body.id}/rotate`, { token: user.accessToken, headers });
    const rotated = await rotate();
    expect(rotated.status).toBe(201);
    expect((await rotate()).body).toEqual(rotated.body);
    const list = await expectStatus<Token[]>(200, "GET", PATH, { token: user.accessToken });
    expect(list).toHaveLength(2);
    // Another person's same key is another key.
    const other = await signUpUser();
    expect((await mint(other, body, headers)).body.id).not.toBe(first.body.id);
  });
});

describe("use", () => {
  it("binds a token to its first machine and refuses others", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    await use(token, null);
    expect(await show(user, id)).toMatchObject({ status: "active", use_count: 1, last_used_ip: "10.9.8.7" });
    await use(token, "machine-a");
    await use(token, "machine-a");
    expect(await show(user, id)).toMatchObject({ status: "bound", bound_instance_id: "machine-a", use_count: 3 });
    for (let i = 0; i < 2; i++) await expect(use(token, "machine-b")).rejects.toMatchObject({ code: "TOKEN_BOUND", status: 403 });
    await use(token, null);
    expect(await eventsOf(user, id)).toEqual(["denied", "bound", "used", "minted"]);

    await DB.prepare("UPDATE cli_tokens SET last_used_at = last_used_at - 3600000 WHERE id = ?").bind(id).run();
    await use(token, "machine-a");
    expect((await eventsOf(user, id))[0]).toBe("used");
  });

  it("binds to one machine when several race", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    const outcomes = await Promise.allSettled(["machine-a", "machine-b", "machine-c"].map((instanceId) => use(token, instanceId)));
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
    expect((await eventsOf(user, id)).filter((type) => type === "bound")).toHaveLength(1);
  });

  it("is refused once the token is revoked, and notes nothing for people", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    await use(user.accessToken, "machine-a");
    await expectStatus(204, "DELETE", `${PATH}/${id}`, { token: user.accessToken });
    await expect(use(token, "machine-a")).rejects.toMatchObject({ code: "TOKEN_REVOKED", status: 401 });
    expect(await eventsOf(user, id)).toEqual(["revoked", "minted"]);
  });
});

describe("the life of a token", () => {
  it("goes over binding, unbinding and rotation to its end", async () => {
    const user = await signUpUser();
    const token = user.accessToken;
    const first = await mintToken(user, { name: "server", expiresIn: "30d" });
    await use(first.token, "machine-a");

    const unbound = await expectStatus(200, "POST", `${PATH}/${first.id}/unbind`, { token });
    expect(unbound).toEqual({ id: first.id, bound_instance_id: null, bound_at: null });
    expect(await expectStatus(200, "POST", `${PATH}/${first.id}/unbind`, { token })).toEqual(unbound);
    await use(first.token, "machine-b");

    const second = await expectStatus<Token>(201, "POST", `${PATH}/${first.id}/rotate`, { token });
    expect(second).toMatchObject({ name: "server", bound_instance_id: "machine-b" });
    expect(second.token).not.toBe(first.token);
    expect(Math.abs(Date.parse(String(second["expires_at"])) - Date.now() - 30 * 86_400_000)).toBeLessThan(10_000);
    expect(await show(user, first.id)).toMatchObject({ status: "revoked" });
    expect(await eventsOf(user, first.id)).toEqual(["rotated", "bound", "unbound", "bound", "used", "minted"]);
    expect((await show(user, second.id)).recent_audit).toMatchObject([{ event_type: "minted", event_detail: { rotated_from: first.id }, instance_id: "machine-b" }]);
    await expect(use(first.token, "machine-b")).rejects.toMatchObject({ code: "TOKEN_REVOKED" });
    await use(second.token, "machine-b");

    const inactive = { status: 409, body: { code: "token_inactive" } };
    expect(await api("POST", `${PATH}/${first.id}/rotate`, { token })).toMatchObject(inactive);
    expect(await api("POST", `${PATH}/${first.id}/unbind`, { token })).toMatchObject(inactive);

    for (let i = 0; i < 2; i++) await expectStatus(204, "DELETE", `${PATH}/${second.id}?cascade=true`, { token });
    expect((await show(user, second.id)).recent_audit[0]).toMatchObject({ event_type: "revoked", event_detail: { cascade: true }, instance_id: "machine-b" });
    expect(await eventsOf(user, second.id)).toEqual(["revoked", "used", "minted"]);
    const { results } = await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND subject_type = 'cli_token' ORDER BY id").bind(user.userId).all<{ action: string }>();
    expect(results.map((row) => row.action)).toEqual(["mint", "bind", "unbind", "bind", "rotate", "revoke"].map((verb) => `cli_token.${verb}`));
  });

  it("leaves one successor when two rotations race", async () => {
    const user = await signUpUser();
    const { id } = await mintToken(user);
    const answers = await Promise.all([1, 2].map(() => api("POST", `${PATH}/${id}/rotate`, { token: user.accessToken })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
    expect(await expectStatus(200, "GET", `${PATH}?active=true`, { token: user.accessToken })).toHaveLength(1);
  });

  it("is listed by status", async () => {
    const user = await signUpUser();
    const ids: Record<string, string> = {};
    for (const status of ["active", "bound", "expired", "revoked"]) {
      const { id, token } = await mintToken(user, { name: status });
      ids[status] = id;
      if (status === "bound") await use(token, "machine-a");
      if (status === "expired") await DB.prepare("UPDATE cli_tokens SET expires_at = ?, bound_instance_id = 'x' WHERE id = ?").bind(Date.now() - 1, id).run();
      if (status === "revoked") await expectStatus(204, "DELETE", `${PATH}/${id}`, { token: user.accessToken });
    }
    const list = async (query = "") => (await expectStatus<Token[]>(200, "GET", PATH + query, { token: user.accessToken })).map((token) => `${String(token["name"])}:${String(token["status"])}`);
    expect((await list()).sort()).toEqual(["active:active", "bound:bound", "expired:expired", "revoked:revoked"]);
    expect((await list("?active=true")).sort()).toEqual(["active:active", "bound:bound"]);
    expect((await list("?active=false")).sort()).toEqual(["expired:expired", "revoked:revoked"]);
    expect((await api("GET", `${PATH}?active=maybe`, { token: user.accessToken })).status).toBe(422);
    expect(await api("POST", `${PATH}/${ids["expired"]}/rotate`, { token: user.accessToken })).toMatchObject({ status: 409, body: { code: "token_inactive" } });
  });
});

describe("a token that stops", () => {
  const beat = (token: string, instanceId: string) => api("POST", "/api/v1/dashboard/heartbeat", { token, body: { instance_id: instanceId, gateway_status: "running", bots: [] } });

  /** Waits until the machine refuses the token: effects run after the answer. */
  async function refusal(token: string, instanceId: string) {
    for (let tries = 0; ; tries++) {
      const answer = await beat(token, instanceId);
      if (answer.status !== 200 || tries >= 100) return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function newMachine(token: string): Promise<string> {
    const instanceId = uniqueName("machine-");
    await expectStatus(200, "POST", "/api/v1/openclaw/register", { token, body: { instance_id: instanceId, label: "test", version: "1.0.0" } });
    expect((await beat(token, instanceId)).status).toBe(200);
    return instanceId;
  }

  it("beats no more once it is revoked or rotated", async () => {
    const user = await signUpUser();
    const revoked = await mintToken(user);
    const machine = await newMachine(revoked.token);
    expect(await show(user, revoked.id)).toMatchObject({ status: "bound", bound_instance_id: machine });
    await expectStatus(204, "DELETE", `${PATH}/${revoked.id}`, { token: user.accessToken });
    expect(await refusal(revoked.token, machine)).toMatchObject({ status: 401, body: { code: "token_revoked" } });

    const old = await mintToken(user);
    const second = await newMachine(old.token);
    const next = await expectStatus<Token>(201, "POST", `${PATH}/${old.id}/rotate`, { token: user.accessToken });
    expect(await refusal(old.token, second)).toMatchObject({ status: 401, body: { code: "token_revoked" } });
    expect((await beat(next.token, second)).status).toBe(200);
    expect(await beat(next.token, machine)).toMatchObject({ status: 403, body: { code: "token_bound" } });
  });

  it("takes its machine offline at once when the revocation cascades", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    const machine = await newMachine(token);
    await expectStatus(204, "DELETE", `${PATH}/${id}?cascade=true`, { token: user.accessToken });
    await refusal(token, machine);
    const detail = await expectStatus(200, "GET", `/api/v1/dashboard/machines/${machine}`, { token: user.accessToken });
    expect(detail).toMatchObject({ isOnline: false, reachable: false });
    const { results } = await DB.prepare("SELECT id FROM outbox WHERE type = 'cli_token.cut'").all();
    expect(results).toEqual([]);
  });

  it("leaves its machine when it is unbound, and serves the next one", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    const first = await newMachine(token);
    await expectStatus(200, "POST", `${PATH}/${id}/unbind`, { token: user.accessToken });
    expect((await refusal(token, first)).status).toBe(401);
    const second = await newMachine(token);
    expect(await show(user, id)).toMatchObject({ status: "bound", bound_instance_id: second });
  });
});

describe("whoever may not", () => {
  it("finds other people's and impossible ids equally absent", async () => {
    const [user, other] = [await signUpUser(), await signUpUser()];
    const { id } = await mintToken(user);
    for (const ref of [id, crypto.randomUUID(), "not-a-uuid", "%27"]) {
      for (const [method, path] of [["GET", ""], ["DELETE", ""], ["POST", "/rotate"], ["POST", "/unbind"]] as const) {
        expect(await api(method, `${PATH}/${ref}${path}`, { token: other.accessToken })).toMatchObject({ status: 404, body: { code: "not_found", detail: "Token not found." } });
      }
    }
    expect(await show(user, id)).toMatchObject({ status: "active" });
  });

  it("cannot manage tokens with a CLI token, a forged, a tampered or an expired one", async () => {
    const user = await signUpUser();
    const { id, token } = await mintToken(user);
    expect(await api("GET", PATH, { token })).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await api("POST", PATH, { token, body: { name: "x" } })).status).toBe(403);
    const flipped = token.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
    const other = token.slice(0, 40) + (token[40] === "A" ? "B" : "A") + token.slice(41);
    for (const bad of [flipped, other, token.replace(".t1.", ".t2."), "sett_cli_x.t1.y", `sett_cli_${"A".repeat(59)}.t1.${"A".repeat(32)}`]) {
      const refused = await api("GET", PATH, { token: bad });
      expect(refused).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    }
    await expect(authenticate(readEnv(bindings), token, Date.now() + 91 * 86_400_000)).rejects.toMatchObject({ code: "TOKEN_EXPIRED", status: 401 });
    expect(await show(user, id)).toMatchObject({ use_count: 0 });
  });
});
