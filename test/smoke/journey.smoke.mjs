/**
 * The main job as a new user would try it: sign up in a browser, log the command line in, join a real machine, restart a real
 * process from the page, lose the machine in three ways and get it back. Times are printed beside their bars, never asserted.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { Computer } from "../support/daemon.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const WATCHED = `demo='${process.execPath}' '${fileURLToPath(new URL("../support/watched-process.mjs", import.meta.url))}'`;
const PERSON = { name: "Ada Badger", email: "ada@example.org", username: "adabadger", password: "correct horse battery" };

/** @param {number} pid */
const isAlive = (pid) => existsSync(`/proc/${pid}`) || process.platform !== "linux";
/** @param {string} what @param {number} since @param {string} bar */
const tellTime = (what, since, bar) => process.stdout.write(`   ${what}: ${((Date.now() - since) / 1000).toFixed(1)} s (bar ${bar})\n`);

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("journey in a browser", browserAt.reason);
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  let server = await startServer({ stateDir, env: { RATE_LIMITS: "off" } });
  cleanUp(() => server.kill());
  const browser = await chromium.launch({ executablePath: browserAt.path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  cleanUp(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  /** @type {string[]} */
  const strangers = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.origin) && /^(https?|wss?):/.test(request.url())) strangers.push(request.url());
  });

  await step("a person signs up, reads the code in the mailbox and is in", async () => {
    await page.goto(`${server.origin}/signup`);
    for (const [field, value] of Object.entries(PERSON)) await page.locator(`[data-testid=signup-form] [name=${field}]`).fill(value);
    await page.locator("[data-testid=signup-form] [type=submit]").click();
    await page.waitForURL(/\/verify/);
    const mails = /** @type {{ text: string }[]} */ (await (await fetch(`${server.origin}/dev/mailbox?to=${PERSON.email}`, { headers: { accept: "application/json" } })).json());
    const code = /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0] ?? "";
    await page.locator("[data-testid=verify-form] [name=code]").fill(code);
    await page.locator("[data-testid=verify-form] [type=submit]").click().catch(() => undefined);
    await page.locator("[data-testid=fleet-page][data-live=live]").waitFor();
  });

  const den = new Computer("den", server.origin);
  cleanUp(() => den.leave());
  await step("sett login opens a page, the person approves it there", async () => {
    const login = den.sett(["login", "--no-browser", "--json"]);
    const { auth_url: url } = await login.until("auth_url");
    const approval = await context.newPage();
    await approval.goto(url);
    await approval.locator("[data-testid=cli-approve]").click();
    await approval.locator("[data-testid=cli-done]").waitFor();
    assert.equal(await login.exited, 0, login.text());
    await approval.close();
  });

  await step("the mailbox page shows the code and the notice of the new token", async () => {
    const mailbox = await context.newPage();
    await mailbox.goto(`${server.origin}/dev/mailbox`);
    await mailbox.locator("[data-testid=mail-code]").first().waitFor();
    await mailbox.locator("[data-testid=mail]", { hasText: /new (command-line|CLI) token/i }).first().waitFor();
    await mailbox.close();
  });

  await step("the API reference draws itself from our own documents", async () => {
    const reference = await context.newPage();
    await reference.goto(`${server.origin}/docs/`);
    await reference.getByText("Sett fleet API").first().waitFor();
    await reference.goto(`${server.origin}/docs/?api=governance`);
    await reference.getByText("Sett governance API").first().waitFor();
    await reference.close();
  });

  /** @param {Computer} computer */
  const card = (computer) => page.locator(`[data-testid=machine-card][data-instance-id="${computer.instanceId}"]`);
  /** @param {Computer} computer @param {string} status @param {number} [limitMs] */
  const untilStatus = (computer, status, limitMs = 20_000) => page.locator(`[data-testid=machine-card][data-instance-id="${computer.instanceId}"][data-status="${status}"]`).waitFor({ timeout: limitMs });

  let daemon = den.sett(["up", "--json", "--no-openclaw", "--name", "den", "--watch", WATCHED]);
  let pid = 0;
  await step("sett up brings the machine onto the live page", async () => {
    const registered = await daemon.until("registered");
    await untilStatus(den, "online");
    tellTime("machine on the page after registering", Date.parse(registered["at"]), "2 s");
    pid = Number(await card(den).getAttribute("data-gateway-pid"));
    assert.ok(pid > 0 && isAlive(pid), `gateway pid ${pid}`);
  });

  await step("pressing restart restarts the process, and the page shows it", async () => {
    const pressedAt = Date.now();
    await card(den).locator("[data-testid=restart-gateway]").click();
    await page.waitForFunction(([id, old]) => {
      const now = document.querySelector(`[data-testid=machine-card][data-instance-id="${id}"]`)?.getAttribute("data-gateway-pid");
      return now && now !== old;
    }, [den.instanceId, String(pid)]);
    tellTime("process restarted and shown", pressedAt, "none");
    const next = Number(await card(den).getAttribute("data-gateway-pid"));
    assert.ok(isAlive(next) && !existsSync(`/proc/${pid}`), `${pid} → ${next}`);
    pid = next;
    const result = await daemon.until("result");
    assert.equal(result.status, "success", JSON.stringify(result));
  });

  await step("the command line shows the same fleet", async () => {
    const status = await den.run(["machines", "--json"]);
    assert.equal(status.code, 0, status.text);
    assert.match(status.text, new RegExp(den.instanceId));
    const doctor = await den.run(["doctor"]);
    assert.equal(doctor.code, 0, doctor.text);
  });

  await step("a SIGKILL of the daemon is seen: link down, then offline", async () => {
    const killedAt = Date.now();
    await daemon.kill("SIGKILL");
    await untilStatus(den, "link-down");
    tellTime("link seen down", killedAt, "2 s");
    await untilStatus(den, "offline", 60_000);
    tellTime("offline over the socket", killedAt, "15 s");
  });

  await step("started again it is back, with the process it had, not a second one", async () => {
    daemon = den.sett(["up", "--json", "--no-openclaw", "--name", "den", "--watch", WATCHED]);
    await untilStatus(den, "online");
    assert.equal(Number(await card(den).getAttribute("data-gateway-pid")), pid);
  });

  await step("a command outlives a SIGKILL of server and daemon, and runs once", async () => {
    const token = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    const accessToken = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(token)?.[0] ?? "";
    await daemon.kill("SIGKILL");
    const post = () =>
      fetch(`${server.origin}/api/v1/dashboard/gateway/restart`, { method: "POST", headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" }, body: JSON.stringify({ instance_id: den.instanceId }) });
    const answer = await post();
    assert.equal(answer.status, 200);
    const { commandId } = /** @type {{ commandId: string }} */ (await answer.json());
    const { port } = server;
    await server.kill();
    server = await startServer({ stateDir, port, env: { RATE_LIMITS: "off" } });
    daemon = den.sett(["up", "--json", "--no-openclaw", "--name", "den", "--watch", WATCHED]);
    const result = await daemon.until("result", (e) => e["id"] === commandId);
    assert.equal(result.status, "success", JSON.stringify(result));
    await untilStatus(den, "online", 60_000);
    assert.equal(daemon.events.filter((e) => e.event === "command" && e["id"] === commandId).length, 1);
    const commands = /** @type {{ id: string, status: string }[]} */ (
      await (await fetch(`${server.origin}/api/v1/dashboard/commands/${den.instanceId}`, { headers: { authorization: `Bearer ${accessToken}` } })).json()
    );
    assert.equal(commands.find((c) => c.id === commandId)?.status, "success");
  });

  await step("the daemon outlives a SIGKILL of the server alone", async () => {
    const { port } = server;
    await server.kill();
    await daemon.until("unlinked");
    const links = daemon.events.filter((e) => e.event === "linked").length;
    server = await startServer({ stateDir, port, env: { RATE_LIMITS: "off" } });
    await daemon.until("linked", () => daemon.events.filter((e) => e.event === "linked").length > links, 60_000);
    await page.locator("[data-testid=fleet-page][data-live=live]").waitFor({ timeout: 60_000 });
    await untilStatus(den, "online", 60_000);
  });

  await step("SIGTERM says goodbye: offline at once, nothing left running", async () => {
    const askedAt = Date.now();
    assert.equal(await daemon.kill("SIGTERM"), 0, daemon.text());
    await untilStatus(den, "offline").catch(async (error) => {
      process.stderr.write(`${daemon.text()}\n${await page.locator("[data-testid=fleet-page]").getAttribute("data-live")}\n`);
      throw error;
    });
    tellTime("offline after goodbye", askedAt, "at once");
    assert.equal(existsSync(`/proc/${(await daemon.until("process", (e) => e["pid"] !== null)).pid}`), false);
  });

  await step("over SSE and over beats alone a SIGKILL is seen too", async () => {
    const others = [new Computer("stream", server.origin), new Computer("beats", server.origin)];
    const bars = ["30 s", "90 s"];
    await Promise.all(
      others.map(async (computer, index) => {
        cleanUp(() => computer.leave());
        const login = computer.sett(["login", "--no-browser", "--json"]);
        const { auth_url: url } = await login.until("auth_url");
        const approval = await context.newPage();
        await approval.goto(url);
        await approval.locator("[data-testid=cli-approve]").click();
        assert.equal(await login.exited, 0, login.text());
        await approval.close();
        const run = computer.sett(["up", "--json", "--no-openclaw", "--name", computer.name, "--transport", index === 0 ? "sse" : "beats", "--watch", WATCHED]);
        await untilStatus(computer, "online", 30_000);
        const killedAt = Date.now();
        await run.kill("SIGKILL");
        await untilStatus(computer, "offline", 120_000);
        tellTime(`offline over ${computer.name === "stream" ? "SSE" : "beats alone"}`, killedAt, bars[index] ?? "");
      }),
    );
  });

  await step("the page fits a phone, and asked nobody but us", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await card(den).waitFor();
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "no sideways scrolling");
    assert.deepEqual(strangers, []);
  });
});
