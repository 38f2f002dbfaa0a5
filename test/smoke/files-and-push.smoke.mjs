/** Files over signed addresses and push over a gateway: a real server, a real file, and a gateway that answers as Sygnal does. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer, request as httpRequest } from "node:http";
import { startS3 } from "../support/s3-double.mjs";
import { newState, removeState, startServer } from "../support/server.mjs";
import { journey } from "../support/smoke.mjs";

const stateDir = newState();
const ADMIN = { email: "keeper@sett.localhost", password: "Badger-sett-2026" };
const MAX_BYTES = 10 * 1024 * 1024;
const PNG_HEAD = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const NOTIFY = "/_matrix/push/v1/notify";

/** How the gateway behaves now. @type {"deliver" | "reject" | "bad request" | "bad gateway" | "slow"} */
let mood = "deliver";
/** Every notification as it came. @type {{ body: string, type: string | undefined }[]} */
const notified = [];

const gateway = createServer(async (request, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.url === "/health") return void response.writeHead(mood === "bad gateway" ? 502 : 200).end();
  if (request.method !== "POST" || request.url !== NOTIFY) return void response.writeHead(404).end();
  const body = Buffer.concat(chunks).toString();
  notified.push({ body, type: request.headers["content-type"] });
  if (mood === "slow") return;
  if (mood === "bad gateway") return void response.writeHead(502).end();
  if (mood === "bad request") return void response.writeHead(400, { "content-type": "text/plain; charset=utf-8" }).end("Expected JSON request body");
  /** @type {{ pushkey: string }[]} */
  const devices = JSON.parse(body).notification.devices;
  const rejected = mood === "reject" ? devices.map(({ pushkey }) => pushkey) : [];
  response.writeHead(200, { "content-type": "application/json" }).end(` ${JSON.stringify({ rejected })}\n`);
});
await new Promise((resolve) => gateway.listen(0, "127.0.0.1", () => resolve(undefined)));
const address = gateway.address();
const gatewayOrigin = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;

