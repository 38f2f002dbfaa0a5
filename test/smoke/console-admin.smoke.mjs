/**
 * The administrators' pages in a browser: nobody else sees them; somebody is found, why their machine is offline is read, they are signed out
 * everywhere, get a larger plan and another password; a gate is closed and opened, given-up work tried again and dropped, and at last the person
 * is removed for good, which the audit tells.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const ROOT = resolve(fileURLToPath(import.meta.url), "../../..");
const PASSWORD = "correct horse battery staple";
const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const ADA = { email: "adasupport@example.org", username: "adasupport" };
const MACHINE = "openclaw-admin-console-den";
const REFUSED = "a message that never was a job";

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("administration in a browser", browserAt.reason);
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
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(`${server.origin}/login`);
    await page.locator("[name=username]").fill(email);
    await page.locator("[name=password]").fill(password);
    await page.locator("[type=submit]").click();
    await page.waitForURL(/\/fleet/);
    return page;
  };

  /** @param {string} method @param {string} path @param {{ token?: string, body?: unknown, status?: number }} [options] @returns {Promise<any>} */
  const call = async (method, path, { token, body, status = 200 } = {}) => {
    const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(`${server.origin}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  /** @param {string} username @param {string} password @returns {Promise<string>} */
  const tokenOf = async (username, password) => (await call("POST", "/api/v1/user/login", { body: { username, password } })).access_token;
  /** What only a broken queue makes, as `docs/operations.md` looks into the database. @param {string} sql */
  const execute = (sql) => promisify(execFile)(process.execPath, [resolve(ROOT, "node_modules/wrangler/bin/wrangler.js"), "d1", "execute", "DB", "--local", "--persist-to", stateDir, "--yes", "--command", sql], { cwd: ROOT });

  await call("POST", "/api/v1/user/signup", { body: { name: "Ada", password: PASSWORD, ...ADA } });
  const mails = await (await fetch(`${server.origin}/dev/mailbox?to=${ADA.email}`, { headers: { accept: "application/json" } })).json();
  await call("POST", "/api/v1/user/signup/verify", { body: { email: ADA.email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
  const ada = await tokenOf(ADA.email, PASSWORD);
  await call("POST", "/api/v1/openclaw/register", { token: ada, body: { instance_id: MACHINE, label: "den", version: "1.0.0" } });
  await call("POST", "/api/v1/dashboard/heartbeat", { token: ada, body: { instance_id: MACHINE, gateway_status: "running", bots: [] } });
  await call("POST", "/api/v1/dashboard/disconnect", { token: ada, body: { instance_id: MACHINE } });

  await step("who is no administrator sees no way there, loads nothing of it, and is refused by the address", async () => {
    const page = await openAs(ADA.email, PASSWORD);
    /** @type {string[]} */
    const loaded = [];
    page.on("request", (request) => loaded.push(request.url()));
    await page.goto(`${server.origin}/fleet`);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Account" }).click();
    await page.waitForURL(/\/account/);
    assert.equal(await page.getByRole("link", { name: "Admin" }).count(), 0);
    assert.deepEqual(loaded.filter((url) => /\/admin/.test(url)), []);
    await page.goto(`${server.origin}/admin/people`);
    await page.locator("[data-testid=admin-refused]").waitFor();
    assert.equal(await page.locator("[data-testid=people]").count(), 0);
    await page.context().close();
  });

  const page = await openAs(ADMIN.email, ADMIN.password);
  const admin = await tokenOf(ADMIN.email, ADMIN.password);
  const outcome = page.locator("[data-testid=act-outcome]");
  const dialog = page.getByRole("dialog");

  await step("an administrator finds somebody by the beginning of an address", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Admin" }).click();
    await page.waitForURL(/\/admin\/people/);
    await page.getByLabel("Search people").fill("zzz-nobody");
    await page.getByText("Nobody fits").waitFor();
    await page.getByLabel("Search people").fill("adasupp");
    await page.waitForURL(/q=adasupp/);
    await page.locator(`[data-testid=person][data-email="${ADA.email}"]`).click();
    await page.locator("[data-testid=person-page]").getByRole("heading", { name: "Ada", exact: true }).waitFor();
  });
  const userId = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  await step("and sees why their machine is offline, in the list and in full", async () => {
    const machine = page.locator(`[data-testid=person-machine][data-instance-id=${MACHINE}]`);
    await machine.locator("[data-testid=why-offline]", { hasText: "It said goodbye" }).waitFor();
    await machine.click();
    await page.locator("[data-testid=why]", { hasText: "It said goodbye" }).waitFor();
    await page.locator("[data-testid=machine-history]", { hasText: "Went offline" }).waitFor();
    await page.getByRole("link", { name: "Its owner" }).click();
  });

  await step("signs them out everywhere: the token that worked is dead", async () => {
    await call("GET", "/api/v1/user/profile", { token: ada });
    await page.locator("[data-testid=sign-out-all]").click();
    await dialog.getByRole("button", { name: "Sign out everywhere" }).click();
    await outcome.filter({ hasText: /Signed out: \d+ session/ }).waitFor();
    await call("GET", "/api/v1/user/profile", { token: ada, status: 401 });
    await page.getByText("Signed in nowhere").waitFor();
  });

  await step("sets a password that was made up, and grants a larger plan", async () => {
    await page.locator("[data-testid=reset-password]").click();
    await dialog.getByRole("button", { name: "Make one up" }).click();
    const password = await dialog.locator("[name=new_password]").inputValue();
    await dialog.getByRole("button", { name: "Set password" }).click();
    await outcome.filter({ hasText: "The password is set" }).waitFor();
    await tokenOf(ADA.email, password);
    await page.locator("[data-testid=change-plan]").click();
    await dialog.locator("[name=plan]").selectOption("team");
    await dialog.getByRole("button", { name: "Grant the plan" }).click();
    await page.locator("[data-testid=person-plan][data-plan=team]").waitFor();
  });

  await step("locks them out and lets them in again", async () => {
    await page.locator("[data-testid=deactivate]").click();
    await dialog.getByRole("button", { name: "Deactivate" }).click();
    await page.locator("[data-testid=person-status][data-status=deactivated]").waitFor();
    await page.locator("[data-testid=activate]").click();
    await dialog.getByRole("button", { name: "Activate" }).click();
    await page.locator("[data-testid=person-status][data-status=active]").waitFor();
  });

  await step("closes the gate of sign-up, which refuses, and opens it again", async () => {
    await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Gates" }).click();
    const gate = page.locator("[data-testid=gate][data-key='signup.open']");
    await gate.getByRole("button", { name: "Close signup.open" }).click();
    await dialog.getByRole("button", { name: "Close the gate" }).click();
    await gate.and(page.locator("[data-open=false]")).waitFor();
    const somebody = { name: "Bob", email: "bobsupport@example.org", username: "bobsupport", password: PASSWORD };
    assert.equal((await call("POST", "/api/v1/user/signup", { body: somebody, status: 403 })).code, "signup_closed");
    await gate.getByRole("button", { name: "Open signup.open" }).click();
    await gate.and(page.locator("[data-open=true]")).waitFor();
    await gate.getByRole("button", { name: "Adjust signup.open" }).click();
    await page.locator("[data-testid=gate-form] [name=percentage]").fill("50");
    await page.locator("[data-testid=gate-form] [name=accounts]").fill(userId);
    await page.locator("[data-testid=gate-form]").getByRole("button", { name: "Save" }).click();
    await gate.getByText("Open to 50 %, and 1 account").waitFor();
  });

  await step("sees at a glance what was given up, tries one message again and drops the other", async () => {
    const job = JSON.stringify({ v: 1, id: "smoke-job", type: "bot.settle", payload: "no-such-bot" });
    await execute(`INSERT INTO dead_letters (id, type, payload, reason, created_at) VALUES ('smoke-job', 'bot.settle', '${job}', 'retries are used up', ${Date.now()}), ('smoke-nothing', 'unknown', '"${REFUSED}"', 'no job', ${Date.now()})`);
    await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Health" }).click();
    await page.locator("[data-testid=trouble]", { hasText: "2 messages could not be handled" }).waitFor();
    await page.getByRole("link", { name: "Look" }).first().click();
    const [letter, nothing] = ["smoke-job", "smoke-nothing"].map((id) => page.locator(`[data-testid=letter][data-id=${id}]`));
    assert.ok(letter && nothing);
    await letter.getByRole("button", { name: "Try bot.settle again" }).click();
    await letter.waitFor({ state: "detached" });
    assert.equal(await nothing.getByRole("button", { name: /Try/ }).count(), 0);
    await nothing.getByText("What it carries").click();
    await nothing.getByText(REFUSED).waitFor();
    await nothing.getByRole("button", { name: "Drop unknown" }).click();
    await dialog.getByRole("button", { name: "Drop" }).click();
    await page.getByText("No message was given up").waitFor();
    assert.equal((await call("GET", "/api/v1/admin/ops/dead-letters", { token: admin })).total, 0);
  });

  await step("a server that does not answer is said so, and asked again", async () => {
    await page.route("**/api/v1/admin/ops/gates", (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ detail: "The database does not answer.", code: "dependency_unavailable" }) }));
    await page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: "Keys" }).click();
    await page.locator("[data-testid=key]").first().waitFor();
    await page.goto(`${server.origin}/admin/gates`);
    await page.getByText("The database does not answer").waitFor();
    await page.unroute("**/api/v1/admin/ops/gates");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("[data-testid=gate]").first().waitFor();
  });

  await step("removes somebody for good only after the address was typed, and shows the ten steps", async () => {
    await page.goto(`${server.origin}/admin/people/${userId}`);
    await page.locator("[data-testid=hard-delete]").click();
    const form = page.locator("[data-testid=hard-delete-form]");
    await form.locator("[name=confirm_email]").fill("ada@somewhere.else");
    assert.ok(await form.locator("[type=submit]").isDisabled());
    await form.locator("[name=confirm_email]").fill(ADA.email);
    await form.locator("[type=submit]").click();
    await page.locator("[data-testid=removal]").waitFor();
    const steps = page.locator("[data-testid=removal-step]");
    assert.deepEqual(await steps.evaluateAll((all) => all.map((one) => one.getAttribute("data-name"))), ["bots", "instances", "fingerprints", "cli_tokens", "shares", "payments", "files", "matrix", "identity", "database"]);
    await call("GET", `/api/v1/admin/users/${userId}`, { token: admin, status: 404 });
  });

  await step("the audit has all of it, and the pages fit a phone", async () => {
    await page.getByRole("link", { name: "What the audit keeps of it" }).click();
    for (const action of ["user.hard_delete", "user.sign_out_all", "user.set_password", "plan.raise", "user.deactivate"]) await page.locator(`[data-testid=audit-entry][data-action="${action}"]`).first().waitFor();
    await page.locator("[data-testid=audit-form] [name=subject]").fill("nothing");
    await page.locator("[data-testid=audit-form] [type=submit]").click();
    await page.getByText("A kind and an id").waitFor();
    await page.goto(`${server.origin}/admin/people/${userId}`);
    await page.locator("[data-testid=person-gone]").waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ["people", "people/1", "machines", "bots", "health", "work", "cron", "findings", "gates", "audit", "keys"]) {
      await page.goto(`${server.origin}/admin/${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${path}: no sideways scrolling`);
    }
    assert.deepEqual(faults, []);
  });
});
