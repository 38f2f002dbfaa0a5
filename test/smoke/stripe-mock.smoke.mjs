/**
 * Our payments client against Stripe's own description of its API: stripe-mock knows every parameter and keeps nothing, our double keeps
 * everything and knows little. So the double answers, and each request goes to stripe-mock as well, which must not refuse it where the
 * double does not. It is a Go program; without Go the journey is skipped.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";
import { createStripeDouble } from "../support/stripe/double.mjs";
import { serveStripe } from "../support/stripe/serve.mjs";
import { journey } from "../support/smoke.mjs";

const VERSION = "v0.203.0";
const FOLDER = inRoot(".cache/stripe-mock", VERSION);
const BINARY = join(FOLDER, process.platform === "win32" ? "stripe-mock.exe" : "stripe-mock");
const INSTALL_MS = 5 * 60_000;
const START_MS = 20_000;

/** Every kind of request that our client makes. */
const KINDS = [
  "DELETE /v1/customers/:id",
  "DELETE /v1/subscriptions/:id",
  "GET /v1/customers/:id",
  "GET /v1/invoices",
  "GET /v1/invoices/:id",
  "GET /v1/prices/:id",
  "GET /v1/subscription_schedules/:id",
  "GET /v1/subscriptions",
  "GET /v1/subscriptions/:id",
  "POST /v1/billing_portal/sessions",
  "POST /v1/checkout/sessions",
  "POST /v1/customers",
  "POST /v1/subscription_schedules",
  "POST /v1/subscription_schedules/:id",
  "POST /v1/subscription_schedules/:id/release",
  "POST /v1/subscriptions/:id",
];

/** Why there is no stripe-mock here; null when there is. @returns {Promise<string | null>} */
async function install() {
  if (existsSync(BINARY)) return null;
  mkdirSync(FOLDER, { recursive: true });
  const go = await run("go", ["version"]).catch(() => null);
  if (go?.code !== 0) return "STRIPE-MOCK NOT RUN: there is no Go on this machine";
  const { code, output } = await run("go", ["install", `github.com/stripe/stripe-mock@${VERSION}`], { env: { ...process.env, GOBIN: FOLDER }, timeoutMs: INSTALL_MS });
  return code === 0 ? null : `STRIPE-MOCK NOT RUN: it cannot be installed (${output.trim().split("\n").at(-1)})`;
}

