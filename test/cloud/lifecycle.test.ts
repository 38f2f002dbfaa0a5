import { afterAll, beforeAll, expect, it } from "vitest";
import { expectNone, expectNoSecrets, expectOne } from "../support/cloud/checks";
import { orgo } from "../support/cloud/provider";
import { handBack } from "../support/cloud/time";
import { LLM_KEY, openWorld } from "../support/cloud/wishes";
import type { VmRow, World } from "../support/cloud/world";
import { api, expectStatus, logIn, signUpUser } from "../support/client";

/** A machine's whole life over the API: what its owner is told on the way, and that nothing stays. */

const PATH = "/api/v1/openclaw/cloud-vm";

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.begin();
});
afterAll(handBack);

interface Told {
  readonly instance_id: string;
  readonly orgo_computer_id: string | null;
  readonly provision_status: string;
  readonly percent: number;
  readonly online: boolean;
}

it("goes from a click to a machine that beats, and leaves nothing", async () => {
  const { accessToken: token } = await logIn(world.owner);
  const ask = async (method: string, path = "", body?: unknown) => {
    const answer = await api(method, `${PATH}${path}`, { token, ...(body === undefined ? {} : { body }) });
    world.said.push(answer.body);
    return answer;
  };
  expect(await ask("GET")).toMatchObject({ status: 200, body: { cloud_vms: [], included: 5, addons: 0, available: 5 } });
  const made = await ask("POST", "", { name: "den", llm_provider: "anthropic", llm_api_key: LLM_KEY });
  expect(made).toMatchObject({ status: 202, body: { name: "den", provision_status: "booting" } });
  const { instance_id: id, orgo_computer_id: computerId } = made.body as unknown as Told;
  expect((await orgo.alive()).map((life) => life.id)).toEqual([computerId]);
  expect(await ask("GET")).toMatchObject({ body: { available: 4, cloud_vms: [{ instance_id: id, provision_status: "booting", cpu: 2, ram: 8, llm_provider: "anthropic", online: false }] } });

  const seen: [string, number][] = [];
  await world.until((rows: readonly VmRow[]) => {
    const [row] = rows;
    if (row) seen.push([row.status, row.version]);
    return row?.status === "online";
  });
  expect([...new Set(seen.map(([status]) => status))]).toEqual(["booting", "installing", "setup", "online"]);
  await expectOne(world, "made");
  expect(await ask("GET", `/${id}/provision-status`)).toMatchObject({ status: 200, body: { provision_status: "online", percent: 100, online: true, orgo_computer_id: computerId } });
  expect(await ask("GET", "/in-flight")).toMatchObject({ status: 200, body: [] });
  expect((await orgo.machine(computerId ?? "")).setup).toMatchObject({ instance_id: id, label: "den", env: { ANTHROPIC_API_KEY: LLM_KEY } });

  // Nobody else knows it.
  const stranger = await signUpUser();
  for (const [method, path] of [["GET", `/${id}/provision-status`], ["POST", `/${id}/restart`], ["DELETE", `/${id}`]] as const) expect((await api(method, `${PATH}${path}`, { token: stranger.accessToken })).status, path).toBe(404);

  expect(await ask("POST", `/${id}/restart`)).toMatchObject({ status: 202, body: { provision_status: "booting" } });
  expect((await ask("GET", "/in-flight")).body).toMatchObject([{ instance_id: id }]);
  await world.until(([row]) => row?.status === "online");
  await expectOne(world, "restarted");
  expect((await orgo.machine(computerId ?? "")).boots).toBe(2);

  await expectNoSecrets(world, [id]);
  const daemons = String((await orgo.machine(computerId ?? "")).setup?.["token"]);
  expect((await ask("DELETE", `/${id}`)).status).toBe(204);
  expect(await orgo.alive()).toEqual([]);
  expect((await ask("GET", `/${id}/provision-status`)).status).toBe(404);
  expect((await ask("DELETE", `/${id}`)).status).toBe(404);
  expect(await ask("GET")).toMatchObject({ body: { cloud_vms: [], available: 5 } });
  expect((await api("POST", "/api/v1/dashboard/heartbeat", { token: daemons, body: { instance_id: id } })).status).toBe(410);
  await world.restAndCompare();
  await expectNone(world, "destroyed");
  await expectNoSecrets(world, [id]);
});

it("is seen by whoever watches, without the provider being asked", async () => {
  await world.begin();
  const { accessToken: token } = await logIn(world.owner);
  await expectStatus(202, "POST", PATH, { token, body: { name: "den" } });
  await world.until(([row]) => row?.status === "online");
  const { instance_id: id } = await world.row();
  await orgo.clearCalls();
  for (const path of ["", "/in-flight", `/${id}/provision-status`]) await expectStatus(200, "GET", `${PATH}${path}`, { token });
  expect(await orgo.calls()).toEqual([]);
});
