/**
 * Signing in to governance with a browser: a real issuer, a real Chromium. An operator signs in, comes back to where they wanted to go, gives a
 * command line access and takes it away again; a member and a stranger get what is theirs; answers that belong to nobody get nothing.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chromium } from "playwright-core";
import { findOrInstallChromium } from "../support/chromium.mjs";
import { answerAs, startIssuer } from "../support/issuer.mjs";
import { freePort, newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const STATIC_TOKEN = "static-token-of-this-journey";
const COOKIE = "opencrane_oidc";
const AUTH = "/api/v1/auth";
const PEOPLE = {
  keeper: { email: "Keeper@example.org", email_verified: true, name: "The Keeper" },
  member: { email: "member@example.org", email_verified: true, name: "The Member" },
  stranger: { email: "stranger@example.org", email_verified: true, name: "A Stranger" },
  pretender: { email: "keeper@example.org", email_verified: false, name: "A Pretender" },
};

await journey(async ({ step, skip, cleanUp }) => {
  const browserAt = findOrInstallChromium();
  if (browserAt.path === null) return skip("signing in with a browser", browserAt.reason);
  const port = await freePort();
  const callback = `http://127.0.0.1:${port}${AUTH}/callback`;
  const issuer = await startIssuer({ redirectUris: [callback], people: PEOPLE });
  cleanUp(() => issuer.stop());
  const stateDir = newState();
  cleanUp(() => removeState(stateDir));
  const env = { RATE_LIMITS: "off", SETT_VMS: "off", OPENCRANE_API_TOKEN: STATIC_TOKEN, OIDC_ISSUER_URL: issuer.origin, OIDC_CLIENT_ID: issuer.clientId, OIDC_CLIENT_SECRET: issuer.clientSecret, OIDC_ALLOWED_EMAILS: "keeper@example.org" };
  const server = await startServer({ stateDir, port, env });
  cleanUp(() => server.stop());
  const browser = await chromium.launch({ executablePath: browserAt.path, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  cleanUp(() => browser.close());

  /** A browser of somebody's own. */
  const newPerson = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    return { context, page };
  };
  /** Fills in the issuer's form. @param {import("playwright-core").Page} page @param {string} name */
  const signInAs = async (page, name) => {
    await page.waitForURL(`${issuer.origin}/**`);
    await page.fill("input[name=login]", name);
    await page.fill("input[name=password]", "any password");
    await page.click("button[type=submit]");
    await page.waitForURL(`${server.origin}/**`);
  };
  /** What a page of ours reads. @param {import("playwright-core").Page} page @param {string} path @param {string} [method] @returns {Promise<{ status: number, body: any }>} */
  const fromPage = (page, path, method = "GET") =>
    page.evaluate(
      async ([at, how]) => {
        const response = await fetch(String(at), { method: String(how) });
        const text = await response.text();
        return { status: response.status, body: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text };
      },
      [path, method],
    );
  /** @param {string} method @param {string} path @param {{ token?: string, cookie?: string, body?: unknown, accept?: string }} [options] */
  const call = async (method, path, { token, cookie, body, accept } = {}) => {
    const response = await fetch(`${server.origin}${path}`, {
      method,
      redirect: "manual",
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(cookie ? { cookie } : {}), ...(accept ? { accept } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: /** @type {any} */ (text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null) };
  };

  const keeper = await newPerson();
  const CONSOLE_FREE = `${AUTH}/me`;

  await step("an operator signs in and comes back to where they wanted to go", async () => {
    await keeper.page.goto(`${server.origin}${AUTH}/login?returnTo=${encodeURIComponent(`${CONSOLE_FREE}?from=here`)}`);
    await signInAs(keeper.page, "keeper");
    assert.equal(keeper.page.url(), `${server.origin}${CONSOLE_FREE}?from=here`);
    const { body } = await fromPage(keeper.page, `${AUTH}/me`);
    assert.equal(body.mode, "oidc");
    assert.equal(body.authenticated, true);
    assert.equal(body.user.sub, "keeper");
    assert.equal(body.user.email, "keeper@example.org");
    assert.equal(body.user.name, "The Keeper");
    assert.equal(body.user.issuer, issuer.origin);
    assert.equal(body.user.isPlatformOperator, true);
    const cookies = await keeper.context.cookies(server.origin);
    const session = cookies.find(({ name }) => name === COOKIE);
    assert.ok(session?.httpOnly && session.sameSite === "Lax" && session.path === "/", JSON.stringify(cookies));
    assert.ok(!cookies.some(({ name }) => name === `${COOKIE}_login`), "the attempt is forgotten");
    assert.equal((await fromPage(keeper.page, "/api/v1/access-tokens")).status, 200);
  });

  await step("an address to return to never leads away", async () => {
    for (const returnTo of ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"]) {
      const begun = await call("GET", `${AUTH}/login?returnTo=${encodeURIComponent(returnTo)}`);
      assert.equal(begun.status, 302);
      const cookie = String(begun.headers.get("set-cookie")).split(";")[0] ?? "";
      const answer = await answerAs(String(begun.headers.get("location")), "keeper", callback);
      const done = await call("GET", `${AUTH}/callback?${answer.toString()}`, { cookie });
      assert.deepEqual([done.status, done.headers.get("location")], [302, "/"], returnTo);
    }
  });

  await step("a stranger and a pretender are told so and get no session", async () => {
    for (const name of ["stranger", "pretender"]) {
      const { context, page } = await newPerson();
      const answered = page.waitForResponse((response) => response.url().startsWith(callback));
      await page.goto(`${server.origin}${AUTH}/login`);
      await signInAs(page, name);
      assert.equal((await answered).status(), 403, name);
      assert.match(await page.innerText("main"), name === "stranger" ? /nobody has given you access/ : /not verified/);
      assert.ok(!(await context.cookies(server.origin)).some((cookie) => cookie.name === COOKIE));
      await context.close();
    }
  });

  const member = await newPerson();
  await step("a member signs in by the address of their tenant and gets its session, nothing else", async () => {
    const made = await call("POST", "/api/v1/tenants", { token: STATIC_TOKEN, body: { name: "members-den", displayName: "The member's", email: "Member@Example.org" } });
    assert.ok(made.status === 201 || made.status === 200, made.text);
    await member.page.goto(`${server.origin}${AUTH}/login?returnTo=${encodeURIComponent(`${AUTH}/me`)}`);
    await signInAs(member.page, "member");
    const { body } = await fromPage(member.page, `${AUTH}/me`);
    assert.deepEqual([body.authenticated, body.user.isPlatformOperator], [true, false]);
    assert.equal((await fromPage(member.page, "/api/v1/access-tokens")).status, 403);
    for (let tries = 0; ; tries++) {
      const pod = await fromPage(member.page, `${AUTH}/pod-token`, "POST");
      if (pod.status === 409 && pod.body.code === "POD_NOT_READY" && tries < 50) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      assert.equal(pod.status, 200, JSON.stringify(pod.body));
      assert.equal(pod.body.tenant, "members-den");
      assert.equal(pod.body.audience, "tenant-session");
      assert.equal((await call("GET", "/api/v1/access-tokens", { token: pod.body.token })).status, 403);
      break;
    }
    assert.equal((await fromPage(member.page, `${AUTH}/pod-token/cut`, "POST")).body.status, "cut");
  });

  let token = "";
  await step("a command line gets a token when its person says so in the browser, once", async () => {
    const begun = await call("POST", `${AUTH}/device`);
    assert.equal(begun.status, 200, begun.text);
    const { deviceCode, userCode, verificationUri } = begun.body;
    const poll = () => call("GET", `${AUTH}/device/token?deviceCode=${deviceCode}`);
    const first = await poll();
    assert.deepEqual([first.status, first.body], [202, { status: "pending" }]);

    // Somebody who is not signed in yet comes back to the question.
    const fresh = await newPerson();
    await fresh.page.goto(server.origin + verificationUri);
    await signInAs(fresh.page, "keeper");
    assert.equal(fresh.page.url(), server.origin + verificationUri);
    const text = await fresh.page.innerText("main");
    assert.ok(text.includes(userCode) && text.includes("keeper@example.org"), text);
    assert.equal((await poll()).status, 202, "looking is not confirming");
    await fresh.page.click("button");
    await fresh.page.waitForSelector("text=Access given");
    await fresh.context.close();

    const answers = await Promise.all([poll(), poll(), poll(), poll(), poll()]);
    const won = answers.filter(({ status }) => status === 200);
    assert.equal(won.length, 1, JSON.stringify(answers.map(({ status }) => status)));
    token = won[0]?.body.token;
    assert.match(token, /^ocp_[0-9a-f]{48}$/);
    const late = await poll();
    assert.equal(late.status, 410);
    assert.equal(late.body.status, "expired");
    assert.equal(typeof late.body.error, "string");
  });

  await step("a member cannot give a command line access", async () => {
    const { body } = await call("POST", `${AUTH}/device`);
    const shown = await member.page.goto(server.origin + body.verificationUri);
    assert.equal(shown?.status(), 403);
    assert.equal((await call("GET", `${AUTH}/device/token?deviceCode=${body.deviceCode}`)).status, 202);
  });

  await step("the token works until it is revoked", async () => {
    const { status, body } = await call("GET", "/api/v1/access-tokens", { token });
    assert.equal(status, 200);
    const own = body.find((/** @type {{ name: string }} */ { name }) => name.startsWith("cli-device-"));
    assert.equal(own.owner, "keeper");
    assert.equal((await call("DELETE", `/api/v1/access-tokens/${own.id}`, { token: STATIC_TOKEN })).status, 204);
    const refused = await call("GET", "/api/v1/access-tokens", { token });
    assert.deepEqual([refused.status, refused.body.code], [403, "FORBIDDEN"]);
  });

  await step("answers that belong to nobody, to another browser or to another time get nothing", async () => {
    const begin = async () => {
      const begun = await call("GET", `${AUTH}/login`);
      return { url: String(begun.headers.get("location")), cookie: String(begun.headers.get("set-cookie")).split(";")[0] ?? "" };
    };
    const [mine, theirs] = [await begin(), await begin()];
    const answer = await answerAs(mine.url, "keeper", callback);
    const bring = (/** @type {URLSearchParams} */ told, /** @type {string | undefined} */ cookie) => call("GET", `${AUTH}/callback?${told.toString()}`, cookie ? { cookie } : {});
    /** @param {string} name @param {string} value */
    const changed = (name, value) => {
      const copy = new URLSearchParams(answer);
      copy.set(name, value);
      return copy;
    };
    /** @type {[string, Promise<{ status: number, headers: Headers, body: any }>][]} */
    const tries = [
      ["no attempt", bring(answer, undefined)],
      ["another browser's attempt", bring(answer, theirs.cookie)],
      ["a forged attempt", bring(answer, `${COOKIE}_login=v1.k1.AAAA.BBBB`)],
      ["another state", bring(changed("state", "another"), mine.cookie)],
      ["another issuer", bring(changed("iss", "https://evil.example"), mine.cookie)],
      ["a forged code", bring(changed("code", "forged"), mine.cookie)],
      ["nothing", bring(new URLSearchParams(), mine.cookie)],
    ];
    for (const [name, tried] of tries) {
      const { status, body, headers } = await tried;
      assert.deepEqual([name, status, body.code], [name, 400, "MALFORMED_REQUEST"]);
      assert.ok(!String(headers.get("set-cookie")).includes(`${COOKIE}=`), name);
    }
    const no = await bring(new URLSearchParams({ error: "access_denied", error_description: "<script>", state: answer.get("state") ?? "", iss: issuer.origin }), mine.cookie);
    assert.deepEqual([no.status, no.body.code], [403, "FORBIDDEN"]);
    assert.ok(!no.text.includes("<script>"));
    const good = await bring(answer, mine.cookie);
    assert.equal(good.status, 302);
    assert.equal((await bring(answer, mine.cookie)).status, 400, "a second time");
  });

  await step("signing out ends the session here, and its cookie is worth nothing afterwards", async () => {
    const session = (await keeper.context.cookies(server.origin)).find(({ name }) => name === COOKIE);
    await keeper.page.goto(`${server.origin}${AUTH}/me`);
    assert.equal((await fromPage(keeper.page, `${AUTH}/logout`, "POST")).status, 204);
    assert.ok(!(await keeper.context.cookies(server.origin)).some(({ name }) => name === COOKIE));
    const after = await call("GET", "/api/v1/access-tokens", { cookie: `${COOKIE}=${session?.value}` });
    assert.deepEqual([after.status, after.body.code], [401, "UNAUTHORIZED"]);
  });

  await step("trouble of the issuer is told as such, and the log holds no secret", async () => {
    await issuer.stop();
    const begun = await call("GET", `${AUTH}/login`);
    if (begun.status === 302) {
      const cookie = String(begun.headers.get("set-cookie")).split(";")[0] ?? "";
      const state = new URL(String(begun.headers.get("location"))).searchParams.get("state") ?? "";
      const failed = await call("GET", `${AUTH}/callback?${new URLSearchParams({ code: "c", state, iss: issuer.origin }).toString()}`, { cookie });
      assert.deepEqual([failed.status, failed.body.code], [502, "UPSTREAM_ERROR"]);
      const page = await call("GET", `${AUTH}/callback?${new URLSearchParams({ code: "c", state, iss: issuer.origin }).toString()}`, { cookie, accept: "text/html" });
      assert.deepEqual([page.status, page.headers.get("content-type")], [502, "text/html; charset=utf-8"]);
    } else assert.equal(begun.status, 502);
    for (const secret of [token, issuer.clientSecret, STATIC_TOKEN]) assert.ok(!server.output().includes(secret), createHash("sha256").update(secret).digest("hex"));
  });
});
