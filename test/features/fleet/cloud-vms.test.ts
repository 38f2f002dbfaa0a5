import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { api, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { setPlan } from "../../support/plans";

/** Cloud machines where no provider is configured. What they do with one is in test/cloud. */

const { DB } = env as unknown as { DB: D1Database };
const BASE = "/api/v1/openclaw/cloud-vm";

/** A machine of a provider that this server knows no more. @returns the id that others know it by */
async function insertVm(user: TestUser, columns: Readonly<Record<string, string | number | null>> = {}): Promise<string> {
  const now = Date.now();
  const instanceId = uniqueName("cloud-");
  const row: Readonly<Record<string, string | number | null>> = {
    id: crypto.randomUUID(),
    tenant_id: user.userId,
    instance_id: instanceId,
    name: uniqueName("den"),
    driver: "orgo",
    tag: uniqueName("sett-"),
    cpu: 2,
    ram_gb: 8,
    server_url: "https://sett.test",
    computer_id: crypto.randomUUID(),
    status: "online",
    step: "online",
    step_started_at: now,
    step_deadline_at: now,
    step_percent: 100,
    created_at: now,
    updated_at: now,
    ...columns,
  };
  const names = Object.keys(row);
  await DB.prepare(`INSERT INTO cloud_vms (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`).bind(...Object.values(row)).run();
  return instanceId;
}

const rowOf = (instanceId: string) => DB.prepare("SELECT * FROM cloud_vms WHERE instance_id = ?").bind(instanceId).first<Record<string, unknown>>();
const audited = async (user: TestUser) => (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'cloud_vm.%' ORDER BY id").bind(user.userId).all<{ action: string }>()).results.map(({ action }) => action);

describe("without a provider", () => {
  it("no machine is made, and nothing is written", async () => {
    const user = await signUpUser();
    await setPlan(user, "team");
    for (const token of [user.accessToken, (await mintToken(user)).token]) {
      expect(await api("POST", BASE, { token, body: { name: "den", llm_provider: "anthropic", llm_api_key: "sk-ant-0123456789" } })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    }
    for (const table of ["cloud_vms", "instances"]) expect(await DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = ?`).bind(user.userId).first("n"), table).toBe(0);
    expect(await DB.prepare("SELECT count(*) AS n FROM cli_tokens WHERE tenant_id = ?").bind(user.userId).first("n")).toBe(1);
    expect(await audited(user)).toEqual([]);
  });

  it("what is there is shown, and its places count", async () => {
    const user = await signUpUser();
    await setPlan(user, "team");
    const id = await insertVm(user);
    const booting = await insertVm(user, { status: "installing", step: "install", step_percent: 40, detail: "part 2 of 5" });
    const { accessToken: token } = user;
    expect(await api("GET", BASE, { token })).toMatchObject({ status: 200, body: { included: 5, addons: 0, cloud_vms: [{ instance_id: id, provision_status: "online", percent: 100 }, { instance_id: booting }] } });
    expect(await api("GET", `${BASE}/in-flight`, { token })).toMatchObject({ status: 200, body: [{ instance_id: booting, provision_status: "installing", provision_detail: "part 2 of 5", step: "install", step_percent: 40, percent: 50 }] });
    expect(await api("GET", `${BASE}/${id}/provision-status`, { token })).toMatchObject({ status: 200, body: { provision_status: "online", online: false } });
  });

  it("none is restarted, and its row stays as it was", async () => {
    const user = await signUpUser();
    const id = await insertVm(user);
    const before = await rowOf(id);
    expect(await api("POST", `${BASE}/${id}/restart`, { token: user.accessToken })).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(await rowOf(id)).toEqual(before);
    expect(await audited(user)).toEqual([]);
  });

  it("the wish to destroy one is kept, and carried out when there is one again", async () => {
    const user = await signUpUser();
    const id = await insertVm(user);
    for (const turn of [1, 2]) {
      expect(await api("DELETE", `${BASE}/${id}`, { token: user.accessToken }), `${turn}`).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
      expect(await rowOf(id)).toMatchObject({ status: "destroying", destroyed_at: null });
      expect((await rowOf(id))?.["settle_at"]).toBeGreaterThan(Date.now() - 60_000);
    }
    expect(await api("GET", `${BASE}/${id}/provision-status`, { token: user.accessToken })).toMatchObject({ body: { provision_status: "destroying" } });
    expect(await api("POST", `${BASE}/${id}/restart`, { token: user.accessToken })).toMatchObject({ status: 503 });
    expect(await audited(user)).toEqual(["cloud_vm.destroy"]);
  });
});

describe("somebody else's machine", () => {
  it("is as unknown as one that is not there, and stays as it was", async () => {
    const [owner, stranger] = [await signUpUser(), await signUpUser()];
    const id = await insertVm(owner);
    const before = await rowOf(id);
    for (const [method, path] of [["GET", "/provision-status"], ["GET", "/events"], ["POST", "/restart"], ["DELETE", ""]] as const) {
      const [foreign, missing] = await Promise.all([id, "cloud-000000000000"].map((one) => api(method, `${BASE}/${one}${path}`, { token: stranger.accessToken })));
      expect([foreign?.status, (foreign?.body as { code?: string } | undefined)?.code], path).toEqual([404, "not_found"]);
      expect([missing?.status, (missing?.body as { detail?: string } | undefined)?.detail], path).toEqual([404, (foreign?.body as { detail?: string } | undefined)?.detail]);
    }
    expect(await api("GET", BASE, { token: stranger.accessToken })).toMatchObject({ body: { cloud_vms: [] } });
    expect(await api("GET", `${BASE}/in-flight`, { token: stranger.accessToken })).toMatchObject({ body: [] });
    expect(await rowOf(id)).toEqual(before);
  });

  it("asks for a credential first", async () => {
    for (const [method, path] of [["GET", ""], ["POST", ""], ["GET", "/in-flight"], ["GET", "/x/provision-status"], ["POST", "/x/restart"], ["DELETE", "/x"]] as const) expect((await api(method, `${BASE}${path}`)).status, `${method} ${path}`).toBe(401);
  });
});

describe("a wish that no provider sells", () => {
  const key = { llm_provider: "anthropic", llm_api_key: "sk-ant-0123456789" };
  let user: TestUser;
  beforeAll(async () => {
    user = await signUpUser();
  });
  it.each<[string, object]>([
    ["cpu", { cpu: 3 }],
    ["cpu", { cpu: 0 }],
    ["cpu", { cpu: 32 }],
    ["cpu", { cpu: "many" }],
    ["cpu", { cpu: null }],
    ["ram", { ram: 6 }],
    ["ram", { ram: 2 }],
    ["ram", { ram: 128 }],
    ["disk_size_gb", { disk_size_gb: 7 }],
    ["disk_size_gb", { disk_size_gb: 201 }],
    ["disk_size_gb", { disk_size_gb: 8.5 }],
    ["name", { name: "" }],
    ["name", { name: "   " }],
    ["name", { name: "x".repeat(65) }],
    ["llm_provider", { ...key, llm_provider: "acme" }],
    ["llm_provider", { llm_api_key: key.llm_api_key }],
    ["llm_api_key", { llm_provider: "gemini" }],
    ["llm_api_key", { ...key, llm_api_key: "short" }],
    ["llm_api_key", { ...key, llm_api_key: "sk-ant 0123456789" }],
    ["llm_api_key", { ...key, llm_api_key: "sk-ant-0123456789\nX=1" }],
  ])("is refused by its field: %s %j", async (field, body) => {
    const answer = await api<{ detail: { loc: unknown[] }[] }>("POST", BASE, { token: user.accessToken, body });
    expect(answer.status).toBe(422);
    expect([...new Set(answer.body.detail.map(({ loc }) => loc.join(".")))]).toEqual([`body.${field}`]);
    expect(JSON.stringify(answer.body)).not.toContain("0123456789");
  });
});
