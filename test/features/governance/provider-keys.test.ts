import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { openProviderKey } from "../../../src/governance/provider-keys";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const bindings = env as unknown as Env;
const { DB } = env as unknown as { DB: D1Database };
const ctx = createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
const SECRET = "sk-proj-0123456789-the-secret-part";

describe("keys of model providers", () => {
  it("are listed configured or not, kept sealed, and never come back", async () => {
    expect(await expectOperator(200, "GET", "/api/v1/providers/keys")).toEqual([{ provider: "claude", configured: false }, { provider: "openai", configured: false }]);
    const set = await expectOperator<{ updatedAt: string }>(200, "PUT", "/api/v1/providers/keys/OpenAI", { body: { apiKey: ` ${SECRET} ` } });
    expect(set).toEqual({ provider: "openai", configured: true, updatedAt: set.updatedAt });
    expect(await expectOperator(200, "GET", "/api/v1/providers/keys")).toEqual([{ provider: "claude", configured: false }, set]);
    await expectOperator(200, "PUT", "/api/v1/providers/keys/openai", { body: { apiKey: `${SECRET}2` } });
    expect(await openProviderKey(ctx, "openai")).toBe(`${SECRET}2`);
    expect(await openProviderKey(ctx, "claude")).toBeNull();
    const rows = (await DB.prepare("SELECT provider, sealed_key, version FROM governance_provider_keys").all<{ sealed_key: string }>()).results;
    expect(rows).toEqual([{ provider: "openai", sealed_key: expect.stringMatching(/^v1\.s1\./), version: 2 }]);
    await DB.prepare("INSERT INTO governance_provider_keys SELECT 'claude', sealed_key, 0, 0, 1 FROM governance_provider_keys").run();
    await expect(openProviderKey(ctx, "claude")).rejects.toThrow("cannot be opened");
    await DB.prepare("DELETE FROM governance_provider_keys WHERE provider = 'claude'").run();
    const audit = (await DB.prepare("SELECT * FROM audit_log WHERE subject_type = 'ProviderKey'").all()).results;
    expect(audit).toHaveLength(2);
    expect(JSON.stringify([rows, audit])).not.toContain("secret-part");
  });

  it("can be forgotten once", async () => {
    await expectOperator(200, "PUT", "/api/v1/providers/keys/claude", { body: { apiKey: SECRET } });
    await expectOperator(204, "DELETE", "/api/v1/providers/keys/claude");
    expect((await asOperator("DELETE", "/api/v1/providers/keys/claude")).body).toMatchObject({ code: "PROVIDER_KEY_NOT_FOUND" });
    expect((await asOperator("DELETE", "/api/v1/providers/keys/other")).status).toBe(404);
  });

  it("are refused when blank, too long or of a provider that nobody calls", async () => {
    for (const [provider, apiKey] of [["openai", "  "], ["openai", "k".repeat(4_097)], ["mistral", SECRET]] as const) {
      expect((await asOperator("PUT", `/api/v1/providers/keys/${provider}`, { body: { apiKey } })).body).toMatchObject({ code: "VALIDATION_ERROR" });
    }
  });
});
