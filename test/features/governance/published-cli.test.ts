import { describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { expectOperator, operatorToken } from "../../support/governance";
import { createOc, OC_COMMANDS } from "../../support/published-oc";

/** An operator's day with the published command line client: every command that calls the API, with what it sends and what it prints. */
describe("the published client", () => {
  it("runs every one of its commands", async () => {
    const { oc, ocRefused, used } = createOc(operatorToken);
    const name = uniqueName("tenant");
    const named = { path: { name } };

    expect(await oc("tenants create", { body: { name, displayName: "Acme", email: `${name}@example.org`, team: "sales", monthlyBudgetUsd: 25.5 } })).toEqual({ name, status: "created" });
    expect((await oc<{ name: string; phase: string }[]>("tenants list")).find((tenant) => tenant.name === name)).toMatchObject({ phase: expect.stringMatching(/^(Pending|Running)$/), team: "sales" });
    expect(await oc("tenants update", { ...named, body: { displayName: "Acme Inc", team: "" } })).toEqual({ name, status: "updated" });
    expect(await oc("tenants get", named)).toMatchObject({ name, displayName: "Acme Inc", team: "sales" });
    expect(await oc("tenants datasets", named)).toEqual({ org: ["default"], team: [], project: [], personal: [] });
    expect(await oc("tenants contract", named)).toMatchObject({ contractVersion: "4.0.0", contractId: expect.stringMatching(/^[0-9a-f]{64}$/), tenant: { name, team: "sales", policyRef: null } });
    expect(await oc("tenants drift")).toMatchObject({ resource: "Tenant", mode: "detect-only", summary: { driftCount: expect.any(Number) } });
    expect(await oc("tenants repair", { query: { dryRun: true } })).toMatchObject({ mode: "dry-run" });
    expect(await oc("tenants repair", { query: { dryRun: false } })).toMatchObject({ mode: "apply" });
    expect((await ocRefused("tenants create", { body: { name, displayName: "Acme", email: "a@example.org" } })).status).toBe(409);
    expect(await ocRefused("tenants get", { path: { name: uniqueName("nobody") } })).toEqual({ status: 404, code: "TENANT_NOT_FOUND" });

    const policy = uniqueName("policy");
    expect(await oc("policies create", { body: { name: policy, description: "sales only", tenantSelector: { matchTeam: uniqueName("team") }, domains: { allow: ["example.org"] } } })).toEqual({ name: policy, status: "created" });
    await oc("policies list");
    expect(await oc("policies get", { path: { name: policy } })).toMatchObject({ name: policy, domains: ["example.org"] });
    expect(await oc("policies update", { path: { name: policy }, body: { domains: ["example.net"] } })).toMatchObject({ name: policy, status: "updated" });
    expect(await oc("policies drift")).toMatchObject({ resource: "AccessPolicy" });
    await oc("policies repair", { query: { dryRun: true } });
    await oc("policies delete", { path: { name: policy } });

    const place = uniqueName("place");
    const quota = { cpu: "2", memory: "4Gi" };
    expect(await oc("cluster-tenant create", { body: { name: place, displayName: "Place", isolationTier: "shared", compute: { mode: "shared" }, resources: { quota } } })).toMatchObject({ name: place, resources: { quota } });
    await oc("cluster-tenant list");
    await oc("cluster-tenant show", { path: { name: place } });
    await oc("cluster-tenant status", { path: { name: place } });
    expect(await oc("cluster-tenant update", { path: { name: place }, body: { displayName: "Other" } })).toMatchObject({ displayName: "Other", resources: { quota } });
    await oc("cluster-tenant delete", { path: { name: place } });

    const { id: serverId } = await oc<{ id: string }>("mcp create", { body: { name: uniqueName("mcp"), endpoint: "https://mcp.example.org/mcp", transport: "streamable-http" } });
    await oc("mcp list");
    await oc("mcp get", { path: { id: serverId } });
    const { id: credentialId } = await oc<{ id: string }>("mcp cred add", { path: { id: serverId }, body: { displayName: "Key", brokeringMode: "static", secretRef: "example-key" } });
    expect((await oc<{ id: string }[]>("mcp cred list", { path: { id: serverId } })).map(({ id }) => id)).toContain(credentialId);
    await oc("mcp cred rm", { path: { id: serverId, credentialId } });
    await oc("mcp update", { path: { id: serverId }, body: { endpoint: "https://mcp.example.org/v2" } });
    await oc("mcp delete", { path: { id: serverId } });

    const { id: skillId } = await oc<{ id: string }>("skills create", { body: { name: uniqueName("skill"), version: "1.0.0", digest: `sha256:${"ab".repeat(32)}`, scope: "org", description: "a skill", tags: ["one"] } });
    await oc("skills list");
    await oc("skills get", { path: { id: skillId } });
    await oc("skills update", { path: { id: skillId }, body: { version: "1.0.1" } });
    await oc("skills backfill");
    await oc("skills delete", { path: { id: skillId } });

    const group = uniqueName("group");
    const principal = name;
    await expectOperator(201, "POST", "/api/v1/groups", { body: { name: group, scope: "org", members: [principal], awarenessGrants: [{ payloadId: "awareness/default", scope: "org", subjectType: "tenant", subjectId: principal, access: "allow" }] } });
    const sessionKey = uniqueName("session");
    expect(await oc("sessions scope set", { path: { sessionKey }, body: { principal, scopes: [{ scope: "org", payloadId: "awareness/default" }, { scope: "org", payloadId: "other" }] } })).toMatchObject({ sessionKey, scopes: [{ payloadId: "awareness/default" }], rejected: [{ payloadId: "other" }] });
    await oc("sessions scope show", { path: { sessionKey } });
    expect(await oc("sessions scope clear", { path: { sessionKey } })).toEqual({ sessionKey, cleared: true });
    expect((await ocRefused("sessions scope clear", { path: { sessionKey } })).status).toBe(404);

    expect(await oc("awareness rollout set", { body: { targetVersion: "awareness/v2", shadowMode: false } })).toMatchObject({ promotedWaves: [], nextWave: "personal" });
    expect(await oc("awareness rollout promote", { body: {} })).toMatchObject({ promotedWaves: ["personal"] });
    await oc("awareness rollout promote", { body: { wave: "org" } });
    expect(await oc("awareness rollout resolve", { path: { tenant: name } })).toMatchObject({ tenant: name, version: "awareness/v2", promoted: true });
    expect(await oc("awareness rollout rollback")).toMatchObject({ promotedWaves: [] });
    await oc("awareness rollout show");
    await oc("awareness participation", { query: { severity: "warning" } });

    const { id: tokenId, plainTextToken } = await oc<{ id: string; plainTextToken: string }>("tokens create", { body: { name: "ci", owner: "unknown" } });
    expect(plainTextToken).toMatch(/^ocp_[0-9a-f]{48}$/);
    expect((await createOc(plainTextToken).oc<{ id: string }[]>("tokens list")).map(({ id }) => id)).toContain(tokenId);
    await oc("tokens list");
    await oc("tokens revoke", { path: { id: tokenId } });
    expect((await createOc(plainTextToken).ocRefused("tokens list")).status).toBe(403);

    await oc("providers set", { path: { provider: "openai" }, body: { apiKey: "sk-test-0123456789abcdef" } });
    expect((await oc<{ provider: string; configured: boolean; updatedAt?: string }[]>("providers list")).find(({ provider }) => provider === "openai")).toMatchObject({ configured: true, updatedAt: expect.any(String) });
    await oc("providers delete", { path: { provider: "openai" } });

    const userId = uniqueName("user");
    expect(await oc("budget set-account", { path: { userId }, body: { monthlyLimitUsd: 12.5 } })).toMatchObject({ monthlyLimitUsd: 12.5, ceilingAmount: 12.5, budgetAlertState: "ok" });
    expect((await oc<{ userId: string }[]>("budget accounts")).map((account) => account.userId)).toContain(userId);
    await oc("budget remove-account", { path: { userId } });
    expect(await oc("budget set-global", { body: { monthlyLimitUsd: 100_000 } })).toMatchObject({ monthlyLimitUsd: 100_000 });
    await oc("budget global");
    expect(await oc("budget spend", { path: { tenantName: name } })).toMatchObject({ monthlyLimitUsd: 25.5, currentSpendUsd: 0, budgetAlertState: "ok" });
    await expectOperator(201, "POST", `/api/v1/ai-budget/${name}/litellm-key`, { body: {} });
    expect(await oc("budget key", { path: { tenantName: name } })).toMatchObject({ tenant: name, keyAlias: `opencrane-${name}`, revokedAt: null });
    expect(await oc("budget revoke-key", { path: { tenantName: name } })).toMatchObject({ status: "revoked" });

    await oc("platform dns set", { body: { provider: "cloudflare", zone: "example.org", email: "ops@example.org", apiToken: "token" } });
    await oc("platform dns show", { query: { issuerName: "opencrane-issuer" } });
    await oc("metrics server");
    await oc("metrics drift");

    expect(await oc("auth me")).toMatchObject({ mode: expect.stringMatching(/^(oidc|none)$/), authenticated: false });
    const { deviceCode, userCode, verificationUri } = await oc<{ deviceCode: string; userCode: string; verificationUri: string }>("auth login");
    expect(userCode).toMatch(/^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$/);
    expect(verificationUri).toMatch(/^\/api\/v1\/auth\/device\/activate\?userCode=/);
    expect(await oc("auth login: poll", { query: { deviceCode } })).toEqual({ status: "pending" });
    await oc("auth logout");

    await oc("tenants suspend", named);
    expect(await oc("tenants get", named)).toMatchObject({ phase: "Suspended" });
    await oc("tenants resume", named);
    await oc("tenants delete", named);
    const trail = await oc<{ data: { action: string; tenant?: string }[] }>("audit list", { query: { tenant: name, limit: 100 } });
    expect(trail.data.map(({ action }) => action)).toEqual(expect.arrayContaining(["Created", "Updated", "Suspended", "Resumed", "Deleted"]));
    expect(trail.data.every(({ tenant }) => tenant === name)).toBe(true);

    expect([...used].sort()).toEqual(Object.keys(OC_COMMANDS).sort());
  });
});
