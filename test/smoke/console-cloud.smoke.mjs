/**
 * Cloud machines in the console, in a browser: what a server without a provider says, then a real local machine's whole life: ordered,
 * watched to its first heartbeat with the page cut off in the middle, restarted, destroyed, and nothing left of it.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { whyNoMachines } from "../../scripts/lib/vm-agent/agent.mjs";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const PASSWORD = "correct horse battery staple";
const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const KEY = "sk-ant-a-key-that-nobody-sees-again";

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("cloud machines in a browser", browserAt.reason);
  const reason = whyNoMachines(process.env, process.platform, "local");
  if (reason !== null) return skip("cloud machines in a browser", reason);
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const env = { RATE_LIMITS: "off", SETT_ADMIN_EMAIL: ADMIN.email, SETT_ADMIN_PASSWORD: ADMIN.password };
  let server = await startServer({ stateDir, env: { ...env, SETT_VMS: "off" } });
  cleanUp(() => server.stop());
  const browser = await chromium.launch({ executablePath: browserAt.path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  cleanUp(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));

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
  /** Gives every plan so many cloud machines. @param {string} count */
  const includeMachines = async (count) => {
    const admin = await tokenOf(ADMIN.email, ADMIN.password);
    const { plans, features } = await call("GET", "/api/v1/admin/plans", { token: admin });
    const { id } = features.find((/** @type {any} */ feature) => feature.key === "cloud_vm_included");
    for (const plan of plans) await call("POST", "/api/v1/admin/plan-features", { token: admin, body: { plan_id: plan.id, feature_id: id, value: count } });
  };
  const openCloud = () => page.goto(`${server.origin}/cloud`);
  const form = page.locator("[data-testid=create-vm-form]");
  const card = page.locator("[data-testid=vm-card]");
  const state = page.locator("[data-testid=vm-state]");
  /** @param {string} name */
  const fillNewVm = async (name) => {
    await page.locator("[data-testid=create-vm]").first().click();
    await form.locator("[name=vm_name]").fill(name);
    await form.locator("[name=llm_key]").fill(KEY);
  };
  const email = "adacloud@example.org";
  let instanceId = "";

  await step("whose plan includes no machine is led to what pays for one", async () => {
    await includeMachines("0");
    await call("POST", "/api/v1/user/signup", { body: { name: "Ada", email, username: "adacloud", password: PASSWORD } });
    const mails = await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json();
    await call("POST", "/api/v1/user/signup/verify", { body: { email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
    await page.goto(`${server.origin}/login`);
    await page.locator("[name=username]").fill(email);
    await page.locator("[name=password]").fill(PASSWORD);
    await page.locator("[type=submit]").click();
    await page.waitForURL(/\/fleet/);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Cloud" }).click();
    await page.getByText("Your plan includes no cloud machine").waitFor();
    await page.locator("[data-testid=plan-link]").waitFor();
    assert.equal(await page.locator("[data-testid=create-vm]").count(), 0);
  });

  const { port } = server;
  await includeMachines("2");
  // What a plan carries is remembered for a minute; another process remembers nothing.
  await server.stop();
  server = await startServer({ stateDir, port, env: { ...env, SETT_VMS: "off" } });

  await step("a server without a provider says so, and makes nothing", async () => {
    await openCloud();
    await fillNewVm("demo");
    await form.locator("[type=submit]").click();
    await form.getByText("No machine could be ordered").waitFor();
    assert.equal((await call("GET", "/api/v1/openclaw/cloud-vm", { token: await tokenOf(email, PASSWORD) })).cloud_vms.length, 0);
  });

  await server.stop();
  server = await startServer({ stateDir, port, env });
  const machinesLeft = () => (existsSync(join(stateDir, "vms")) ? readdirSync(join(stateDir, "vms")).filter((name) => /^[0-9a-f-]{36}$/.test(name)) : []);

  await step("a machine is ordered, and its page shows each step as it comes", async () => {
    await openCloud();
    await fillNewVm("demo");
    await form.locator("[name=cpu]").selectOption("1");
    await form.locator("[name=ram]").selectOption("4");
    await form.locator("[type=submit]").click();
    await page.waitForURL(/\/cloud\/cloud-[0-9a-f]+/);
    instanceId = new URL(page.url()).pathname.split("/").at(-1) ?? "";
    await page.locator("[data-testid=vm-steps]").or(page.getByText("Open in the fleet")).first().waitFor();
    assert.ok(!(await page.content()).includes(KEY), "the key is nowhere on the page");
  });

  await step("cut off in the middle it comes back and finds the machine online, after its first heartbeat", async () => {
    await context.setOffline(true);
    await context.setOffline(false);
    await page.reload();
    await state.filter({ hasText: "Online" }).waitFor({ timeout: 60_000 });
    const token = await tokenOf(email, PASSWORD);
    const status = await call("GET", `/api/v1/openclaw/cloud-vm/${instanceId}/provision-status`, { token });
    assert.deepEqual([status.provision_status, status.percent], ["online", 100]);
    assert.notEqual((await call("GET", `/api/v1/dashboard/machines/${instanceId}`, { token })).lastHeartbeat, null);
    assert.ok(!JSON.stringify(await call("GET", "/api/v1/openclaw/cloud-vm", { token })).includes(KEY));
    assert.equal(machinesLeft().length, 1);
  });

  await step("it is a machine of the fleet, told apart from the owner's own", async () => {
    await page.getByRole("link", { name: "Open in the fleet" }).click();
    await page.locator(`[data-testid=machine-detail][data-instance-id="${instanceId}"]`).waitFor();
    await page.getByRole("link", { name: "Cloud machine", exact: true }).click();
    await page.locator("[data-testid=vm-page]").waitFor();
  });

  await step("restarted, it goes through its steps again without being made anew", async () => {
    const before = machinesLeft();
    await page.locator("[data-testid=restart-vm]").click();
    await page.locator("[data-testid=vm-step][data-state=now]").first().waitFor();
    await state.filter({ hasText: "Online" }).waitFor({ timeout: 60_000 });
    assert.deepEqual(machinesLeft(), before);
  });

  await step("the list says what pays for it, and fits a phone", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await openCloud();
    await card.and(page.locator("[data-state=online]")).waitFor();
    await page.locator("[data-testid=vm-payer]", { hasText: "Included in your plan" }).waitFor();
    await page.locator("[data-testid=cloud-places]", { hasText: "1 machine, 1 more paid for" }).waitFor();
    assert.ok((await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.querySelector("header")?.scrollWidth ?? 0))) <= 360, "no sideways scrolling");
  });

  await step("destroyed, after its name was typed, nothing of it is left", async () => {
    await page.locator("[data-testid=destroy-vm]").click();
    const sure = page.locator("[data-testid=destroy-vm-form]");
    assert.ok(await sure.locator("[type=submit]").isDisabled());
    await sure.locator("[name=confirm]").fill("demo");
    await sure.locator("[type=submit]").click();
    await card.waitFor({ state: "detached" });
    await page.getByText("Create your first cloud machine").waitFor();
    assert.deepEqual(machinesLeft(), []);
    await page.goto(`${server.origin}/cloud/${instanceId}`);
    await page.locator("[data-testid=vm-gone]").waitFor();
    assert.deepEqual(faults, []);
  });
});
