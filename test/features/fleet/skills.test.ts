import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { instanceObject } from "../../../durable-objects/stubs";
import { createSystemContext } from "../../../src/context";
import { handleScheduled } from "../../../src/crons";
import type { Env } from "../../../src/env";
import { advanceTransferJob, forgetOldSkills } from "../../../src/fleet/skills";
import { sha256Hex } from "../../../src/kernel/crypto/bytes";
import type { Job } from "../../../src/kernel/ports/services";
import { api, expectStatus, mintToken, send, signUpUser, uniqueName, type TestUser } from "../../support/client";
import { beat, beatOf, registerMachine, type Beat } from "../../support/machines";

const bindings = env as unknown as Env;
const { DB, FILES } = bindings;
const SKILLS = "/api/v1/dashboard/skills";
const DAY_MS = 86_400_000;

interface Install {
  readonly ok: boolean;
  readonly command_id: string | null;
  readonly transfer_id: string | null;
  readonly status: string;
}
interface Machine {
  readonly id: string;
  readonly token: string;
  readonly botId: string;
}
type Told = Beat["pending_commands"][number] & { readonly payload: Record<string, string | number | null> };

/** A machine with one bot, and a token of its own. */
async function newMachine(user: TestUser, hostname = "den.local"): Promise<Machine> {
  const { token } = await mintToken(user);
  const id = await registerMachine(user, {}, token);
  const botId = crypto.randomUUID();
  const ref = { userId: user.userId, instanceId: id };
  await instanceObject(bindings, ref).setRoster(ref, 1_000, { [botId]: { botName: "Rocky", botUsername: "rocky", botUserId: "@rocky_bot:sett.localhost", runtime: "openclaw", pairingId: uniqueName("p"), redeemedAt: Date.now(), claimedAt: null } });
  await beat(token, id, { hostname });
  return { id, token, botId };
}

/** A beat that tells the machine's skills; answers what the machine has to do about skills. */
async function report(machine: Machine, skills?: readonly Record<string, unknown>[], hostname = "den.local"): Promise<Told[]> {
  const bots = skills === undefined ? [] : [{ bot_id: machine.botId, status: "running", skills }];
  const body = beatOf(machine.id, skills === undefined ? { hostname } : { hostname, bots });
  const { pending_commands: commands } = await expectStatus<Beat>(200, "POST", "/api/v1/dashboard/heartbeat", { token: machine.token, body });
  return commands as Told[];
}

const install = (user: TestUser, name: string, target: Machine) => api<Install & { code?: string }>("POST", `${SKILLS}/install`, { token: user.accessToken, body: { skill_name: name, target_instance_id: target.id } });
const installed = async (user: TestUser, name: string, target: Machine): Promise<Install> => {
  const { status, body } = await install(user, name, target);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};
const put = (machine: Machine, digest: string, content: string, query = "") => api("PUT", `${SKILLS}/content/${digest}${query}`, { token: machine.token, body: content, headers: { "content-type": "application/octet-stream" } });
const finish = (machine: Machine, command: Told | undefined, status: "success" | "failed", result = "done") =>
  expectStatus(200, "POST", `/api/v1/dashboard/commands/${command?.id}/result`, { token: machine.token, body: { status, result } });
const transferOf = (user: TestUser, install: Install) => expectStatus<Record<string, unknown>>(200, "GET", `${SKILLS}/transfers/${install.transfer_id}`, { token: user.accessToken });
const auditOf = async (user: TestUser): Promise<string[]> =>
  (await DB.prepare("SELECT action FROM audit_log WHERE tenant_id = ? AND action LIKE 'skill.%' ORDER BY id").bind(user.userId).all<{ action: string }>()).results.map(({ action }) => action);
const systemContext = () => createSystemContext(bindings, { waitUntil: () => undefined }, "test", uniqueName("req"));

const bundle = (text: string): string => JSON.stringify({ files: [{ path: "SKILL.md", content: btoa(text) }, { path: "run.sh", content: btoa("true") }] });

