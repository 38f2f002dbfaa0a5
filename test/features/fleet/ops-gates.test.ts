import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import type { Env } from "../../../src/env";
import { linkIdentity } from "../../../src/fleet/identities";
import { forgetGates, isGateOpen } from "../../../src/kernel/gates/gates";
import { api, expectStatus, logIn, newCredentials, signUpUser, uniqueName } from "../../support/client";
import { auditOf, expectGuarded, hireStaff, OPS, type Staff } from "../../support/ops";

const bindings = env as unknown as Env;
const { DB } = bindings;
const context = () => createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));
const PATH = `${OPS}/gates`;

let staff: Staff;
beforeAll(async () => {
  staff = await hireStaff();
});
afterEach(async () => {
  vi.useRealTimers();
  await DB.prepare("DELETE FROM feature_gates").run();
  forgetGates();
});

const set = (key: string, body: unknown) => expectStatus(200, "PUT", `${PATH}/${key}`, { token: staff.superadmin.accessToken, body });
const drop = (key: string) => api("DELETE", `${PATH}/${key}`, { token: staff.superadmin.accessToken });
const read = <T = Record<string, unknown>>(path = "") => expectStatus<T>(200, "GET", `${PATH}${path}`, { token: staff.admin.accessToken });

describe("a gate", () => {
  it("is set as a whole, shown, changed and taken away, each with what was before", async () => {
    const key = "test.gate";
    expect(await api("GET", `${PATH}/${key}`, { token: staff.admin.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await set(key, { enabled: false, percentage: 20, allowed_accounts: [9, 3, 9], note: " until Monday " })).toMatchObject({
      key,
      guards: null,
      is_set: true,
      enabled: false,
      percentage: 20,
      allowed_accounts: [3, 9],
      note: "until Monday",
    });
    await set(key, { enabled: false, percentage: 20, allowed_accounts: [3, 9], note: "until Monday" });
    expect(await set(key, { enabled: true })).toMatchObject({ enabled: true, percentage: 100, allowed_accounts: [], note: null });
    expect(await read(`/${key}`)).toMatchObject({ enabled: true });
    expect((await drop(key)).status).toBe(204);
    expect((await drop(key)).status).toBe(404);
    const first = { enabled: false, percentage: 20, allowedAccounts: [3, 9], note: "until Monday" };
    const second = { enabled: true, percentage: 100, allowedAccounts: [], note: null };
    expect((await auditOf("gate", key)).map(({ action, detail }) => [action, detail])).toEqual([
      ["gate.set", { before: null, after: first }],
      ["gate.set", { before: first, after: second }],
      ["gate.delete", { before: second, after: null }],
    ]);
  });

  it("is listed when the product asks it, set or not", async () => {
    await set("zz.other", { enabled: true });
    const { gates } = await read<{ gates: { key: string; is_set: boolean; guards: string | null; enabled: boolean }[] }>();
    expect(gates.map((one) => one.key)).toEqual(gates.map((one) => one.key).toSorted());
    expect(gates.find((one) => one.key === "signup.open")).toMatchObject({ is_set: false, enabled: true, guards: expect.stringContaining("sign-up") });
    expect(gates.find((one) => one.key === "zz.other")).toMatchObject({ is_set: true, guards: null });
    expect(await read("/cloud_vms.create")).toMatchObject({ is_set: false, enabled: true });
  });

  it("loses no setting when several set it at once", async () => {
    await Promise.all([0, 1, 2, 3].map((n) => set("race.gate", { enabled: true, percentage: n })));
    expect((await auditOf("gate", "race.gate")).length).toBe(4);
    expect(await DB.prepare("SELECT version FROM feature_gates WHERE key = 'race.gate'").first("version")).toBe(4);
  });

  it("refuses malformed settings and who may not", async () => {
    for (const [key, body] of [["x-y", { enabled: true }], ["a..b", { enabled: true }], ["Upper.case", { enabled: true }], ["a.b", {}], ["a.b", { enabled: "yes" }], ["a.b", { enabled: true, percentage: 101 }], ["a.b", { enabled: true, percentage: 0.5 }], ["a.b", { enabled: true, allowed_accounts: ["1"] }]] as const) {
      expect(await api("PUT", `${PATH}/${key}`, { token: staff.superadmin.accessToken, body }), JSON.stringify([key, body])).toMatchObject({ status: 422 });
    }
    await expectGuarded(staff, [PATH, `${PATH}/a.b`], [["PUT", `${PATH}/a.b`, { enabled: true }], ["DELETE", `${PATH}/a.b`]]);
  });

  it("is remembered for a minute, and asked of D1 once meanwhile", async () => {
    const ctx = context();
    const start = Date.now();
    const at = (ms: number) => ({ ...ctx, clock: { now: () => start + ms } });
    expect(await isGateOpen(at(0), "cloud_vms.create", 1)).toBe(true);
    await DB.prepare("INSERT INTO feature_gates VALUES ('cloud_vms.create', 0, 100, '[5]', NULL, 0, 0, 1)").run();
    expect(await isGateOpen(at(59_000), "cloud_vms.create", 1)).toBe(true);
    expect(await isGateOpen(at(61_000), "cloud_vms.create", 1)).toBe(false);
    expect(await isGateOpen(at(61_000), "cloud_vms.create", 5)).toBe(true);
  });
});

describe("the gate of sign-ups", () => {
  const signUp = (credentials = newCredentials()) => api("POST", "/api/v1/user/signup", { body: credentials });

  it("shuts them, and leaves people who have an account alone", async () => {
    const user = await signUpUser();
    await set("signup.open", { enabled: false });
    const credentials = newCredentials();
    expect(await signUp(credentials)).toMatchObject({ status: 403, body: { code: "signup_closed" } });
    expect(await DB.prepare("SELECT count(*) AS n FROM users WHERE username = ?").bind(credentials.username).first("n")).toBe(0);
    // It says nothing about who has an account.
    expect(await signUp(newCredentials({ email: user.email } as never))).toMatchObject({ status: 403, body: { code: "signup_closed" } });
    await logIn(user);
    await drop("signup.open");
    expect((await signUp(credentials)).status).toBe(200);
  });

  it("shuts new accounts of the outside issuer too, and links old ones still", async () => {
    await set("signup.open", { enabled: false });
    const person = (email: string) => ({ issuer: "https://issuer.test", subject: uniqueName("sub"), person: { email, emailVerified: true, username: null, name: null } });
    await expect(linkIdentity(context(), person(`${uniqueName()}@example.org`))).rejects.toMatchObject({ code: "SIGNUP_CLOSED" });
    const known = person(staff.nobody.email);
    await linkIdentity(context(), known);
    expect(await DB.prepare("SELECT tenant_id FROM external_identities WHERE subject = ?").bind(known.subject).first("tenant_id")).toBe(staff.nobody.userId);
  });

  it("lets a share of the addresses in, the same ones each time", async () => {
    await set("signup.open", { enabled: true, percentage: 50 });
    const crowd = Array.from({ length: 12 }, () => newCredentials());
    const first = await Promise.all(crowd.map(async (one) => isGateOpen(context(), "signup.open", one.email)));
    const answers = await Promise.all(crowd.map(async (one) => (await signUp(one)).status));
    expect(answers).toEqual(first.map((open) => (open ? 200 : 403)));
  });
});
