import { afterAll, beforeAll, expect, it } from "vitest";
import { createCloudVm } from "../../src/fleet/cloud-vms/create-cloud-vm";
import { destroyCloudVm } from "../../src/fleet/cloud-vms/destroy-cloud-vm";
import { restartCloudVm } from "../../src/fleet/cloud-vms/restart-cloud-vm";
import { AppError } from "../../src/kernel/errors/app-error";
import { expectNone, expectOne, expectSound } from "../support/cloud/checks";
import { ask } from "../support/cloud/http";
import { orgo } from "../support/cloud/provider";
import { bindings, handBack } from "../support/cloud/time";
import { LLM_KEY, openWorld, wish } from "../support/cloud/wishes";
import { isAtRest, type VmRow, type World } from "../support/cloud/world";
import { logIn, uniqueName } from "../support/client";
import { setPlan } from "../support/plans";

/** Two things at once: one outcome. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(handBack);

const PATH = "/api/v1/openclaw/cloud-vm";
const isOnline = (rows: readonly VmRow[]): boolean => rows.length > 0 && rows.every(({ status }) => status === "online");

const post = (name = "den") => world.act("POST", (ctx) => createCloudVm(ctx, wish({ name })));
const restart = (id: string) => world.act("POST restart", (ctx) => restartCloudVm(ctx, id));
const destroy = (id: string) => world.act("DELETE", (ctx) => destroyCloudVm(ctx, id));
type Answer = Awaited<ReturnType<typeof post>> | Awaited<ReturnType<typeof destroy>>;

const codeOf = (answer: Answer): string => (answer.ok ? "ok" : answer.error instanceof AppError ? answer.error.code : String(answer.error));

async function online(): Promise<VmRow> {
  await world.begin();
  await post();
  await world.until(isOnline);
  return world.row();
}

async function rest(): Promise<void> {
  await world.until((rows) => rows.every((row) => row.status === "destroyed" || isAtRest(row)));
  await world.calm();
}

/**
 * Runs `main` again and again, with `other` happening as a whole right before its first, second… call outside, until there is none left.
 * @returns how many places there were
 */
async function everyPlace(begin: () => Promise<void>, main: () => Promise<unknown>, other: () => Promise<unknown>, check: (note: string) => Promise<void>, stride = 1): Promise<number> {
  for (let place = 0; ; place += stride) {
    await begin();
    let calls = 0;
    let note: string | null = null;
    world.counter.pace = async ({ name }, run) => {
      if (note !== null || calls++ !== place) return;
      note = `before call ${place}, ${run.label}: ${name}`;
      await other();
    };
    await main();
    world.counter.pace = null;
    if (note === null) return place;
    await check(note);
  }
}

it("eight times the same at once, from two devices, is one machine", async () => {
  await world.begin();
  const devices = await Promise.all([logIn(world.owner), logIn(world.owner)]);
  const body = { name: "den", cpu: 2, ram: 8, llm_provider: "anthropic", llm_api_key: LLM_KEY };
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask("POST", PATH, { token: devices[i % 2]?.accessToken ?? "", body, headers: i < 4 ? {} : { "idempotency-key": uniqueName("key") } })));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
  expect(new Set(answers.map(({ body: { instance_id: id } }) => id)).size).toBe(1);
  await world.until(isOnline);
  await expectOne(world, "eight at once");
  expect((await orgo.calls()).filter(({ call }) => call === "create")).toHaveLength(1);
  // Once it is online the same wish is another machine, which must have another name.
  expect(await ask("POST", PATH, { token: devices[0].accessToken, body })).toMatchObject({ status: 409, body: { code: "cloud_vm_name_taken" } });
});

it.each([
  ["pro", 1],
  ["team", 5],
] as const)("a dozen wishes at once at the edge of plan %s are never more than it pays for", async (plan, places) => {
  await setPlan(world.owner, plan);
  await world.begin();
  const answers = await Promise.all(Array.from({ length: places + 4 }, (_, i) => post(`den-${i}`)));
  const codes = answers.map(codeOf);
  expect(codes.filter((code) => code === "ok")).toHaveLength(places);
  expect(codes.filter((code) => code !== "ok" && code !== "PLAN_LIMIT" && code !== "CONFLICT")).toEqual([]);
  await world.until(isOnline);
  await world.restAndCompare();
  expect(await expectSound(world, plan)).toHaveLength(places);
  expect((await orgo.lives()).length).toBe(places);
  expect((await bindings.DB.prepare("SELECT count(*) AS n FROM cli_tokens").first<{ n: number }>())?.n).toBe(places);
  await setPlan(world.owner, "team");
});