describe("the skills of a fleet", () => {
  it("are those of all machines, by name, and nobody else's", async () => {
    const user = await signUpUser();
    const [one, two] = [await newMachine(user, "one.local"), await newMachine(user, "two.local")];
    await report(one, [{ name: "dig", description: "digs", use_count: 2 }, { name: "alpha" }], "one.local");
    await report(two, [{ name: "dig", use_count: 3, confirmed: true }], "two.local");
    const skills = await expectStatus<Record<string, unknown>[]>(200, "GET", SKILLS, { token: one.token });
    expect(skills).toMatchObject([
      { name: "alpha", description: "", source: "auto", useCount: 0, confirmed: false, createdAt: null, installedOn: [{ instanceId: one.id, hostname: "one.local" }] },
      { name: "dig", description: "digs", useCount: 5, confirmed: true },
    ]);
    expect(skills[1]?.["installedOn"]).toEqual(expect.arrayContaining([{ instanceId: one.id, hostname: "one.local" }, { instanceId: two.id, hostname: "two.local" }]));
    expect(await expectStatus(200, "GET", SKILLS, { token: (await signUpUser()).accessToken })).toEqual([]);
  });
});

describe("a skill on its way", () => {
  it("goes straight to the target when a beat told its text", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    const content = `# Digging ${uniqueName()}`;
    const digest = await sha256Hex(content);
    await report(source, [{ name: "dig", description: "digs", content, digest }]);
    const first = await installed(user, "dig", target);
    expect(first).toMatchObject({ ok: true, status: "sending", transfer_id: expect.any(String), command_id: expect.any(String) });
    expect(await installed(user, "dig", target)).toEqual(first);

    const commands = await report(target);
    expect(commands).toEqual([
      {
        id: first.command_id,
        command_type: "install_skill",
        payload: { skill_name: "dig", transfer_id: first.transfer_id, digest, size: content.length, format: "text", url: `${SKILLS}/content/${digest}`, description: "digs", content },
      },
    ]);
    const answer = await send("GET", String(commands[0]?.payload["url"]), { token: target.token });
    expect([answer.status, answer.headers.get("etag"), answer.headers.get("content-type"), new TextDecoder().decode(await answer.arrayBuffer())]).toEqual([200, `"${digest}"`, "application/octet-stream", content]);
    await finish(target, commands[0], "success");
    expect(await transferOf(user, first)).toMatchObject({ status: "installed", skill_name: "dig", source_instance_id: source.id, target_instance_id: target.id, digest });
    expect(await auditOf(user)).toEqual(["skill.install", "skill.finish"]);

    await report(target, [{ name: "dig", content, digest }]);
    expect(await installed(user, "dig", target)).toMatchObject({ ok: true, status: "installed", transfer_id: null, command_id: null });
  });

  it("is asked of its machine first, and goes to everybody who waits", async () => {
    const user = await signUpUser();
    const [source, target, another] = [await newMachine(user), await newMachine(user), await newMachine(user)];
    const content = bundle(`# Digging ${uniqueName()}`);
    const digest = await sha256Hex(content);
    await report(source, [{ name: "dig", digest, size_bytes: content.length }]);
    const first = await installed(user, "dig", target);
    const second = await installed(user, "dig", another);
    expect([first.status, second.status]).toEqual(["waiting_source", "waiting_source"]);
    expect(await installed(user, "dig", target)).toEqual(first);
    const asked = await report(source);
    expect(asked.map(({ command_type, payload }) => [command_type, payload])).toEqual([first, second].map(({ transfer_id: id }) => ["export_skill", { skill_name: "dig", digest, transfer_id: id, url: `${SKILLS}/content/${digest}` }]));
    expect(await report(target)).toEqual([]);

    const query = `?transfer_id=${first.transfer_id}&skill_name=dig`;
    for (let i = 0; i < 2; i++) expect(await put(source, digest, content, query)).toMatchObject({ status: 200, body: { digest, size_bytes: content.length, format: "bundle", stored: true } });
    for (const machine of [target, another]) {
      const [command, ...more] = await report(machine);
      expect(more).toEqual([]);
      expect(command).toMatchObject({ command_type: "install_skill", payload: { digest, format: "bundle", content: expect.stringContaining("# Digging") } });
    }
    const [command] = await report(target);
    await finish(target, command, "failed", "disk full");
    expect(await transferOf(user, first)).toMatchObject({ status: "failed", message: "disk full" });
    expect(await transferOf(user, second)).toMatchObject({ status: "sending" });
    // Another try is another transfer, and nobody is asked for what we have.
    const again = await installed(user, "dig", target);
    expect(again).toMatchObject({ status: "sending" });
    expect(again.transfer_id).not.toBe(first.transfer_id);
    // Over or not, the source may repeat what it sent.
    expect(await put(source, digest, content, query)).toMatchObject({ status: 200 });
    await installed(user, "dig", target);
    expect(await auditOf(user)).toContain("skill.store");
  });

  it("is what the source has now, also when it changed since its beat", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    const told = await sha256Hex(uniqueName("old"));
    await report(source, [{ name: "dig", digest: told, content: "not all of it" }]);
    const { transfer_id: id, status } = await installed(user, "dig", target);
    expect(status).toBe("waiting_source");
    const content = `# New ${"x".repeat(30_000)}`;
    const digest = await sha256Hex(content);
    expect(await put(source, digest, content, `?transfer_id=${id}`)).toMatchObject({ status: 200 });
    expect(await report(target)).toMatchObject([{ command_type: "install_skill", payload: { digest, size: content.length, content: null } }]);
  });

  it("fails with its source, and is fetched anew when its file was lost", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    const content = `# Digging ${uniqueName()}`;
    const digest = await sha256Hex(content);
    await report(source, [{ name: "dig", digest }]);
    const lost = await installed(user, "dig", target);
    await finish(source, (await report(source))[0], "failed", "no such skill");
    expect(await transferOf(user, lost)).toMatchObject({ status: "failed", message: "no such skill" });

    const next = await installed(user, "dig", target);
    await put(source, digest, content, `?transfer_id=${next.transfer_id}`);
    await finish(target, (await report(target))[0], "success");
    await transferOf(user, next);
    await FILES.delete(`skills/${user.userId}/${digest}`);
    expect(await api("GET", `${SKILLS}/content/${digest}`, { token: target.token })).toMatchObject({ status: 404 });
    const third = await installed(user, "dig", target);
    expect(third).toMatchObject({ status: "waiting_source" });
    expect((await report(source)).map(({ payload }) => payload["transfer_id"])).toContain(third.transfer_id);
  });

  it("is one transfer for requests that come at once", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    await report(source, [{ name: "dig", content: "# Digging" }]);
    const answers = await Promise.all([install(user, "dig", target), install(user, "dig", target), install(user, "dig", target)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.transfer_id)).size).toBe(1);
    expect(await report(target)).toHaveLength(1);
  });

  it("waits at most a day, and the sweep looks after it", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    await report(source, [{ name: "dig", content: "# Digging" }]);
    const sent = await installed(user, "dig", target);
    await finish(target, (await report(target))[0], "success");
    await DB.prepare("UPDATE skill_transfers SET check_at = 0 WHERE id = ?").bind(sent.transfer_id).run();
    const jobs: Job[] = [];
    const collecting: Env = { ...bindings, JOBS: { send: async (job: Job) => void jobs.push(job) } as unknown as Queue };
    await handleScheduled(createScheduledController({ cron: "* * * * *", scheduledTime: new Date(Date.now() + 990_000_000) }), collecting, { waitUntil: () => undefined });
    expect(jobs.filter(({ type, payload }) => type === "skill.advance" && payload === sent.transfer_id)).toHaveLength(1);
    for (let i = 0; i < 2; i++) await advanceTransferJob(systemContext(), sent.transfer_id);
    expect(await transferOf(user, sent)).toMatchObject({ status: "installed" });
    expect((await auditOf(user)).filter((action) => action === "skill.finish")).toHaveLength(1);

    const slow = await installed(user, "dig", target);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY_MS + 1_000 });
    try {
      await advanceTransferJob(systemContext(), slow.transfer_id);
    } finally {
      vi.useRealTimers();
    }
    expect(await transferOf(user, slow)).toMatchObject({ status: "expired" });
  });

  it("is taken up again after the file store failed", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    const content = `# Digging ${uniqueName()}`;
    const digest = await sha256Hex(content);
    await report(source, [{ name: "dig", digest }]);
    const sent = await installed(user, "dig", target);
    await put(source, digest, content, `?transfer_id=${sent.transfer_id}`);
    await DB.prepare("UPDATE skill_transfers SET state = 'waiting_source', install_command_id = NULL, check_at = 0 WHERE id = ?").bind(sent.transfer_id).run();
    const broken = { ...systemContext().services.files, get: () => Promise.reject(new Error("the store is down")) };
    const real = systemContext();
    await advanceTransferJob({ ...real, db: real.db, services: { ...real.services, files: broken } }, sent.transfer_id);
    expect(await DB.prepare("SELECT state, check_at > 0 AS later FROM skill_transfers WHERE id = ?").bind(sent.transfer_id).first()).toEqual({ state: "waiting_source", later: 1 });
    await advanceTransferJob(systemContext(), sent.transfer_id);
    expect(await transferOf(user, sent)).toMatchObject({ status: "sending" });
    // The command that went out before is this one: nothing is told twice.
    expect(await report(target)).toHaveLength(1);
  });

  it("leaves nothing behind once nobody wants it", async () => {
    const user = await signUpUser();
    const [source, target] = [await newMachine(user), await newMachine(user)];
    const content = `# Digging ${uniqueName()}`;
    const key = `skills/${user.userId}/${await sha256Hex(content)}`;
    await report(source, [{ name: "dig", content }]);
    const sent = await installed(user, "dig", target);
    await forgetOldSkills(systemContext(), Date.now() + DAY_MS);
    expect(await FILES.head(key)).not.toBeNull();
    await finish(target, (await report(target))[0], "success");
    await transferOf(user, sent);
    await forgetOldSkills(systemContext(), Date.now() + DAY_MS);
    expect(await FILES.head(key)).toBeNull();
    const { results } = await DB.prepare("SELECT id FROM skill_transfers WHERE tenant_id = ?").bind(user.userId).all();
    expect(results).toEqual([]);
  });
});

