import { afterEach, describe, expect, it } from "vitest";
import { createHomeserverDouble } from "../../support/homeserver/double.mjs";
import { withFaults } from "../../support/homeserver/faults.mjs";
import { serveHomeserver } from "../../support/homeserver/serve.mjs";

let stop: () => Promise<void> = async () => undefined;
afterEach(() => stop());

/** A double on a port, with faults in front. */
async function serve() {
  const double = createHomeserverDouble({ serverName: "sett.test" });
  const faults = withFaults(double.fetch);
  const served = await serveHomeserver(double, faults.fetch);
  stop = served.stop;
  const whoami = () => fetch(`${served.baseUrl}/_matrix/client/v3/account/whoami`, { headers: { authorization: `Bearer ${served.adminToken}` } });
  return { faults, whoami };
}

describe("a homeserver on a port", () => {
  it("is asked over HTTP", async () => {
    const { whoami } = await serve();
    expect(await (await whoami()).json()).toMatchObject({ user_id: "@sett_admin:sett.test" });
  });

  it("breaks the connection when an answer is lost", async () => {
    const { faults, whoami } = await serve();
    faults.control.arm({ kind: "lose_answer" });
    await expect(whoami()).rejects.toThrow("fetch failed");
    expect(faults.control.calls().calls).toMatchObject([{ path: "/_matrix/client/v3/account/whoami", status: 200, fault: "lose_answer" }]);
    expect((await whoami()).status).toBe(200);
  });
});
