/**
 * Bots in the console, in a browser: what a server without a homeserver says, then a bot's whole life beside one (a double): created,
 * paired with a scripted machine, live with its beat, degraded and back, repaired, in a room, shared, renamed, deleted.
 */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { createHomeserverDouble } from "../support/homeserver/double.mjs";
import { serveHomeserver } from "../support/homeserver/serve.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const PASSWORD = "correct horse battery staple";
const MACHINE = "openclaw-console-bots-den";

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("bots in a browser", browserAt.reason);
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const home = await serveHomeserver(createHomeserverDouble());
  cleanUp(() => home.stop());
  let server = await startServer({ stateDir, env: { RATE_LIMITS: "off" } });
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
  /** @param {string} username */
  const signUp = async (username) => {
    const email = `${username}@example.org`;
    await call("POST", "/api/v1/user/signup", { body: { name: `The ${username}`, email, username, password: PASSWORD } });
    const mails = await (await fetch(`${server.origin}/dev/mailbox?to=${email}`, { headers: { accept: "application/json" } })).json();
    await call("POST", "/api/v1/user/signup/verify", { body: { email, code: /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "" } });
    const login = await call("POST", "/api/v1/user/login", { body: { username: email, password: PASSWORD } });
    return { email, token: /** @type {string} */ (login.access_token), mxid: /** @type {string} */ (login.user_profile.matrix_id) };
  };
  /** @param {import("playwright-core").Page} on @param {string} email */
  const logIn = async (on, email) => {
    await on.goto(`${server.origin}/login`);
    await on.locator("[name=username]").fill(email);
    await on.locator("[name=password]").fill(PASSWORD);
    await on.locator("[type=submit]").click();
    await on.waitForURL(/\/fleet/);
  };
  /** @param {string} name */
  const fillNewBot = async (name) => {
    await page.locator("[data-testid=create-bot]").click();
    await page.locator("[data-testid=create-bot-form] [name=bot_name]").fill(name);
    await page.locator("[data-testid=username-state][data-state=free]").waitFor();
  };
  const submitNewBot = () => page.locator("[data-testid=create-bot-form] [type=submit]").click();
  /** @param {string} phase */
  const untilPhase = (phase) => page.locator(`[data-testid=bot-detail][data-phase=${phase}]`).waitFor();

  const ada = await signUp("adabots");
  const bob = await signUp("bobbots");

  await step("without a homeserver the page says in words what is missing, and nothing is made", async () => {
    await logIn(page, ada.email);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Bots" }).click();
    await page.getByRole("heading", { name: "Create your first bot" }).waitFor();
    await fillNewBot("Fox");
    await submitNewBot();
    await page.locator("[role=dialog] [role=alert]", { hasText: "MATRIX_BASE_URL" }).waitFor();
    assert.deepEqual(await call("GET", "/api/v1/bots", { token: ada.token }), []);
  });

  await step("with a homeserver a bot is created; its token shows only when asked for", async () => {
    const { port } = server;
    await server.stop();
    const matrix = { MATRIX_BASE_URL: home.baseUrl, MATRIX_SERVER_NAME: home.serverName, MATRIX_AS_TOKEN: home.asToken, MATRIX_ADMIN_TOKEN: home.adminToken, MATRIX_REGISTRATION_SECRET: home.registrationSecret };
    server = await startServer({ stateDir, port, env: { RATE_LIMITS: "off", ...matrix } });
    await page.goto(`${server.origin}/bots`);
    await fillNewBot("Fox");
    await page.locator("[data-testid=username-state]", { hasText: `@fox_bot:${home.serverName}` }).waitFor();
    await submitNewBot();
    const created = page.locator("[data-testid=bot-created]");
    await created.waitFor();
    const { sealed } = await page.evaluate(() => ({ sealed: document.body.innerText }));
    await created.locator("summary").click();
    await created.getByRole("button", { name: "Show the access token" }).click();
    const token = await created.locator("[data-testid=secret]").innerText();
    assert.ok(token.length > 8 && !sealed.includes(token));
  });

  await call("POST", "/api/v1/openclaw/register", { token: ada.token, body: { instance_id: MACHINE, label: "den", version: "1.0.0" } });
  /** @param {Record<string, unknown>[]} bots */
  const beat = (bots) =>
    call("POST", "/api/v1/dashboard/heartbeat", { token: ada.token, body: { instance_id: MACHINE, hostname: "den.local", gateway_status: "running", gateway_pid: 42, bots } });
  /** @param {Record<string, unknown>} [change] */
  const signs = (change = {}) => ({ bot_id: botId, status: "running", activity_state: "idle", messages_received: 3, messages_sent: 4, errors: 0, uptime_seconds: 5, rooms_active: 1, ...change });
  let botId = "";

  await step("it leads into pairing: a machine redeems the code, and the dialog turns into connected by itself", async () => {
    await page.locator("[data-testid=pair-now]").click();
    await page.waitForURL(/\/bots\/.+pair=1/);
    botId = /\/bots\/([^?]+)/.exec(page.url())?.[1] ?? "";
    await page.locator("[data-testid=pair-form] select").selectOption({ label: "den (offline)" });
    await page.locator("[data-testid=pair-form] [type=submit]").click();
    const code = await page.locator("[data-testid=pair-code]").innerText();
    assert.match(code, /^BCK-[A-Z2-9]{4}-[A-Z2-9]{4}$/);
    await untilPhase("pending");
    await call("POST", "/api/v1/pairing/redeem", { body: { code, instance_id: MACHINE } });
    await page.locator("[data-testid=pair-progress][data-step=taken]").waitFor();
    await beat([signs()]);
    await page.locator("[data-testid=pair-progress][data-step=live]").waitFor();
    await page.getByRole("button", { name: "Done" }).click();
    await untilPhase("live");
    await page.locator("[data-testid=health]", { hasText: "100" }).waitFor();
  });

  await step("what the machine tells shows at once: an error, and its end", async () => {
    await beat([signs({ status: "error", errors: 2, last_error: "it tripped", last_error_at: new Date().toISOString() })]);
    await untilPhase("degraded");
    await page.getByText("it tripped").waitFor();
    await beat([signs()]);
    await untilPhase("live");
  });

  await step("a degraded bot is repaired from the page: its machine is told, and it is live again", async () => {
    await beat([signs({ status: "error", errors: 3, last_error: "it tripped again", last_error_at: new Date().toISOString() })]);
    await page.locator("[data-testid=repair]").click();
    await untilPhase("repairing");
    const { pending_commands: commands } = await beat([signs({ status: "error", errors: 3 })]);
    const refresh = commands.find((/** @type {{ command_type: string }} */ command) => command.command_type === "bot_refresh");
    assert.equal(refresh?.payload.bot_id, botId);
    await beat([signs()]);
    await untilPhase("live");
  });

  await step("its machine's page and the list show it too", async () => {
    await page.goto(`${server.origin}/fleet/${MACHINE}`);
    await page.locator("[data-testid=machine-bots]").getByRole("link", { name: "Fox" }).waitFor();
    await page.goto(`${server.origin}/bots`);
    await page.locator(`[data-testid=bot-row][data-bot-id="${botId}"][data-phase=live]`, { hasText: "den" }).waitFor();
    await page.getByRole("link", { name: "Fox" }).click();
    await untilPhase("live");
  });

  await step("it is put into a room, told when to answer there, and taken out", async () => {
    const made = await fetch(`${home.baseUrl}/_matrix/client/v3/createRoom`, { method: "POST", headers: { authorization: `Bearer ${home.adminToken}` }, body: JSON.stringify({ preset: "public_chat", name: "Lounge" }) });
    const { room_id: roomId } = /** @type {{ room_id: string }} */ (await made.json());
    const form = page.locator("[data-testid=add-room]");
    await form.locator("[name=room_id]").fill("#lounge:here");
    await form.locator("[type=submit]").click();
    await form.locator("[role=alert]").waitFor();
    await form.locator("[name=room_id]").fill(roomId);
    await form.locator("[type=submit]").click();
    const row = page.locator("[data-testid=bot-rooms] li", { hasText: roomId });
    const changed = page.waitForResponse((response) => response.url().endsWith("/mode") && response.ok());
    await row.locator("select").selectOption("mention");
    await changed;
    assert.equal((await call("GET", `/api/v1/bots/${botId}/rooms`, { token: ada.token }))[0].mode, "mention");
    await row.getByRole("button", { name: /Remove/ }).click();
    await page.locator("[role=dialog]").getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });
  });

  await step("it is shared with somebody, who sees it and leaves", async () => {
    const form = page.locator("[data-testid=share-form]");
    await form.locator("[name=shared_with_user_id]").fill("@nobody:elsewhere");
    await form.locator("[type=submit]").click();
    await form.locator("[role=alert]").waitFor();
    await form.locator("[name=shared_with_user_id]").fill(bob.mxid);
    await form.locator("[type=submit]").click();
    await page.locator("[data-testid=shares]", { hasText: bob.mxid }).waitFor();
    const other = await browser.newContext();
    cleanUp(() => other.close());
    const theirs = await other.newPage();
    await logIn(theirs, bob.email);
    await theirs.goto(`${server.origin}/bots`);
    await theirs.locator("[data-testid=shared-bots]", { hasText: "Fox" }).getByRole("button", { name: "Leave Fox" }).click();
    await theirs.locator("[role=dialog]").getByRole("button", { name: "Leave" }).click();
    await theirs.locator("[data-testid=shared-bots]").waitFor({ state: "detached" });
    assert.deepEqual(await call("GET", `/api/v1/bots/${botId}/shares`, { token: ada.token }), []);
  });

  await step("it is renamed, and deleted once its name is typed", async () => {
    const more = page.getByRole("button", { name: "More for Fox" });
    await more.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.locator("[role=dialog] [name=bot_name]").waitFor();
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "More for Fox");
    // The dialog that goes takes a menu with it that opens in the same moment.
    const rename = page.getByRole("menuitem", { name: "Rename" });
    const name = page.locator("[role=dialog] [name=bot_name]");
    for (let tries = 0; tries < 6 && !(await name.isVisible()); tries++) {
      await page.waitForTimeout(700);
      if (!(await rename.isVisible())) await more.click();
      await rename.click({ timeout: 2_000 }).catch(() => undefined);
      await name.waitFor({ timeout: 2_000 }).catch(() => undefined);
    }
    await name.fill("Vixen");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("heading", { name: "Vixen", level: 1 }).waitFor();
    await page.getByRole("button", { name: "More for Vixen" }).click();
    await page.getByRole("menuitem", { name: "Delete bot" }).click();
    const sure = page.locator("[data-testid=delete-bot-form]");
    assert.ok(await sure.locator("[type=submit]").isDisabled());
    await sure.locator("[name=confirm]").fill("Vixen");
    await sure.locator("[type=submit]").click();
    await page.getByRole("heading", { name: "Create your first bot" }).waitFor();
    assert.deepEqual(await call("GET", "/api/v1/bots", { token: ada.token }), []);
  });

  await step("the pages fit a phone, and nothing broke on the way", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator("[data-testid=create-bot]").waitFor();
    assert.ok((await page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.querySelector("header")?.scrollWidth ?? 0))) <= 360, "no sideways scrolling");
    assert.deepEqual(faults, []);
  });
});
