import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { checkRelease } from "../../../src/fleet/versions";
import type { Job } from "../../../src/kernel/ports/services";
import { expectStatus, signUpUser, uniqueName, type TestUser } from "../../support/client";

const bindings = env as unknown as Env;
const { DB } = bindings;
const configured: Env = { ...bindings, NPM_REGISTRY_URL: "https://npm.test/mirror/" };

let admin: TestUser;
beforeAll(async () => {
  admin = await signUpUser();
  await DB.prepare("UPDATE users SET role = 'admin' WHERE id = ?").bind(admin.userId).run();
  for (const component of ["cli", "openclaw", "hermes"]) await expectStatus(200, "PUT", "/api/v1/admin/supported-versions", { token: admin.accessToken, body: { component, version: "1.0.0" } });
});
afterEach(() => vi.restoreAllMocks());

const check = (component: string, from = configured) => checkRelease(createSystemContext(from, { waitUntil: () => undefined }, "test", uniqueName("req")), component);
const npm = (answer: () => Response) => vi.spyOn(globalThis, "fetch").mockImplementation(async () => answer());
const shown = async () => {
  const list = await expectStatus<{ component: string; version: string; latest_npm_version: string | null; latest_checked_at: string | null }[]>(200, "GET", "/api/v1/admin/supported-versions", { token: admin.accessToken });
  return Object.fromEntries(list.map((one) => [one.component, [one.latest_npm_version, one.latest_checked_at !== null]]));
};

describe("the newest releases", () => {
  it("stand beside what administrators set, and stay when the registry does not tell", async () => {
    expect(await shown()).toEqual({ cli: [null, false], openclaw: [null, false], hermes: [null, false] });
    const asked = npm(() => Response.json({ latest: "2026.11.3" }));
    await check("openclaw");
    expect(asked.mock.calls.map(([url]) => url)).toEqual(["https://npm.test/mirror/-/package/openclaw/dist-tags"]);
    npm(() => Response.json({ error: "Not found" }, { status: 404 }));
    await check("cli");
    expect(await shown()).toEqual({ cli: [null, true], openclaw: ["2026.11.3", true], hermes: [null, false] });
    for (const answer of [() => new Response("down", { status: 503 }), () => Response.json({}), () => Response.error()]) {
      npm(answer);
      await check("openclaw");
    }
    expect((await shown())["openclaw"]).toEqual(["2026.11.3", true]);
    npm(() => Response.json({ latest: "2026.11.4" }));
    await check("openclaw");
    expect((await shown())["openclaw"]).toEqual(["2026.11.4", true]);
    await expect(check("hermes")).rejects.toThrow();
  });

  it("are asked for hourly, each by a message of its own, and not at all where no registry is named", async () => {
    const jobs: Job[] = [];
    const at = Date.now() + 500_000_000;
    const collecting = (from: Env): Env => ({ ...from, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue });
    const tick = async (from: Env, hours: number) => {
      await handleScheduled(createScheduledController({ cron: "17 * * * *", scheduledTime: new Date(at + hours * 3_600_000) }), collecting(from), { waitUntil: () => undefined });
      return jobs.splice(0).filter(({ type }) => type === "versions.check").map(({ payload }) => payload);
    };
    expect(await tick(configured, 1)).toEqual(["cli", "plugin", "openclaw"]);
    expect(await tick(configured, 1)).toEqual([]);
    expect(await tick(bindings, 2)).toEqual([]);
    expect(await tick({ ...bindings, NPM_REGISTRY_URL: "off" }, 3)).toEqual([]);
    const fetched = npm(() => Response.json({ latest: "9.9.9" }));
    await check("openclaw", bindings);
    expect(fetched).not.toHaveBeenCalled();
  });
});
