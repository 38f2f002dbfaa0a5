import { beforeAll, describe, expect, it } from "vitest";
import { api, expectStatus, mintToken, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, objectOf, registerMachine } from "../../support/machines";
import { expectGuarded, hireStaff, OPS, type Staff } from "../../support/ops";

let staff: Staff;
let owner: TestUser;
beforeAll(async () => {
  [staff, owner] = await Promise.all([hireStaff(), signUpUser()]);
});

const at = (user: { readonly userId: number }, rest: string) => `${OPS}/objects/accounts/${user.userId}/${rest}`;
const read = <T = Record<string, unknown>>(path: string) => expectStatus<T>(200, "GET", path, { token: staff.admin.accessToken });

interface Inspection {
  readonly row: Record<string, unknown>;
  readonly object: {
    readonly registration: Record<string, unknown>;
    readonly state: Record<string, unknown>;
    readonly link: unknown;
    readonly tokens: readonly { readonly id: string; readonly cut: string | null }[];
    readonly alarms: readonly { readonly reason: string; readonly overdue: boolean }[];
    readonly commands: readonly Record<string, unknown>[];
    readonly events: readonly { readonly id: number; readonly data: Record<string, unknown> }[];
    readonly history: readonly { readonly type: string }[];
  } | null;
}

describe("a machine's object", () => {
  it("shows its state, alarms, tokens, commands and events, secrets redacted, and is not changed by it", async () => {
    const { id: tokenId, token } = await mintToken(owner);
    const machine = await registerMachine(owner, { label: "the den" }, token);
    await beat(token, machine, { capabilities: { hermes: { installed: true, api_key: "sesame" } } });
    const command = await expectStatus<{ id: string }>(200, "POST", "/api/v1/dashboard/commands", {
      token: owner.accessToken,
      body: { instance_id: machine, command_type: "update_cli", payload: { version: "2.0.0", access_token: "sesame" } },
    });

    const { row, object } = await read<Inspection>(at(owner, `instances/${machine}`));
    expect(row).toMatchObject({ label: "the den", archived_at: null, plan_disabled_at: null });
    expect(object).toMatchObject({ registration: { label: "the den" }, state: { heard: true, reachable: true }, link: { kind: "none", since: null } });
    expect(object?.tokens).toEqual([{ id: tokenId, cut: null }]);
    expect(object?.alarms.map((one) => one.reason)).toContain("silence");
    expect(object?.commands).toMatchObject([{ id: command.id, state: expect.any(String), payload: { version: "2.0.0", access_token: "[redacted]" } }]);
    expect(object?.events[0]?.data).toMatchObject({ type: "command" });
    expect(object?.history.map((one) => one.type)).toContain("machine.registered");
    expect(JSON.stringify(object)).not.toContain("sesame");

    const stub = objectOf(owner, machine) as unknown as { getSpending(): Promise<{ rowsWritten: number; alarmsSet: number; feedCalls: number }> };
    const before = await stub.getSpending();
    await read(at(owner, `instances/${machine}`));
    expect(await stub.getSpending()).toEqual(before);
  });

  it("is found by its owner only, and absent machines make no object", async () => {
    const machine = await registerMachine(owner);
    for (const path of [at(staff.nobody, `instances/${machine}`), at(owner, `instances/${uniqueName("nothing")}`), at({ userId: 999_999_999 }, "feed")]) {
      expect(await api("GET", path, { token: staff.admin.accessToken }), path).toMatchObject({ status: 404, body: { code: "not_found" } });
    }
  });
});

describe("an account's feed", () => {
  it("shows what it has of its machines, streams and events", async () => {
    const user = await signUpUser();
    expect(await read(at(user, "feed"))).toMatchObject({ machines: [], streams: { dashboard: 0, sse: 0 }, dashboard_events: [], machine_events: [] });
    const { token } = await mintToken(user);
    const machine = await registerMachine(user, {}, token);
    await beat(token, machine);
    const feed = await read<{ machines: { instance_id: string; summary: Record<string, unknown> }[]; dashboard_events: { data: Record<string, unknown> }[] }>(at(user, "feed"));
    expect(feed).toMatchObject({ user_id: user.userId, overview: { totalMachines: 1 }, machines: [{ instance_id: machine, summary: { reachable: true } }] });
    expect(feed.dashboard_events.map((one) => one.data["type"])).toContain("machine.online");
  });
});

describe("who may", () => {
  it("look is any administrator", async () => {
    await expectGuarded(staff, [at(owner, "instances/x"), at(owner, "feed")], []);
  });
});