await journey(async ({ step, cleanUp }) => {
  cleanUp(() => removeState(stateDir));
  cleanUp(() => gateway.closeAllConnections());
  let server = await startServer({ stateDir, env: { SETT_ADMIN_EMAIL: ADMIN.email, SETT_ADMIN_PASSWORD: ADMIN.password, RATE_LIMITS: "off", PUSH_GATEWAY_URL: gatewayOrigin } });
  cleanUp(() => server.kill());

  /** @param {string} method @param {string} path @param {{ token?: string, body?: unknown }} [options] @returns {Promise<{ status: number, body: any }>} */
  async function api(method, path, { token, body } = {}) {
    const response = await fetch(`${server.origin}${path}`, {
      method,
      headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  /** @param {string} username @param {string} password */
  async function logIn(username, password) {
    const { status, body } = await api("POST", "/api/v1/user/login", { body: { username, password } });
    assert.equal(status, 200, JSON.stringify(body));
    return { token: String(body.access_token), id: Number(body.user_profile.id) };
  }

  /** @param {string} username */
  async function signUp(username) {
    const person = { username, email: `${username}@example.org`, password: "Correct-horse-7", name: "Ada" };
    assert.equal((await api("POST", "/api/v1/user/signup", { body: person })).status, 200);
    let code;
    for (let tries = 0; !code && tries < 100; tries++) {
      const { body: mails } = await api("GET", `/dev/mailbox?to=${encodeURIComponent(person.email)}`);
      code = /\b\d{6}\b/.exec(mails[0]?.text ?? "")?.[0];
      if (!code) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await api("POST", "/api/v1/user/signup/verify", { body: { email: person.email, code } })).status, 200);
    return logIn(person.email, person.password);
  }

  const admin = await logIn(ADMIN.email, ADMIN.password);
  const ada = await signUp(`ada${randomBytes(4).toString("hex")}`);
  const bob = await signUp(`bob${randomBytes(4).toString("hex")}`);

  /** @param {string} filename */
  const uploadUrl = async (filename) => {
    const { status, body } = await api("GET", `/api/v1/upload-url?filename=${encodeURIComponent(filename)}`, { token: ada.token });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  /** @param {string} url @param {Uint8Array<ArrayBuffer>} bytes @param {string} [type] */
  const put = (url, bytes, type = "image/png") => fetch(url, { method: "PUT", body: bytes, headers: { "content-type": type } });
  /** @param {Response} response @param {number} status @param {string} code */
  const refused = async (response, status, code) => assert.deepEqual([response.status, /** @type {any} */ (await response.json()).code], [status, code]);
  /** @param {string} url @param {number} [expiration] */
  const read = async (url, expiration) => (await api("POST", "/api/v1/admin/verification-document-url", { token: admin.token, body: { document_url: url, expiration } })).body;
  /** @param {number} size */
  const png = (size) => new Uint8Array(Buffer.concat([PNG_HEAD, randomBytes(size - PNG_HEAD.length)]));

  let fileUrl = "";
  await step("a file of the largest size goes up and comes back the same", async () => {
    const photo = png(MAX_BYTES);
    const urls = await uploadUrl("my passport.png");
    fileUrl = urls.file_url;
    assert.equal(urls.max_bytes, MAX_BYTES);
    const stored = await put(urls.upload_url, photo);
    assert.equal(stored.status, 200, await stored.clone().text());
    const { presigned_url: url } = await read(fileUrl, 60);
    const back = await fetch(url);
    assert.equal(back.status, 200);
    assert.match(back.headers.get("content-disposition") ?? "", /^attachment/);
    assert.equal(back.headers.get("x-content-type-options"), "nosniff");
    assert.match(back.headers.get("content-security-policy") ?? "", /sandbox/);
    assert.equal(back.headers.get("content-length"), String(MAX_BYTES));
    const digest = (/** @type {Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(digest(new Uint8Array(await back.arrayBuffer())), digest(photo));
  });

  await step("an upload is held to its size, type and first bytes", async () => {
    const { upload_url: url, file_url: unused } = await uploadUrl("second.png");
    await refused(await put(url, png(MAX_BYTES + 1)), 413, "payload_too_large");
    await refused(await put(url, png(100), "image/jpeg"), 415, "unsupported_media_type");
    await refused(await put(url, new Uint8Array(Buffer.from("<html><script>alert(1)</script>"))), 415, "unsupported_media_type");
    const streamed = new ReadableStream({ start: (controller) => (controller.enqueue(png(100)), controller.close()) });
    await refused(await fetch(url, /** @type {RequestInit} */ ({ method: "PUT", body: streamed, headers: { "content-type": "image/png" }, duplex: "half" })), 411, "length_required");
    await refused(await fetch((await read(unused)).presigned_url), 404, "not_found");
    assert.equal((await api("GET", "/api/v1/upload-url?filename=run.exe", { token: ada.token })).status, 422);
  });

  await step("an upload that breaks off leaves nothing", async () => {
    const { upload_url: url, file_url: unused } = await uploadUrl("third.png");
    await new Promise((resolve) => {
      const half = httpRequest(url, { method: "PUT", headers: { "content-type": "image/png", "content-length": "1000000" } });
      half.on("error", () => resolve(undefined));
      half.write(png(500_000), () => setTimeout(() => half.destroy(new Error("gone")), 200));
    });
    await refused(await fetch((await read(unused)).presigned_url), 404, "not_found");
    assert.equal((await put(url, png(1_000))).status, 200);
  });

  await step("addresses that were changed or are over open nothing", async () => {
    const { upload_url: url } = await uploadUrl("fourth.png");
    for (const [name, value] of [["sig", "k1.AAAA"], ["exp", "9999999999"], ["max", "1"], ["type", "image/jpeg"]]) {
      const changed = new URL(url);
      changed.searchParams.set(String(name), String(value));
      await refused(await put(changed.href, png(100)), 403, "signed_url_invalid");
    }
    await refused(await put(url.replace(`/verifications/${ada.id}/`, `/verifications/${bob.id}/`), png(100)), 403, "signed_url_invalid");
    await refused(await fetch((await read(fileUrl)).presigned_url, { method: "DELETE" }), 403, "signed_url_invalid");
    assert.equal((await api("POST", "/api/v1/admin/verification-document-url", { token: admin.token, body: { document_url: fileUrl, expiration: 59 } })).status, 422);
  });

  await step("only its owner removes a file, as often as wished", async () => {
    assert.equal((await api("POST", "/api/v1/upload/delete-presigned-url", { token: bob.token, body: { file_url: fileUrl } })).status, 404);
    const { status, body } = await api("POST", "/api/v1/upload/delete-presigned-url", { token: ada.token, body: { file_url: fileUrl } });
    assert.equal(status, 200);
    for (let n = 0; n < 2; n++) assert.equal((await fetch(body.delete_url, { method: "DELETE" })).status, 204);
    await refused(await fetch((await read(fileUrl)).presigned_url), 404, "not_found");
    assert.equal((await put(body.upload_url, png(1_000))).status, 200);
  });

  /** @param {string} token @param {string} deviceToken */
  const register = async (token, deviceToken) => (await api("POST", "/api/v1/push/register", { token, body: { device_token: deviceToken, platform: "ios" } })).body.device_token_id;
  /** @param {string} token @returns {Promise<{ id: number, is_active: boolean }[]>} */
  const devices = async (token) => (await api("GET", "/api/v1/push/devices", { token })).body;
  const trial = async () => (await api("POST", `/api/v1/admin/notifications/test/${ada.id}`, { token: admin.token })).body;
  const history = async () => (await api("GET", "/api/v1/notifications/history?limit=1", { token: ada.token })).body.notifications[0];
  /** @param {string} body */
  const notify = async (body) => {
    const response = await fetch(`${server.origin}${NOTIFY}`, { method: "POST", body, headers: { "content-type": "application/json" } });
    return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
  };
  const PUSHKEY = randomBytes(32).toString("base64");
  /** @param {string} pushkey @param {string} [app] */
  const event = (pushkey, app = "com.signout.appios") => `{ "notification" : {"event_id":"$e","devices":[{"app_id":"${app}","pushkey":"${pushkey}","data":{}}],"x":"ä\\u00e4"} }`;

  await step("a trial reaches every active device", async () => {
    assert.equal((await trial()).success, false);
    await register(ada.token, PUSHKEY);
    notified.length = 0;
    const answer = await trial();
    assert.deepEqual([answer.success, answer.result.sent], [true, 1], JSON.stringify(answer));
    const { notification } = JSON.parse(String(notified[0]?.body));
    assert.deepEqual([notified.length, notification.event_id, notification.prio, notification.devices[0].app_id, notification.devices[0].pushkey], [1, "$test", "high", "com.signout.appios", PUSHKEY]);
    assert.deepEqual([(await history()).status, (await history()).event_id], ["sent", "$test"]);
  });

  await step("a homeserver's notification goes through byte for byte, and so does the answer", async () => {
    notified.length = 0;
    assert.deepEqual(await notify(event(PUSHKEY)), { status: 200, text: ' {"rejected":[]}\n', type: "application/json" });
    assert.deepEqual(notified, [{ body: event(PUSHKEY), type: "application/json" }]);
    mood = "bad request";
    assert.deepEqual(await notify("{broken"), { status: 400, text: "Expected JSON request body", type: "text/plain; charset=utf-8" });
    assert.equal(notified[1]?.body, "{broken");
    assert.equal((await notify("x".repeat(512 * 1024 + 1))).status, 413);
    assert.equal(notified.length, 2);
  });

  await step("a gateway that fails is no business of the devices", async () => {
    mood = "bad gateway";
    assert.deepEqual(await notify(event(PUSHKEY)), { status: 502, text: "", type: null });
    assert.equal((await trial()).success, false);
    assert.deepEqual([(await history()).status, (await history()).reason], ["not_sent", "gateway_refused"]);
    assert.equal((await api("GET", "/health/push")).body.status, "unhealthy");
    assert.equal((await api("GET", "/_matrix/push/v1/health")).status, 503);
    assert.deepEqual((await devices(ada.token)).map((device) => device.is_active), [true]);
  });

  await step("a gateway that is slow is given up on", async () => {
    mood = "slow";
    const startedAt = Date.now();
    const [passed, tried] = await Promise.all([notify(event(PUSHKEY)), trial()]);
    assert.equal(passed.status, 502);
    assert.equal(JSON.parse(passed.text).code, "bad_gateway");
    assert.equal(tried.success, false);
    assert.equal((await history()).reason, "gateway_unreachable");
    assert.ok(Date.now() - startedAt < 20_000);
  });

  await step("a key that the gateway rejects is a dead device, for its own app only", async () => {
    mood = "reject";
    assert.equal((await api("GET", "/health/push")).body.status, "healthy");
    assert.equal((await notify(event(PUSHKEY, "org.example.other"))).text, ` {"rejected":["${PUSHKEY}"]}\n`);
    assert.deepEqual((await devices(ada.token)).map((device) => device.is_active), [true]);
    assert.equal((await notify(event(PUSHKEY))).status, 200);
    assert.deepEqual((await devices(ada.token)).map((device) => device.is_active), [false]);

    const hex = randomBytes(32).toString("hex");
    await register(ada.token, hex);
    assert.equal((await notify(event(Buffer.from(hex, "hex").toString("base64")))).status, 200);
    await register(ada.token, PUSHKEY);
    const answer = await trial();
    assert.deepEqual([answer.success, answer.result.rejected, answer.result.sent], [false, 1, 0], JSON.stringify(answer));
    assert.equal((await history()).status, "rejected");
    assert.deepEqual((await devices(ada.token)).map((device) => device.is_active), [false, false]);
  });

  await step("a gateway that is gone is a 502, never a 200", async () => {
    gateway.closeAllConnections();
    await new Promise((resolve) => gateway.close(resolve));
    const { status, text } = await notify(event(PUSHKEY));
    assert.deepEqual([status, JSON.parse(text).code], [502, "bad_gateway"]);
    await register(ada.token, PUSHKEY);
    const answer = await trial();
    assert.deepEqual([answer.success, answer.result.not_sent], [false, 1]);
    assert.deepEqual((await api("GET", "/health/push")).body.sygnal_accessible, false);
  });

  const SECRET = "kept/by+the=store";
  const s3 = await startS3({ bucket: "papers", secret: SECRET });
  cleanUp(() => s3.close());
  await step("the server starts anew with an S3 store", async () => {
    assert.equal(await server.stop(), 0);
    server = await startServer({ stateDir, env: { RATE_LIMITS: "off", S3_ENDPOINT: s3.origin, S3_BUCKET: "papers", S3_ACCESS_KEY_ID: "key-id", S3_SECRET_ACCESS_KEY: SECRET } });
  });
  /** @param {string} url */
  const keyOf = (url) => decodeURIComponent(new URL(url).pathname.slice("/papers/".length));
  /** @param {Uint8Array} bytes */
  const digestOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

  await step("a file of known size goes straight to the store, and no other does", async () => {
    const photo = png(20_000);
    const { body } = await api("GET", `/api/v1/upload-url?filename=a%20b.png&size_bytes=${photo.length}`, { token: ada.token });
    assert.ok(body.upload_url.startsWith(`${s3.origin}/papers/verifications/${ada.id}/`), body.upload_url);
    assert.equal((await put(body.upload_url, png(20_001))).status, 403);
    assert.equal((await put(body.upload_url, photo, "text/html")).status, 403);
    assert.equal(s3.files.size, 0);
    assert.equal((await put(body.upload_url, photo)).status, 200);
    const back = await fetch((await read(body.file_url)).presigned_url);
    assert.match(back.headers.get("content-disposition") ?? "", /^attachment;filename="[\w-]+-a-b\.png"$/);
    assert.equal(digestOf(new Uint8Array(await back.arrayBuffer())), digestOf(photo));
    const removal = await api("POST", "/api/v1/upload/delete-presigned-url", { token: ada.token, body: { file_url: `s3://papers/${keyOf(body.file_url)}` } });
    assert.equal((await fetch(removal.body.delete_url, { method: "DELETE" })).status, 204);
    assert.equal(s3.files.size, 0);
  });

  await step("a file of unknown size goes through us, held to the same limits", async () => {
    const photo = png(MAX_BYTES);
    const { upload_url: url, file_url: location } = await uploadUrl("c.png");
    assert.ok(url.startsWith(`${server.origin}/files/`), url);
    await refused(await put(url, png(MAX_BYTES + 1)), 413, "payload_too_large");
    await refused(await put(url, new Uint8Array(randomBytes(1_000))), 415, "unsupported_media_type");
    assert.equal(s3.files.size, 0);
    assert.equal((await put(url, photo)).status, 200);
    const stored = s3.files.get(keyOf(location));
    assert.deepEqual([stored?.type, stored?.bytes.length, digestOf(stored?.bytes ?? Buffer.alloc(0))], ["image/png", MAX_BYTES, digestOf(photo)]);
    s3.refuse(true);
    await refused(await put(url, png(1_000)), 503, "dependency_unavailable");
    assert.equal(s3.files.get(keyOf(location))?.bytes.length, MAX_BYTES);
    s3.close();
    await refused(await put(url, photo), 503, "dependency_unavailable");
  });
});
