import { expect } from "vitest";
import { expectStatus, mintToken, signUpUser, uniqueName } from "../client";
import { expectOperator, operatorToken } from "../governance";
import { tenantToken } from "../governance-auth";
import { registerMachine } from "../machines";
import { ownersOnly, type Cast, type Spec } from "./cast";

/** Governance's cast: an operator, two tenants with a machine each, a model key, and people of the fleet who govern nothing. */

/** Change nothing that an audit row would tell of, with why. */
const WITHOUT_AUDIT: Readonly<Record<string, string>> = {
  "governance.awareness.record": "an event that agents report; the tenant's object counts it",
  "governance.budgets.release": "the ledger keeps every reservation",
  "governance.budgets.reserve": "the ledger keeps every reservation",
  "governance.budgets.settle": "it becomes a row of the token usage",
  "governance.mcp-broker.delete": "ends a session at the tool server; here nothing changes",
  "governance.mcp-broker.post": "a call of a tool server; here nothing changes",
};

/** A browser's session, in a cookie, is asked for: bearer tokens of every kind are others. */
const asksBrowser = (op: Spec): boolean => op.auth.includes("session");

/** A body in this family's envelope. */
function expectEnvelope(status: number, body: Record<string, unknown>): void {
  expect(body["code"]).toMatch(/^[A-Z][A-Z_]+$/);
  expect(typeof body["error"]).toBe("string");
  expect(body["error"]).not.toBe("");
  if ("detail" in body) expect(typeof body["detail"]).toBe("string");
  expect(status).toBeGreaterThanOrEqual(400);
}

async function createTenant(): Promise<string> {
  const name = uniqueName("tenant");
  await expectOperator(201, "POST", "/api/v1/tenants", { body: { name, displayName: name, email: `${name}@example.org` } });
  return name;
}

/** Makes the tenants; operators are known by their token. */
export async function governanceCast(): Promise<Cast> {
  const [user, owner, stranger] = await Promise.all([signUpUser(), signUpUser(), signUpUser()]);
  const [cliToken, strangersCliToken] = await Promise.all([mintToken(user), mintToken(stranger)]);
  const [mine, other] = [await createTenant(), await createTenant()];
  const [myToken, othersToken] = [await tenantToken(mine), await tenantToken(other)];
  const { key: modelKey } = await expectOperator<{ key: string }>(201, "POST", `/api/v1/ai-budget/${mine}/litellm-key`, { body: {} });
  const instanceId = await registerMachine(owner);
  await expectOperator(200, "PUT", `/api/v1/tenants/${mine}/machines/${instanceId}`, { body: { owner: owner.email } });
  const grants = [{ scope: "org", subjectType: "tenant", subjectId: mine, access: "allow" }];
  const { id: serverId } = await expectOperator<{ id: string }>(201, "POST", "/api/v1/mcp-servers", { body: { name: uniqueName("mcp"), endpoint: "https://mcp.example.org/mcp", transport: "streamable-http", status: "active", grants } });
  const owned: Readonly<Record<string, string>> = { name: mine, instanceId, id: serverId };
  return {
    codes: { unauthenticated: "UNAUTHORIZED", badCredential: "FORBIDDEN", forbidden: "FORBIDDEN", invalid: "VALIDATION_ERROR", tooLarge: "PAYLOAD_TOO_LARGE", notFound: (op) => (op?.path.includes("/mcp/") ? "MCP_SERVER_NOT_FOUND" : op?.id === "governance.tenants.socket" ? "TENANT_NOT_FOUND" : "NOT_FOUND") },
    expectEnvelope,
    placeOf: (body) => String(body["detail"]).split(":")[0] ?? "",
    anybody: operatorToken,
    forged: [`${operatorToken.slice(0, -1)}x`, `ocp_${"0".repeat(48)}`, `${myToken.slice(0, -4)}AAAA`, `${modelKey.slice(0, -2)}xx`, user.idToken, "x"],
    tokenFor: (op) => (op.auth.includes("operator") ? operatorToken : op.auth.includes("tenant") ? myToken : user.accessToken),
    others: (op) => [
      ...(op.auth.includes("operator") || asksBrowser(op) ? [] : [{ who: "an operator", token: operatorToken }]),
      ...(op.auth.includes("tenant") ? [] : [{ who: "a tenant", token: myToken }]),
      ...(op.auth.includes("modelKey") ? [] : [{ who: "a model key", token: modelKey }]),
      ...(op.auth.includes("user") ? [] : [{ who: "a person of the fleet", token: user.accessToken }]),
      ...(op.auth.includes("cliToken") ? [] : [{ who: "a CLI token", token: cliToken.token }]),
    ],
    // Digests are nobody's; whoever may not read one finds nothing.
    asksOwner: (op) => ownersOnly(op) || (op.auth.includes("tenant") && op.path.includes("{name}")),
    strangers: (op) => [...(op.auth.includes("tenant") ? [othersToken] : []), ...(op.auth.includes("user") ? [stranger.accessToken] : []), ...(op.auth.includes("cliToken") && !op.auth.includes("tenant") ? [strangersCliToken.token] : [])],
    ownedId: (_, name) => owned[name],
    unknownId: () => undefined,
    bodyOf: () => undefined,
    withoutAudit: WITHOUT_AUDIT,
    openParameters: {},
    unasked: [],
    check: async () => {
      expect(await expectOperator(200, "GET", `/api/v1/tenants/${mine}`)).toMatchObject({ name: mine, phase: "Running" });
      expect(await expectStatus(200, "GET", `/api/v1/machine-contracts/${instanceId}`, { token: owner.accessToken })).toMatchObject({ tenant: mine, suspended: false });
    },
  };
}
