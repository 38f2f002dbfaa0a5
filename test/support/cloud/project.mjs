/** The provider of computers of the vitest project `cloud`: what its worker is told, where its calls go, and what its tests may do to it. */
import { nodeHandler } from "../homeserver/serve.mjs";
import { createOrgoDouble } from "../orgo/double.mjs";

/** Names that only this project's worker can reach. */
const ORGO_HOST = "orgo.test";
const DOUBLES_HOST = "doubles.test";

/** Made once, however often the configuration is read. @type {ReturnType<typeof prepare> | undefined} */
let prepared;

function prepare() {
  const orgo = createOrgoDouble();

  /** What tests call, by method; arguments and answer are JSON. @param {Request} request */
  const control = async (request) => {
    const [double = "", method = ""] = new URL(request.url).pathname.slice(1).split("/");
    // Which of the double's functions it is only shows here; their types are those of the callers in ./provider.ts.
    const found = double === "orgo" && method !== "fetch" && Object.hasOwn(orgo, method) ? /** @type {any} */ (orgo)[method] : undefined;
    if (typeof found !== "function") return new Response(`no double has ${double}.${method}`, { status: 404 });
    try {
      return Response.json((await found(...JSON.parse(await request.text()))) ?? null);
    } catch (error) {
      return new Response(error instanceof Error ? error.message : String(error), { status: 400 });
    }
  };

  return {
    bindings: {
      COMPUTE_DRIVER: "orgo",
      ORGO_BASE_URL: `http://${ORGO_HOST}${orgo.basePath}`,
      ORGO_API_KEY: orgo.apiKey,
      // No second try fits in, so that what a call does is what the test armed.
      COMPUTE_TIMEOUT_MS: "700",
      PUBLIC_URL: "https://sett.test",
      // How many random lives are lived, and which one alone: see test/cloud/lives.test.ts.
      ...(process.env["CLOUD_LIVES"] === undefined ? {} : { CLOUD_LIVES: process.env["CLOUD_LIVES"] }),
      ...(process.env["CLOUD_LIFE"] === undefined ? {} : { CLOUD_LIFE: process.env["CLOUD_LIFE"] }),
    },
    /** Everything that the worker fetches. In Node's own terms, because only a broken connection makes `fetch` fail in workerd. */
    outbound: nodeHandler(async (request) => {
      const { host } = new URL(request.url);
      if (host === ORGO_HOST) return orgo.fetch(request);
      if (host === DOUBLES_HOST) return control(request);
      return new Response(`tests reach no outside host: ${host}`, { status: 599 });
    }),
  };
}

/** What vitest.config.ts gives to the project's worker. */
export function cloudProject() {
  prepared ??= prepare();
  return prepared;
}