it("create inside create, at every place, where the plan pays for one", async () => {
  await setPlan(world.owner, "pro");
  let second: ReturnType<typeof post> | null = null;
  const places = await everyPlace(
    () => world.begin(),
    async () => expect(codeOf(await post())).toBe("ok"),
    async () => {
      second = post();
      // It ends, or waits for what the provider says to the first.
      await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 300))]);
    },
    async (note) => {
      expect(second && codeOf(await second), note).toBe("ok");
      await world.until(isOnline);
      await expectOne(world, note);
      expect((await orgo.lives()).length, note).toBe(1);
    },
  );
  await setPlan(world.owner, "team");
  expect(places).toBeGreaterThan(12);
}, 60_000);

it("destroy inside create, at every place", async () => {
  let said = "";
  const places = await everyPlace(
    async () => {
      said = "";
      await world.begin();
    },
    post,
    async () => {
      const [row] = await world.rows();
      if (row) said = codeOf(await destroy(row.instance_id));
    },
    async (note) => {
      await rest();
      if (said === "") await expectOne(world, note);
      else {
        expect(["ok", "DEPENDENCY_UNAVAILABLE"], note).toContain(said);
        await expectNone(world, note);
      }
      expect((await orgo.lives()).length, note).toBeLessThanOrEqual(1);
    },
  );
  expect(places).toBeGreaterThan(12);
}, 60_000);

it("destroy inside every step of the way to online", async () => {
  const places = await everyPlace(
    async () => {
      await world.begin();
      await post();
    },
    () => world.until((rows) => rows.every(({ status }) => status === "online" || status === "destroyed")),
    async () => {
      const [row] = await world.rows();
      if (row?.status === "booting" || row?.status === "installing" || row?.status === "setup") expect(["ok", "DEPENDENCY_UNAVAILABLE"]).toContain(codeOf(await destroy(row.instance_id)));
    },
    async (note) => {
      const wanted = world.seen.some(({ status }) => status === "online");
      await rest();
      if (wanted) await expectOne(world, note);
      else await expectNone(world, note);
    },
    3,
  );
  expect(places).toBeGreaterThan(30);
}, 90_000);

it("steps of the way inside destroy, at every place", async () => {
  const places = await everyPlace(
    async () => {
      await world.begin();
      await post();
      await world.step();
    },
    async () => void (await destroy((await world.row()).instance_id)),
    async () => void (await world.step()),
    async (note) => {
      await rest();
      await expectNone(world, note);
    },
  );
  expect(places).toBeGreaterThan(10);
}, 60_000);

it("destroy inside restart and all that follows, at every place", async () => {
  await everyPlace(
    async () => void (await online()),
    async () => {
      await restart((await world.row()).instance_id);
      await world.until((rows) => rows.every(({ status }) => status === "online" || status === "destroyed"));
    },
    async () => {
      const row = (await world.rows()).find(({ status }) => status !== "destroyed");
      if (row) expect(["ok", "DEPENDENCY_UNAVAILABLE"]).toContain(codeOf(await destroy(row.instance_id)));
    },
    async (note) => {
      await rest();
      await expectNone(world, note);
    },
    3,
  );
}, 90_000);

it("restart inside restart and all that follows, at every place: it boots once for those that came while it was under way", async () => {
  await online();
  let boots = 0;
  let inFlight = false;
  const bootsOf = async (): Promise<number> => (await orgo.machine((await world.row()).tag)).boots;
  await everyPlace(
    async () => {
      boots = await bootsOf();
      inFlight = false;
    },
    async () => {
      await restart((await world.row()).instance_id);
      await world.until(isOnline);
    },
    async () => {
      const { instance_id: id, status } = await world.row();
      inFlight = status !== "online";
      expect(codeOf(await restart(id))).toBe("ok");
    },
    async (note) => {
      await rest();
      await expectOne(world, note);
      const more = (await bootsOf()) - boots;
      expect(more, note).toBeGreaterThan(0);
      expect(more, note).toBeLessThanOrEqual(inFlight ? 1 : 2);
    },
    2,
  );
}, 90_000);

it("destroy inside destroy, at every place", async () => {
  await everyPlace(
    async () => void (await online()),
    async () => expect(["ok", "NOT_FOUND", "DEPENDENCY_UNAVAILABLE"]).toContain(codeOf(await destroy((await world.row()).instance_id))),
    async () => {
      const [row] = await world.rows();
      if (row) expect(["ok", "NOT_FOUND", "DEPENDENCY_UNAVAILABLE"]).toContain(codeOf(await destroy(row.instance_id)));
    },
    async (note) => {
      await rest();
      await expectNone(world, note);
    },
  );
}, 90_000);

it("create, destroy and restart all at once end as one of them says", async () => {
  for (let turn = 0; turn < 4; turn++) {
    const { instance_id: id } = await online();
    const [gone] = await Promise.all([destroy(id), restart(id), destroy(id), world.deliverDue(), world.reconcile(), restart(id)]);
    expect(["ok", "NOT_FOUND", "DEPENDENCY_UNAVAILABLE", "CONFLICT"]).toContain(codeOf(gone));
    await rest();
    await expectNone(world, `turn ${turn}`);
  }
}, 60_000);
