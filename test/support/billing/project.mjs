/** The payment providers of the vitest project `billing`: what its worker is told, where its calls go, and what its tests may do to them. */
import { randomBytes } from "node:crypto";
import { createAppStoreDouble } from "../apple/app-store.mjs";
import { nodeHandler } from "../homeserver/serve.mjs";
import { createStripeDouble } from "../stripe/double.mjs";

/** Names that only this project's worker can reach. */
const STRIPE_HOST = "stripe.test";
const APPLE_HOST = "apple.test";
const DOUBLES_HOST = "doubles.test";

/** Its clock is ours, ahead by what tests move it. Ids never come back, since the database lives longer than a double. */
const newStripe = () => createStripeDouble({ clock: () => Date.now(), tag: randomBytes(4).toString("hex") });

/** Made once, however often the configuration is read. @type {Promise<Awaited<ReturnType<typeof prepare>>> | undefined} */
let prepared;

async function prepare() {
  let stripe = newStripe();
  const apple = await createAppStoreDouble();

  /** What tests call, by `double/method`; arguments and answers are JSON. @type {Record<string, (...args: any[]) => unknown>} */
  const special = {
    "stripe/reset": () => void (stripe = newStripe()),
    "stripe/arm": (...faults) => stripe.faults.arm(...faults),
    "stripe/calls": () => stripe.faults.calls(),
    "stripe/clear": () => stripe.faults.clear(),
    "stripe/list": (/** @type {"customers" | "subscriptions" | "schedules" | "invoices" | "sessions"} */ kind) => [...stripe.state[kind].values()],
    "apple/answerNext": (/** @type {{ status: number, body: unknown }[]} */ ...answers) => apple.answerNext(...answers.map(({ status, body }) => Response.json(body, { status }))),
    "apple/list": () => [...apple.subscriptions.values()],
    "apple/calls": () => apple.seen.map(({ method, path, body }) => ({ method, path, body })),
  };

  /** @param {Request} request */
  const control = async (request) => {
    const name = new URL(request.url).pathname.slice(1);
    const [double = "", method = ""] = name.split("/");
    const [target] = [{ stripe, apple }[double]];
    // Which of a double's functions it is only shows here; their types are those of the callers in ./doubles.ts.
    const found = special[name] ?? /** @type {any} */ (target)?.[method];
    if (typeof found !== "function") return new Response(`no double has ${name}`, { status: 404 });
    try {
      return Response.json((await found(...JSON.parse(await request.text()))) ?? null);
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 400 });
    }
  };

  return {
    bindings: {
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
      STRIPE_API_BASE: `http://${STRIPE_HOST}`,
      APPLE_MODE: "server_api",
      APPLE_BUNDLE_ID: apple.bundleId,
      APPLE_SHARED_SECRET: apple.sharedSecret,
      APPLE_ISSUER_ID: apple.issuerId,
      APPLE_STOREKIT_KEY_ID: apple.keyId,
      APPLE_STOREKIT_PRIVATE_KEY: apple.privateKey,
      APPLE_RECEIPT_BASE_URL: `http://${APPLE_HOST}/production`,
      APPLE_RECEIPT_SANDBOX_BASE_URL: `http://${APPLE_HOST}/sandbox`,
      APPLE_STOREKIT_BASE_URL: `http://${APPLE_HOST}/production`,
      APPLE_STOREKIT_SANDBOX_BASE_URL: `http://${APPLE_HOST}/sandbox`,
      APPLE_ROOT_CA_SHA256: apple.authority.rootSha256,
    },
    /** Everything that the worker fetches. In Node's own terms, because only a broken connection makes `fetch` fail in workerd. */
    outbound: nodeHandler(async (request) => {
      const { host } = new URL(request.url);
      if (host === STRIPE_HOST) return stripe.fetch(request);
      if (host === APPLE_HOST) return apple.handle(request);
      if (host === DOUBLES_HOST) return control(request);
      return new Response(`tests reach no outside host: ${host}`, { status: 599 });
    }),
  };
}

/** What vitest.config.ts gives to the project's worker. */
export function billingProject() {
  prepared ??= prepare();
  return prepared;
}