/** @param {(undo: () => unknown) => void} cleanUp @returns {Promise<string>} its origin */
async function startMock(cleanUp) {
  const child = spawn(BINARY, ["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  cleanUp(() => child.kill());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("stripe-mock does not say that it listens")), START_MS);
    let said = "";
    child.stdout.on("data", (chunk) => {
      said = (said + String(chunk)).slice(-4_000);
      const address = /for HTTP at address: (\S+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(`http://${address}`);
    });
    child.on("exit", (code) => reject(new Error(`stripe-mock ended with ${code}: ${said}`)));
  });
}

/** Our client, built as for Workers. @returns {Promise<typeof import("../../src/integrations/stripe/client")>} */
async function loadClient() {
  const outfile = inRoot(".cache/stripe-mock/client.mjs");
  await build({ entryPoints: [inRoot("src/integrations/stripe/client.ts")], bundle: true, format: "esm", conditions: ["workerd", "worker", "browser"], outfile, logLevel: "error" });
  return import(pathToFileURL(outfile).href);
}

await journey(async ({ step, skip, cleanUp }) => {
  const missing = await install();
  if (missing !== null) return skip("every kind of request is right by Stripe's own description", missing);
  const mock = await startMock(cleanUp);
  const double = createStripeDouble();
  double.addPrice({ id: "price_basic", amount: 1_000 });
  double.addPrice({ id: "price_pro", amount: 3_000 });

  /** @type {Set<string>} */
  const kinds = new Set();
  /** @type {string[]} */
  const refusals = [];
  let opinions = 0;
  const { origin, close } = await serveStripe({
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.clone().text() : null;
      const theirs = await fetch(mock + pathname + search, { method: request.method, headers: request.headers, body });
      const said = await theirs.text();
      opinions += 1;
      kinds.add(`${request.method} ${pathname.replace(/\/(cus|sub|sub_sched|in|price)_[^/]+/, "/:id")}`);
      if (!theirs.ok) refusals.push(`${request.method} ${pathname}${search} ${decodeURIComponent(body ?? "")}: ${theirs.status} ${said}`);
      return double.fetch(request);
    },
  });
  cleanUp(close);
  const { createClient } = await loadClient();
  const config = { secretKey: double.secretKey, webhookSecret: double.webhookSecret, apiBase: origin, sandbox: true, portalConfiguration: "bpc_1" };
  const payments = createClient(config);

  await step("stripe-mock refuses parameters that do not exist", async () => {
    const answer = await fetch(`${mock}/v1/customers`, { method: "POST", headers: { authorization: `Bearer ${double.secretKey}`, "content-type": "application/x-www-form-urlencoded" }, body: "no_such_parameter=1" });
    assert.equal(answer.status, 400, await answer.text());
  });

  await step("a plan is bought, changed now and later, cancelled and resumed", async () => {
    const customerId = await payments.ensureCustomer({ userId: 7, email: "ada@example.org", known: null, idempotencyKey: "a" });
    assert.equal(await payments.ensureCustomer({ userId: 7, email: "ada@example.org", known: customerId, idempotencyKey: "b" }), customerId);
    assert.equal((await payments.getPrice("price_basic"))?.unitAmount, 1_000);
    const checkout = await payments.createCheckout({ customerId, priceId: "price_basic", userId: 7, successUrl: "https://sett.example.org/ok", cancelUrl: "https://sett.example.org/no", metadata: { kind: "plan" }, idempotencyKey: "c" });
    assert.ok(checkout.kind === "created", checkout.kind);
    const paid = double.complete(checkout.id);
    assert.ok(paid.kind === "completed");
    const { subscriptionId, invoiceId } = paid;
    assert.equal((await payments.createPortal({ customerId, returnUrl: "https://sett.example.org/plan" })).kind, "created");
    assert.equal((await payments.listSubscriptions(customerId)).length, 1);
    assert.equal((await payments.changePriceNow({ subscriptionId, priceId: "price_pro", idempotencyKey: "d" })).kind, "changed");
    const scheduled = await payments.scheduleChange({ subscriptionId, priceId: "price_basic", interval: "month" });
    assert.ok(scheduled.kind === "scheduled", scheduled.kind);
    assert.equal((await payments.getSchedule(scheduled.schedule.id))?.status, "active");
    assert.equal((await payments.releaseSchedule(scheduled.schedule.id))?.status, "released");
    for (const cancel of [true, false]) assert.equal((await payments.setCancelAtPeriodEnd(subscriptionId, cancel)).kind, "changed");
    double.cancelInPortal(subscriptionId);
    assert.equal((await payments.setCancelAtPeriodEnd(subscriptionId, false)).kind, "changed");
    assert.equal((await payments.listInvoices(customerId, 1)).hasMore, true);
    assert.equal((await payments.listInvoices(customerId, 5, (await payments.listInvoices(customerId, 1)).items[0]?.id)).items[0]?.id, invoiceId);
    assert.equal((await payments.getInvoice(invoiceId))?.status, "paid");
    const trial = double.subscribe({ customerId, priceId: "price_basic", trialDays: 14 });
    assert.equal((await payments.scheduleChange({ subscriptionId: trial.id, priceId: "price_pro", interval: "month" })).kind, "scheduled");
    assert.equal((await payments.cancelNow(subscriptionId))?.status, "canceled");
    await payments.deleteCustomer(customerId);
  });

  await step("every kind of request was made, and none refused", () => {
    assert.deepEqual([...kinds].sort(), KINDS);
    assert.deepEqual(refusals, []);
    assert.ok(opinions >= KINDS.length);
  });
});
