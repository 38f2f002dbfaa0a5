/** The homeserver of the vitest project `homeserver`: what its worker is told, and where its calls go. */
import { createHomeserverDouble } from "./double.mjs";
import { withFaults } from "./faults.mjs";
import { forwardTo, nodeHandler } from "./serve.mjs";

/** @typedef {import("./synapse.mjs").Homeserver} Homeserver */

/** Names that only this project's worker can reach. */
const HOMESERVER_HOST = "homeserver.test";
const FAULTS_HOST = "faults.test";

/** What scripts/test-matrix.mjs started, or a double of this process. */
function chooseHomeserver() {
  const given = process.env["SETT_TEST_HOMESERVER"];
  if (given) {
    /** @type {Homeserver} */
    const homeserver = JSON.parse(given);
    return { ...homeserver, fetch: forwardTo(homeserver.baseUrl) };
  }
  return { kind: "double", ...createHomeserverDouble() };
}

/** Made once, however often the configuration is read. @type {ReturnType<typeof prepare> | undefined} */
let prepared;

function prepare() {
  const homeserver = chooseHomeserver();
  const faults = withFaults(homeserver.fetch);
  return {
    bindings: {
      MATRIX_BASE_URL: `http://${HOMESERVER_HOST}`,
      MATRIX_SERVER_NAME: homeserver.serverName,
      MATRIX_ADMIN_TOKEN: homeserver.adminToken,
      MATRIX_AS_TOKEN: homeserver.asToken,
      MATRIX_REGISTRATION_SECRET: homeserver.registrationSecret,
      MATRIX_TIMEOUT_MS: "700",
      TEST_HOMESERVER: `${homeserver.kind} ${homeserver.version}`,
    },
    /** Everything that the worker fetches. In Node's own terms, because only a broken connection makes `fetch` fail in workerd. */
    outbound: nodeHandler(async (request) => {
      const { host } = new URL(request.url);
      if (host === HOMESERVER_HOST) return faults.fetch(request);
      if (host === FAULTS_HOST) return faults.control.serve(request);
      return new Response(`tests reach no outside host: ${host}`, { status: 599 });
    }),
  };
}

/** What vitest.config.ts gives to the project's worker. */
export function homeserverProject() {
  prepared ??= prepare();
  return prepared;
}
