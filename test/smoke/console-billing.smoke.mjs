/**
 * Plans in the console, in a browser, beside a payment provider (a double): what a server without one says, then a plan bought, seen,
 * cancelled and kept, lowered, and the choice of what stays; at last more again, and what comes back.
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";
import { createStripeDouble } from "../support/stripe/double.mjs";
import { serveStripe } from "../support/stripe/serve.mjs";

const PASSWORD = "correct horse battery staple";
const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const MACHINES = ["den", "garage", "attic", "cellar", "burrow"];

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("plans in a browser", browserAt.reason);
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const stripe = createStripeDouble({ clock: Date.now });
  const shop = await serveStripe(stripe);
  cleanUp(() => shop.close());
  const env = { RATE_LIMITS: "off", SETT_ADMIN_EMAIL: ADMIN.email, SETT_ADMIN_PASSWORD: ADMIN.password };
  let server = await startServer({ stateDir, env });
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
  /** What happened at the provider since the last time, told to us. */
  const deliver = async () => {
    for (const status of await stripe.deliver(`${server.origin}/api/v1/subscription/webhook`, stripe.takeEvents())) assert.equal(status, 200);
  };
  /** Works until `read` is as wanted: webhooks are worked off from a queue. @param {() => Promise<boolean>} read @param {string} what */
  const until = async (read, what) => {
    for (let tries = 0; tries < 150; tries++) {
      if (await read()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`not in time: ${what}`);
  };
  const current = page.locator("[data-testid=current-plan]");
  const openPlan = () => page.goto(`${server.origin}/account/plan`);
  /** @param {string} key */
  const choosePlan = (key) => page.locator(`[data-testid=offer][data-plan=${key}]`).getByRole("button").click();

  const email = "adaplans@example.org";
  let ada = "";

  await step("somebody who signed up sees the trial, and that this server sells nothing", async () => {
    await call("POST", "/api/v1/user/signup", { body: { name: "Ada", email, username: "adaplans", password: PASSWORD } });
    const mails = await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json();
    await call("POST", "/api/v1/user/signup/verify", { body: { email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
    ada = await tokenOf(email, PASSWORD);
    await page.goto(`${server.origin}/login`);
    await page.locator("[name=username]").fill(email);
    await page.locator("[name=password]").fill(PASSWORD);
    await page.locator("[type=submit]").click();
    await page.waitForURL(/\/fleet/);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Account" }).click();
    await page.getByRole("navigation", { name: "Account" }).getByRole("link", { name: "Plan" }).click();
    await page.locator("[data-testid=current-plan][data-source=trial]", { hasText: /1[34] days left/ }).waitFor();
    await page.getByText("This server sells no plans").waitFor();
    assert.equal(await page.locator("[data-testid=offer]").getByRole("button").count(), 0);
  });

  const admin = await tokenOf(ADMIN.email, ADMIN.password);
  const { plans } = await call("GET", "/api/v1/admin/plans", { token: admin });
  for (const [key, amount] of Object.entries({ solo: 900, pro: 2_900 })) {
    stripe.addPrice({ id: `price_${key}`, amount });
    stripe.addPrice({ id: `price_${key}_year`, amount: amount * 10, interval: "year" });
    const { id } = plans.find((/** @type {any} */ plan) => plan.name === key);
    await call("POST", `/api/v1/admin/plans/${id}`, { token: admin, body: { stripe_price_id_sandbox: `price_${key}`, stripe_price_id_yearly_sandbox: `price_${key}_year` } });
  }
  const { port } = server;
  await server.stop();
  server = await startServer({ stateDir, port, env: { ...env, STRIPE_SECRET_KEY: stripe.secretKey, STRIPE_WEBHOOK_SECRET: stripe.webhookSecret, STRIPE_API_BASE: shop.origin } });

  await step("a plan is bought on the provider's page, and shows once the provider has told us", async () => {
    /** @type {string[]} */
    const visited = [];
    await context.route("https://checkout.stripe.test/**", (route) => {
      visited.push(route.request().url());
      return route.fulfill({ contentType: "text/html", body: "<title>Checkout</title>" });
    });
    await openPlan();
    await choosePlan("pro");
    await page.waitForURL(/checkout\.stripe\.test/);
    const sessionId = /cs_[A-Za-z0-9_]+/.exec(visited[0] ?? "")?.[0] ?? "";
    const successUrl = stripe.state.sessions.get(sessionId)?.success_url ?? "";
    assert.equal(stripe.complete(sessionId).kind, "completed");
    await page.goto(successUrl.replace(/^https?:\/\/[^/]+/, server.origin));
    await page.getByText("The payment is being confirmed").waitFor();
    await deliver();
    await page.getByText("Your plan is active").waitFor();
    await page.locator("[data-testid=current-plan][data-source=card]", { hasText: "Renews on" }).waitFor();
    assert.equal(await current.getByRole("heading").innerText(), "Pro");
    await page.locator("[data-testid=payment][data-status=paid]").first().waitFor();
  });

  await step("it shows how much of it is used, and leads to the provider's pages for the card", async () => {
    for (const name of MACHINES) await call("POST", "/api/v1/openclaw/register", { token: ada, body: { instance_id: `openclaw-${name}-1`, label: name, version: "1.0.0" } });
    await openPlan();
    await page.locator("[data-testid=meter][data-key=multiple_openclaw_instances]", { hasText: "5 of 10" }).waitFor();
    await context.route("https://billing.stripe.test/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>Portal</title>" }));
    await page.locator("[data-testid=portal]").click();
    await page.waitForURL(/billing\.stripe\.test/);
    await openPlan();
  });

  await step("it is cancelled, with the day that it ends, and kept after all", async () => {
    await page.locator("[data-testid=cancel-plan]").click();
    await page.locator("[data-testid=confirm-cancel]").click();
    await current.getByText("You keep everything until").waitFor();
    await page.locator("[data-testid=undo-change]").click();
    await current.getByText("Renews on").waitFor();
    await deliver();
  });

  await step("a smaller plan is planned for the end of the period, and says what will be too much", async () => {
    await choosePlan("solo");
    await page.locator("[data-testid=confirm-change]").click();
    await current.getByText("Changes to Solo on").waitFor();
    await current.getByText("2 machines too many").waitFor();
    await deliver();
  });

  await step("what stays is chosen, never more than fits; nothing is parked before", async () => {
    await page.locator("[data-testid=choose-early]").click();
    await page.waitForURL(/\/account\/plan\/keep/);
    await page.goto(`${server.origin}/bots`);
    await page.locator("[data-testid=downgrade-banner]").getByRole("link").click();
    const form = page.locator("[data-testid=keep-page]");
    const submit = form.locator("[data-testid=resolve][data-feature=multiple_openclaw_instances]");
    await submit.waitFor();
    for (const box of await form.getByRole("checkbox").all()) await box.check();
    assert.ok(await submit.isDisabled(), "five do not fit into three");
    for (const name of ["attic", "cellar"]) await form.getByRole("checkbox", { name }).uncheck();
    assert.deepEqual(await parkedMachines(), []);
    await submit.click();
    await page.locator("[data-testid=keep-done]", { hasText: "3 kept, 2 switched off" }).waitFor();
    await page.locator("[data-testid=downgrade-banner]").waitFor({ state: "detached" });
    assert.deepEqual(await parkedMachines(), ["openclaw-attic-1", "openclaw-cellar-1"]);
  });

  async function parkedMachines() {
    const instances = await call("GET", "/api/v1/openclaw/status", { token: ada });
    return instances.flatMap((/** @type {any} */ one) => (one.plan_disabled ? [one.instance_id] : [])).sort();
  }

  await step("the period ends: the smaller plan is there, and nothing else changes", async () => {
    stripe.advance(32 * 86_400_000);
    await deliver();
    await until(async () => (await call("GET", "/api/v1/subscription", { token: ada })).plan_key === "solo", "the plan is Solo");
    await openPlan();
    await page.locator("[data-testid=current-plan][data-source=card]", { hasText: "Solo" }).waitFor();
    await page.locator("[data-testid=meter][data-key=multiple_openclaw_instances]", { hasText: "3 of 3" }).waitFor();
    assert.deepEqual(await parkedMachines(), ["openclaw-attic-1", "openclaw-cellar-1"]);
    await page.goto(`${server.origin}/fleet`);
    await page.locator("[data-testid=parked-machines]", { hasText: /attic and cellar|cellar and attic/ }).getByRole("link").click();
    await page.waitForURL(/\/account\/plan/);
  });

  await step("more again: it is paid at once, and what comes back is chosen", async () => {
    await choosePlan("pro");
    await page.locator("[data-testid=confirm-change]").click();
    await current.getByText("Renews on").waitFor();
    await deliver();
    await until(async () => (await call("GET", "/api/v1/me/upgrade-requests/active", { token: ada })) !== null, "what was switched off is offered");
    await page.goto(`${server.origin}/fleet`);
    await page.locator("[data-testid=upgrade-banner]").getByRole("link").click();
    await page.locator("[data-testid=restore-page]").getByRole("checkbox", { name: "cellar" }).uncheck();
    await page.locator("[data-testid=reenable][data-feature=multiple_openclaw_instances]").click();
    await page.locator("[data-testid=restore-done]", { hasText: "1 machine came back" }).waitFor();
    assert.deepEqual(await parkedMachines(), ["openclaw-cellar-1"]);
  });

  await step("a refusal of the plan leads to the plans, the pages fit a phone, and nothing broke on the way", async () => {
    await page.route("**/api/v1/bots", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 403, contentType: "application/json", body: JSON.stringify({ detail: "Your plan allows 25 bots.", code: "plan_limit" }) }) : route.fallback()));
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${server.origin}/bots`);
    await page.locator("[data-testid=create-bot]").click();
    await page.locator("[data-testid=create-bot-form] [name=bot_name]").fill("Fox");
    await page.locator("[data-testid=create-bot-form] [type=submit]").click();
    await page.locator("[data-testid=plan-link]").click();
    await page.locator("[data-testid=offer]").first().waitFor();
    assert.ok((await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.querySelector("header")?.scrollWidth ?? 0))) <= 360, "no sideways scrolling");
    assert.deepEqual(faults, []);
  });
});
