/**
 * One object class three ways: native RPC, `fetch` with JSON, and itty-durable. Each call carries a heartbeat-sized argument and
 * answers a small object. The loop runs inside one request, so that a call is all that is measured.
 */
import { DurableObject } from "cloudflare:workers";
import { createDurable, proxyDurable } from "itty-durable";

/** @typedef {{ instance_id: string, mem_free_mb: number, bots: { bot_id: string, status: string }[] }} Beat */

/** What all three do: fold a beat into memory. @param {{ beats: number, free: number }} state @param {Beat} beat */
function fold(state, beat) {
  state.beats++;
  state.free = beat.mem_free_mb;
  return { ok: true, beats: state.beats, pending: [] };
}

/** @extends {DurableObject<unknown>} */
export class NativeDO extends DurableObject {
  state = { beats: 0, free: 0 };

  /** @param {Beat} beat */
  beat(beat) {
    return fold(this.state, beat);
  }

  /** @param {Request} request */
  async fetch(request) {
    return Response.json(fold(this.state, await request.json()));
  }
}

export class IttyDO extends createDurable({ autoPersist: false, autoReturn: false }) {
  counters = { beats: 0, free: 0 };

  /** @param {Beat} beat */
  beat(beat) {
    return fold(this.counters, beat);
  }
}

/** @type {Beat} */
const BEAT = { instance_id: "openclaw-1", mem_free_mb: 900, bots: Array.from({ length: 3 }, (_, i) => ({ bot_id: `bot-${i}`, status: "running" })) };
const OBJECT = "1/openclaw-1";

/** @typedef {(...args: unknown[]) => Promise<unknown>} Call */
/** @typedef {{ getByName: (name: string) => { beat: Call, fetch: (url: string, init: object) => Promise<Response> } }} Namespace */
/** @typedef {{ NATIVE: Namespace, ITTY: object }} Env */

/** A way to call: answers the function that makes one call. @type {Record<string, (env: Env) => () => Promise<unknown>>} */
const WAYS = {
  "native RPC, stub reused": (env) => {
    const stub = env.NATIVE.getByName(OBJECT);
    return () => stub.beat(BEAT);
  },
  "native RPC, stub each call": (env) => () => env.NATIVE.getByName(OBJECT).beat(BEAT),
  "stub.fetch + JSON, stub reused": (env) => {
    const stub = env.NATIVE.getByName(OBJECT);
    return async () => (await stub.fetch("http://object/beat", { method: "POST", body: JSON.stringify(BEAT) })).json();
  },
  "itty-durable, proxy reused": (env) => {
    const proxy = proxyDurable(env.ITTY, { name: "itty", parse: true }).get(OBJECT);
    return () => proxy.beat(BEAT);
  },
  "itty-durable, proxy each call": (env) => () => proxyDurable(env.ITTY, { name: "itty", parse: true }).get(OBJECT).beat(BEAT),
};

/** Makes sure that a way really calls the object. @param {unknown} answer */
function check(answer) {
  const { ok, beats } = /** @type {{ ok?: unknown, beats?: unknown }} */ (answer ?? {});
  if (ok !== true || typeof beats !== "number") throw new Error(`unexpected answer ${JSON.stringify(answer)}`);
  return beats;
}

export default {
  /** @param {Request} request @param {Env} env */
  async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const way = searchParams.get("way");
    if (way === null) return Response.json(Object.keys(WAYS));
    const call = WAYS[way]?.(env);
    if (!call) return new Response(null, { status: 404 });
    const calls = Number(searchParams.get("calls"));
    const before = check(await call());
    for (let i = 1; i < calls; i++) await call();
    const counted = check(await call()) - before;
    return Response.json({ counted });
  },
};
