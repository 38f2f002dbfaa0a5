/**
 * The obvious server: Fastify on Node with PostgreSQL. A beat is one statement (upsert the machine's row, read its open
 * commands), a machine holds an SSE stream in this process, a command is a row and a NOTIFY that every process would hear.
 * Tokens are checked by HMAC without a query, as Sett does, so that the two differ in where they keep state and in nothing else.
 *
 * Environment: BASELINE_MODULES (folder with fastify and pg installed), DATABASE_URL, TOKEN_KEY, PORT.
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env["BASELINE_MODULES"] ?? ".", "package.json"));
const { default: Fastify } = require("fastify");
const { Client, Pool } = require("pg");

const connectionString = process.env["DATABASE_URL"];
const key = process.env["TOKEN_KEY"] ?? "";
const POOL_SIZE = 10;
const KEEPALIVE_MS = 10_000;

const SCHEMA = `
CREATE TABLE machines (
  user_id bigint NOT NULL, instance_id text NOT NULL, label text NOT NULL, state jsonb, last_seen timestamptz,
  PRIMARY KEY (user_id, instance_id)
);
CREATE TABLE commands (
  id uuid PRIMARY KEY, user_id bigint NOT NULL, instance_id text NOT NULL, type text NOT NULL, payload jsonb, status text NOT NULL,
  result text, created_at timestamptz NOT NULL DEFAULT now(), completed_at timestamptz
);
CREATE INDEX commands_open ON commands (user_id, instance_id) WHERE completed_at IS NULL;
`;
const BEAT = {
  name: "beat",
  text: `WITH beat AS (
    UPDATE machines SET state = $3, last_seen = now() WHERE user_id = $1 AND instance_id = $2 RETURNING 1
  )
  SELECT (SELECT count(*) FROM beat)::int AS known,
    (SELECT coalesce(json_agg(json_build_object('id', id, 'command_type', type, 'payload', payload)), '[]')
       FROM commands WHERE user_id = $1 AND instance_id = $2 AND completed_at IS NULL) AS pending`,
};

const pool = new Pool({ connectionString, max: POOL_SIZE });
await pool.query(SCHEMA);

/** Open streams by machine. @type {Map<string, Set<import("node:http").ServerResponse>>} */
const streams = new Map();
const app = Fastify({ logger: false });

/** `user.machine.mac`, or null. @param {string | undefined} header */
function authenticate(header) {
  const [userId = "", instanceId = "", mac = ""] = (header ?? "").replace(/^Bearer /, "").split(".");
  const wanted = createHmac("sha256", key).update(`${userId}.${instanceId}`).digest();
  const given = Buffer.from(mac, "base64url");
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? { userId, instanceId } : null;
}

/** @typedef {{ headers: { authorization?: string }, body: Record<string, unknown>, query: Record<string, string>, params: Record<string, string>, raw: import("node:http").IncomingMessage, caller: { userId: string, instanceId: string } }} Request */
/** @typedef {{ code: (status: number) => { send: (body: unknown) => unknown }, hijack: () => void, raw: import("node:http").ServerResponse }} Reply */

app.addHook("onRequest", async (/** @type {Request} */ request, /** @type {Reply} */ reply) => {
  const caller = authenticate(request.headers.authorization);
  if (caller === null) return reply.code(401).send({ detail: "The token is not valid." });
  request.caller = caller;
  return undefined;
});

app.post("/api/v1/openclaw/register", async (/** @type {Request} */ { caller, body }) => {
  await pool.query("INSERT INTO machines (user_id, instance_id, label) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", [caller.userId, body["instance_id"], body["label"]]);
  return { instance_id: body["instance_id"] };
});

app.post("/api/v1/dashboard/heartbeat", async (/** @type {Request} */ { caller, body }, /** @type {Reply} */ reply) => {
  const { rows } = await pool.query({ ...BEAT, values: [caller.userId, body["instance_id"], JSON.stringify(body)] });
  if (rows[0].known === 0) return reply.code(410).send({ detail: "This machine is not registered." });
  return { ok: true, pending_commands: rows[0].pending };
});

app.get("/api/v1/openclaw/events", (/** @type {Request} */ { caller, query, raw }, /** @type {Reply} */ reply) => {
  const name = `${caller.userId}/${query["instance_id"]}`;
  reply.hijack();
  reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  reply.raw.write("retry: 2000\n: connected\n\n");
  const open = streams.get(name) ?? new Set();
  streams.set(name, open.add(reply.raw));
  const timer = setInterval(() => reply.raw.write(": keep-alive\n\n"), KEEPALIVE_MS);
  raw.on("close", () => {
    clearInterval(timer);
    open.delete(reply.raw);
  });
});

app.post("/api/v1/dashboard/commands", async (/** @type {Request} */ { caller, body }) => {
  const id = randomUUID();
  const event = JSON.stringify({ name: `${caller.userId}/${body["instance_id"]}`, data: { type: "command", id, command_type: body["command_type"], payload: body["payload"] } });
  await pool.query({
    name: "command",
    text: `WITH made AS (INSERT INTO commands (id, user_id, instance_id, type, payload, status) VALUES ($1, $2, $3, $4, $5, 'pending'))
      SELECT pg_notify('commands', $6)`,
    values: [id, caller.userId, body["instance_id"], body["command_type"], JSON.stringify(body["payload"] ?? null), event],
  });
  return { id, status: "pending", commandType: body["command_type"] };
});

app.post("/api/v1/dashboard/commands/:id/result", async (/** @type {Request} */ { caller, body, params }) => {
  await pool.query("UPDATE commands SET status = $3, result = $4, completed_at = now() WHERE id = $1 AND user_id = $2", [params["id"], caller.userId, body["status"], body["result"]]);
  return { id: params["id"], status: body["status"] };
});

const listener = new Client({ connectionString });
await listener.connect();
listener.on("notification", (/** @type {{ payload: string }} */ { payload }) => {
  const { name, data } = JSON.parse(payload);
  for (const stream of streams.get(name) ?? []) stream.write(`id: ${Date.now()}\ndata: ${JSON.stringify(data)}\n\n`);
});
await listener.query("LISTEN commands");

await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"]) });
process.stdout.write("ready\n");
