import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { uniqueName } from "../../support/client";
import { asOperator, expectOperator } from "../../support/governance";

const { DB } = env as unknown as { DB: D1Database };
const SECRETS = "/api/v1/secrets";

interface SecretSeen {
  readonly name: string;
  readonly createdAt: string;
}

const sealed = (name: string) => DB.prepare("SELECT sealed_value FROM governance_secrets WHERE name = ?").bind(name).first<string>("sealed_value");
const put = (name: string, value: unknown) => asOperator<SecretSeen>("PUT", `${SECRETS}/${encodeURIComponent(name)}`, { body: { value } });

describe("secrets", () => {
  it("are kept, replaced and forgotten, and no answer, audit row or table shows them", async () => {
    const name = uniqueName("jira.token-");
    const [first, second] = [`first-${crypto.randomUUID()}`, `Basic second-${crypto.randomUUID()}`];
    const made = await put(name, first);
    expect(made).toMatchObject({ status: 200, body: { name, status: "created" } });
    const before = await sealed(name);
    const replaced = await put(name, second);
    expect(replaced).toMatchObject({ status: 200, body: { name, status: "updated", createdAt: made.body.createdAt } });
    expect(await sealed(name)).not.toBe(before);

    const listed = await expectOperator<SecretSeen[]>(200, "GET", SECRETS);
    expect(listed.filter((one) => one.name === name)).toEqual([{ name, createdAt: made.body.createdAt, updatedAt: expect.any(String) as unknown }]);
    expect(listed.map((one) => one.name)).toEqual(listed.map((one) => one.name).sort());
    const trail = await DB.prepare("SELECT * FROM audit_log WHERE subject_id = ?").bind(name).all();
    const everything = JSON.stringify([made.body, replaced.body, listed, trail.results, await sealed(name)]);
    for (const value of [first, second, btoa(first)]) expect(everything).not.toContain(value);

    expect(await asOperator("DELETE", `${SECRETS}/${name}`)).toMatchObject({ status: 200, body: { name, status: "deleted" } });
    expect(await asOperator("DELETE", `${SECRETS}/${name}`)).toMatchObject({ status: 404, body: { code: "SECRET_NOT_FOUND" } });
    expect(await sealed(name)).toBeNull();
    expect((await DB.prepare("SELECT action FROM audit_log WHERE subject_type = 'Secret' AND subject_id = ? ORDER BY id").bind(name).all<{ action: string }>()).results.map(({ action }) => action)).toEqual(["secret.put", "secret.put", "secret.delete"]);
  });

  it("survive two who write at once", async () => {
    const name = uniqueName("race");
    expect((await Promise.all([put(name, "one"), put(name, "two"), put(name, "three")])).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("refuse names and values that could not be used, without repeating them", async () => {
    for (const name of ["-a", "a-", "a/b", "a b", "ü", "x".repeat(129)]) expect(await put(name, "fine"), name).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    for (const value of ["", " ", "very-private\r\nx-injected: 1", "very-private\u0000", "very-private ", "very-privaté", 7, undefined, `very-private${"x".repeat(8_192)}`]) {
      const answer = await put(uniqueName("bad"), value);
      expect(answer).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
      expect(JSON.stringify(answer.body)).not.toContain("very-priv");
    }
  });
});