describe("skills are refused", () => {
  it("to machines that are not there, and where nobody has them", async () => {
    const [user, stranger] = [await signUpUser(), await signUpUser()];
    const [source, target, foreign] = [await newMachine(user), await newMachine(user), await newMachine(stranger)];
    await report(source, [{ name: "dig", content: "# Digging" }, { name: "bare" }, { name: "odd", digest: "md5:1" }]);
    await report(foreign, [{ name: "secret", content: "# Secret" }]);
    for (const machine of [foreign, { ...target, id: uniqueName("nowhere-") }]) expect(await install(user, "dig", machine)).toMatchObject({ status: 404, body: { code: "not_found" } });
    for (const name of ["nothing", "secret", "bare", "odd"]) expect(await install(user, name, target), name).toMatchObject({ status: 404, body: { code: "not_found" } });
    await DB.prepare("UPDATE instances SET archived_at = 1 WHERE instance_id = ?").bind(target.id).run();
    expect(await install(user, "dig", target)).toMatchObject({ status: 404 });
    expect(await auditOf(user)).toEqual([]);
  });

  it("when they are not what was asked for, or not from whom", async () => {
    const [user, stranger] = [await signUpUser(), await signUpUser()];
    const [source, target, foreign] = [await newMachine(user), await newMachine(user), await newMachine(stranger)];
    const content = bundle("# Digging");
    const digest = await sha256Hex(content);
    await report(source, [{ name: "dig", digest }]);
    const { transfer_id: id } = await installed(user, "dig", target);
    const query = `?transfer_id=${id}`;
    expect(await put(foreign, digest, content, query)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await put(target, digest, content, query)).toMatchObject({ status: 403, body: { code: "token_bound" } });
    expect(await put(source, digest, `${content} `, query)).toMatchObject({ status: 422, body: { detail: [{ loc: ["path", "digest"] }] } });
    expect(await put(source, digest, content, `${query}&skill_name=other`)).toMatchObject({ status: 404 });
    for (const bad of ["", JSON.stringify({ files: [{ path: "../x", content: "" }] })]) {
      expect(await put(source, await sha256Hex(bad), bad, query)).toMatchObject({ status: 422, body: { detail: [{ loc: ["body"] }] } });
    }
    const large = "x".repeat(1024 * 1024 + 1);
    expect(await put(source, await sha256Hex(large), large, query)).toMatchObject({ status: 413 });
    expect(await put(source, await sha256Hex("unasked"), "unasked")).toMatchObject({ status: 404 });
    expect(await api("GET", `${SKILLS}/content/${digest}`, { token: user.accessToken })).toMatchObject({ status: 404 });

    expect(await put(source, digest, content)).toMatchObject({ status: 200 });
    for (const path of [`${SKILLS}/content/${digest}`, `${SKILLS}/transfers/${id}`]) {
      expect(await api("GET", path, { token: stranger.accessToken })).toMatchObject({ status: 404, body: { code: "not_found" } });
      expect((await send("GET", path, { token: user.accessToken })).status).toBe(200);
    }
  });
});
