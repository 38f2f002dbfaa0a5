import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProcessDriver } from "../../../src/integrations/process/process-driver";
import { faultOf, testCompute } from "../../support/compute/conformance";
import { startAgent, type StartedAgent } from "../../support/vm-agent/start";

const stateDir = mkdtempSync(join(tmpdir(), "sett-driver-"));
let agent: StartedAgent;

beforeAll(async () => void (agent = await startAgent(stateDir)));
afterAll(async () => {
  await agent.kill("SIGTERM");
  rmSync(stateDir, { recursive: true, force: true });
});

testCompute("the process driver", () => Promise.resolve({ compute: createProcessDriver({ driver: "process", agentUrl: agent.url, agentToken: agent.token, timeoutMs: 15_000 }) }));

describe("the process driver's classes of failure", () => {
  const view = { id: "0f0f0f0f-0000-4000-8000-000000000000", tag: "t", status: "running", detail: null, created_at: 1 };
  const spec = { tag: "t", cpu: 1, ramGb: 4, diskGb: null };

  /** What the driver makes of one answer of an agent. */
  async function facing<T>(status: number, body: string | null, work: (compute: ReturnType<typeof createProcessDriver>) => Promise<T>): Promise<T> {
    const server = createServer((_request, response) => void (body === null || response.writeHead(status).end(body)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      return await work(createProcessDriver({ driver: "process", agentUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, agentToken: "t", timeoutMs: 300 }));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it.each([
    [401, '{"code":"unauthorized","message":"no"}', "unauthorized"],
    [507, '{"code":"capacity","message":"full"}', "capacity"],
    [422, '{"code":"refused","message":"no"}', "refused"],
    [500, '{"code":"unavailable","message":"crash"}', "unavailable"],
    [503, "<html>", "unavailable"],
    [302, "", "unavailable"],
    [200, "nonsense", "unavailable"],
    [200, "{}", "unavailable"],
    [200, JSON.stringify({ ...view, status: 7 }), "unavailable"],
    [200, JSON.stringify({ ...view, status: "dreaming" }), null],
    [200, null, "unavailable"],
  ])("%s %s is %s", async (status, body, fault) => {
    expect(await facing(status, body, (compute) => faultOf(compute.create(spec)))).toBe(fault);
  });

  it("takes a status that it does not know for one on the way", async () => {
    expect(await facing(200, JSON.stringify({ ...view, status: "dreaming" }), (compute) => compute.find(view.id))).toMatchObject({ status: "starting" });
  });

  it("takes a 404 for an absence only when the agent says so", async () => {
    expect(await facing(404, '{"code":"gone","message":"no"}', (compute) => compute.find(view.id))).toBeNull();
    expect(await facing(404, "not found", (compute) => faultOf(compute.find(view.id)))).toBe("unavailable");
    expect(await facing(404, "not found", (compute) => faultOf(compute.destroy(view.id)))).toBe("unavailable");
  });
});
