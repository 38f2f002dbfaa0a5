/**
 * The governance pages in a browser: an administrator makes a tenant and a policy, sees which one holds and what the contract says, attaches a machine,
 * suspends and resumes, is shown a model key and an access token once, sets the budget, promotes a wave and rolls it back, and reads it all in the audit.
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const PASSWORD = "correct horse battery staple";
const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const ADA = { email: "adagovernance@example.org", username: "adagovernance" };
const MACHINE = "openclaw-governance-den";

/** Waits for a truthy answer. @template T @param {string} what @param {() => Promise<T>} look @returns {Promise<NonNullable<T>>} */
async function until(what, look) {
  for (const end = Date.now() + 30_000; ; ) {
    const value = await look();
    if (value) return value;
    assert.ok(Date.now() < end, `never happened: ${what}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("governance in a browser", browserAt.reason);
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const server = await startServer({ stateDir, env: { RATE_LIMITS: "off", SETT_VMS: "off", SETT_ADMIN_EMAIL: ADMIN.email, SETT_ADMIN_PASSWORD: ADMIN.password } });
  cleanUp(() => server.stop());
  const browser = await chromium.launch({ executablePath: browserAt.path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  cleanUp(() => browser.close());
  /** @type {string[]} */
  const faults = [];
  /** @param {string} email @param {string} password */
  const openAs = async (email, password) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    const opened = await context.newPage();
    opened.setDefaultTimeout(20_000);
    opened.on("pageerror", (error) => faults.push(error.message));
    await opened.goto(`${server.origin}/login`);
    await opened.locator("[name=username]").fill(email);
    await opened.locator("[name=password]").fill(password);
    await opened.locator("[type=submit]").click();
    await opened.waitForURL(/\/fleet/);
    return opened;
  };
  /** @param {string} method @param {string} path @param {{ token?: string, body?: unknown, status?: number }} [options] @returns {Promise<any>} */
  const call = async (method, path, { token, body, status = 200 } = {}) => {
    const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(`${server.origin}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  };

  await call("POST", "/api/v1/user/signup", { body: { name: "Ada", password: PASSWORD, ...ADA } });
  const mails = await (await fetch(`${server.origin}/dev/mailbox?to=${ADA.email}`, { headers: { accept: "application/json" } })).json();
  await call("POST", "/api/v1/user/signup/verify", { body: { email: ADA.email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
  /** @param {string} username @param {string} password @returns {Promise<string>} */
  const tokenOf = async (username, password) => (await call("POST", "/api/v1/user/login", { body: { username, password } })).access_token;
  const ada = await tokenOf(ADA.email, PASSWORD);
  const admin = await tokenOf(ADMIN.email, ADMIN.password);
  await call("POST", "/api/v1/openclaw/register", { token: ada, body: { instance_id: MACHINE, label: "den", version: "1.0.0" } });
  /** @param {object} [governance] */
  const beat = (governance) => call("POST", "/api/v1/dashboard/heartbeat", { token: ada, body: { instance_id: MACHINE, gateway_status: "running", bots: [], ...(governance ? { governance } : {}) } });
  await beat();

  await step("who is no administrator sees no way to governance, and is refused by the address", async () => {
    const page = await openAs(ADA.email, PASSWORD);
    assert.equal(await page.getByRole("link", { name: "Governance" }).count(), 0);
    await page.goto(`${server.origin}/governance/tenants`);
    await page.locator("[data-testid=admin-refused]").waitFor();
    assert.equal(await page.locator("[data-testid=tenants]").count(), 0);
    await page.context().close();
  });

  const page = await openAs(ADMIN.email, ADMIN.password);
  const dialog = page.getByRole("dialog");
  const tab = async (/** @type {string} */ name) => page.getByRole("navigation", { name: "Governance" }).getByRole("link", { name }).click();
  const phase = page.locator("[data-testid=tenant-phase]");
  const policy = page.locator("[data-testid=tenant-policy]");

  await step("an administrator looks at an empty organisation", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Governance" }).click();
    await page.waitForURL(/\/governance\/overview/);
    await page.getByText("There is no tenant yet").waitFor();
    await page.locator("[data-testid=drift][data-resource=tenants][data-count='0']").waitFor();
  });

  await step("makes a tenant, after being told what is missing; no policy holds", async () => {
    await tab("Tenants");
    await page.getByRole("button", { name: "New tenant" }).click();
    const form = page.locator("[data-testid=tenant-form]");
    await form.getByRole("button", { name: "Create" }).click();
    await form.getByText("A tenant needs a name").waitFor();
    await form.locator("[name=name]").fill("Eng Team");
    await form.locator("[name=displayName]").fill("Engineering");
    await form.locator("[name=email]").fill(ADA.email);
    await form.locator("[name=team]").fill("eng");
    await form.locator("[name=budget]").fill("50");
    await form.getByRole("button", { name: "Create" }).click();
    await form.locator("[name=name][aria-invalid=true]").waitFor();
    await form.locator("[name=name]").fill("eng");
    await form.getByRole("button", { name: "Create" }).click();
    await page.waitForURL(/\/governance\/tenants\/eng$/);
    await phase.and(page.locator("[data-phase=Running]")).waitFor();
    await policy.and(page.locator("[data-state=none]")).waitFor();
  });

  await step("makes a policy for its team, and sees it hold and in the contract", async () => {
    await tab("Policies");
    await page.getByRole("link", { name: "New policy" }).click();
    const form = page.locator("[data-testid=policy-form]");
    await form.locator("[name=name]").fill("eng-egress");
    await form.locator("[name=matchTeam]").fill("eng");
    await form.locator("[name=domainsAllow]").fill("*.example.org\nnot a host!");
    await form.locator("[name=egress]").fill("10.0.0.0/8 443 TCP");
    await form.getByRole("button", { name: "Create policy" }).click();
    await form.locator("[name=domainsAllow][aria-invalid=true]").waitFor();
    await form.locator("[name=domainsAllow]").fill("*.example.org");
    await form.getByRole("button", { name: "Create policy" }).click();
    await page.waitForURL(/\/governance\/policies\/eng-egress$/);
    await page.locator("[data-testid=advisory]", { hasText: "egressRules" }).waitFor();
    await page.locator("[data-testid=tenant-under]", { hasText: "Engineering" }).click();
    await policy.and(page.locator("[data-state=resolved]")).filter({ hasText: "eng-egress" }).waitFor();
    await page.locator("[data-testid=contract]").getByText("*.example.org").waitFor();
  });

  await step("attaches a machine, which takes the contract and is in sync", async () => {
    await page.getByRole("button", { name: "Attach a machine" }).click();
    const form = page.locator("[data-testid=attach-form]");
    await form.locator("[name=instanceId]").fill("openclaw-nobody");
    await form.getByRole("button", { name: "Attach" }).click();
    await form.getByRole("alert").waitFor();
    await form.locator("[name=instanceId]").fill(MACHINE);
    await form.getByRole("button", { name: "Attach" }).click();
    const machine = page.locator(`[data-testid=tenant-machine][data-instance-id=${MACHINE}]`);
    await machine.waitFor();
    const contract = await until("the machine is told of its contract", async () => (await beat()).contract);
    await beat({ contract_id: contract.id, revision: contract.revision, awareness_version: "awareness/v1alpha1", enforcing: ["domains"], violations: [{ id: "v-1", kind: "domain", subject: "evil.example.com", at: new Date().toISOString() }] });
    await machine.and(page.locator("[data-in-sync=true]")).waitFor();
    await until("the violation is counted", async () => (await call("GET", "/api/v1/awareness/participation", { token: admin })).tenants[0].policyViolations === 1);
    await page.reload();
    await page.locator("[data-testid=violation]", { hasText: "evil.example.com" }).waitFor();
  });

  await step("suspends it, and resumes it", async () => {
    await page.getByRole("button", { name: "Suspend" }).click();
    await dialog.getByRole("button", { name: "Suspend" }).click();
    await phase.and(page.locator("[data-phase=Suspended]")).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await dialog.getByRole("button", { name: "Resume" }).click();
    await phase.and(page.locator("[data-phase=Running]")).waitFor();
  });

  await step("changes its limit only, and its datasets", async () => {
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const form = page.locator("[data-testid=tenant-edit-form]");
    await form.locator("[name=budget]").fill("75");
    await form.getByRole("button", { name: "Save" }).click();
    await page.locator("[data-testid=budget]", { hasText: "$75.00" }).waitFor();
    await page.getByRole("button", { name: "Edit datasets" }).click();
    await dialog.locator("[name=team]").fill("handbook");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.locator("[data-testid=contract]").getByText("team/handbook").waitFor();
  });

  const once = page.locator("[data-testid=once]");
  await step("is shown a model key once, and revokes it", async () => {
    await page.getByRole("button", { name: "Issue a key" }).click();
    const key = (await once.textContent()) ?? "";
    assert.ok(key.length > 20);
    await dialog.getByRole("button", { name: "Done" }).click();
    await once.waitFor({ state: "detached" });
    await page.reload();
    await page.getByRole("button", { name: "Revoke the model key" }).click();
    assert.equal((await page.content()).includes(key), false);
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: "Issue a key" }).waitFor();
  });

  await step("sets what the organisation may spend, and a provider's key", async () => {
    await tab("Budgets");
    await page.getByRole("button", { name: "Change the organisation's limit" }).click();
    await dialog.locator("[name=limit]").fill("a lot");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("An amount in dollars").waitFor();
    await dialog.locator("[name=limit]").fill("$1,200");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.locator("[data-testid=global-budget]", { hasText: "of $1,200.00" }).waitFor();
    await page.getByRole("button", { name: "Set the key of OpenAI" }).click();
    await dialog.locator("[name=apiKey]").fill("sk-smoke-0123456789");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.locator("[data-testid=provider-key][data-provider=openai][data-configured=true]").waitFor();
  });

  await step("is shown an access token once, which works until it is revoked", async () => {
    await tab("Access");
    await page.getByRole("button", { name: "New access token" }).click();
    await page.locator("[data-testid=access-token-form] [name=token-name]").fill("ci");
    await page.locator("[data-testid=access-token-form]").getByRole("button", { name: "Create token" }).click();
    const token = (await once.textContent()) ?? "";
    assert.match(token, /^ocp_/);
    assert.equal((await call("GET", "/api/v1/tenants", { token }))[0].name, "eng");
    await dialog.getByRole("button", { name: "Done" }).click();
    await once.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Revoke ci" }).click();
    await dialog.getByRole("button", { name: "Revoke the token" }).click();
    await page.getByText("No access token was made").waitFor();
    await call("GET", "/api/v1/tenants", { token, status: 403 });
  });

  await step("puts the tenant in a group", async () => {
    await page.getByRole("button", { name: "New group" }).click();
    await page.locator("[data-testid=group-form] [name=group-name]").fill("builders");
    await page.locator("[data-testid=group-form] [name=members]").fill("eng");
    await page.locator("[data-testid=group-form]").getByRole("button", { name: "Save" }).click();
    await page.locator("[data-testid=group][data-name=builders]", { hasText: "1 member" }).waitFor();
  });

  await step("promotes the first wave of a rollout, and rolls it back", async () => {
    await tab("Rollout");
    const first = page.locator("[data-testid=wave]").first();
    await first.getByRole("button", { name: /^Promote/ }).click();
    await dialog.getByRole("button", { name: "Promote" }).click();
    await first.and(page.locator("[data-promoted=true]")).waitFor();
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.locator("[data-testid=wave][data-promoted=true]").waitFor({ state: "detached" });
  });

  await step("reads it all in the audit, by tenant too, and what repair would do", async () => {
    await tab("Audit");
    await page.locator("[data-testid=trail-entry][data-resource='AccessPolicy/eng-egress'][data-action=Created]").waitFor();
    await page.getByLabel("Only of the tenant").fill("eng");
    await page.waitForURL(/tenant=eng/);
    for (const action of ["Created", "Suspended", "Resumed", "LiteLLMKeyRevoked"]) await page.locator(`[data-testid=trail-entry][data-action=${action}]`).first().waitFor();
    await page.locator("[data-testid=trail-entry][data-resource^=AccessPolicy]").waitFor({ state: "detached" });
    await tab("Overview");
    await page.locator("[data-testid=attention]", { hasText: "evil.example.com" }).waitFor();
    await page.getByRole("button", { name: "Repair tenants" }).click();
    await page.locator("[data-testid=repair][data-mode=dry-run]", { hasText: "Nothing to repair" }).waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Repair now" }).isDisabled());
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  await step("a server that does not answer is said so, and asked again", async () => {
    await page.route("**/api/v1/ai-budget/global", (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: "The budget does not answer.", code: "NOT_CONFIGURED", request_id: "r" }) }));
    await page.goto(`${server.origin}/governance/budgets`);
    await page.getByText("The budget does not answer").waitFor();
    await page.unroute("**/api/v1/ai-budget/global");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("[data-testid=global-budget]", { hasText: "of $1,200.00" }).waitFor();
  });

  await step("every page fits a phone and small windows", async () => {
    for (const path of ["overview", "tenants", "tenants/eng", "policies", "policies/eng-egress", "policies/new", "catalogue", "budgets", "access", "rollout", "audit"]) {
      for (const width of [390, 640, 768]) {
        await page.setViewportSize({ width, height: 844 });
        await page.goto(`${server.origin}/governance/${path}`);
        await page.locator("[data-testid=governance] h1").first().waitFor();
        await page.waitForFunction(() => !document.querySelector("[data-testid=governance]")?.textContent?.includes("Loading "));
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than ${width} px`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await step("deletes the tenant; the machine is released", async () => {
    await page.goto(`${server.origin}/governance/tenants/eng`);
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete the tenant" }).click();
    await page.waitForURL(/\/governance\/tenants$/);
    await page.getByText("No tenant yet").waitFor();
    assert.deepEqual(faults, []);
  });
});
