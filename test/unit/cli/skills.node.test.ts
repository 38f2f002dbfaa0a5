import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { digestOf, isInnerPath, isSkillName, packSkill, skillDescription, SKILL_BYTES_MAX, unpackSkill } from "../../../cli/src/bots/skill-bundle";
import { SkillFolder } from "../../../cli/src/bots/skill-folder";
import { executeBotCommand, type BotCommandContext } from "../../../cli/src/bots/bot-commands";
import { BotManager } from "../../../cli/src/bots/bot-manager";
import { EMPTY_CONFIG } from "../../../cli/src/core/config";
import { ApiClient } from "../../../cli/src/core/http";
import { Logger } from "../../../cli/src/core/log";
import { settPaths } from "../../../cli/src/core/paths";
import { FakeBots } from "./fake-bots";
import { FakeServer } from "./fake-server";
import { temporaryHome } from "./support";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let home: ReturnType<typeof temporaryHome>;
let root: string;

beforeEach(() => {
  home = temporaryHome();
  root = join(home.path, "skills");
});

afterEach(() => home.remove());

const bytes = (text: string): Uint8Array => Buffer.from(text);
const bundle = (files: Record<string, string>): Buffer => Buffer.from(JSON.stringify({ files: Object.entries(files).map(([path, text]) => ({ path, content: Buffer.from(text).toString("base64") })) }));
function writeSkill(name: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name, path)), { recursive: true });
    writeFileSync(join(root, name, path), text);
  }
}

describe("a skill on its way", () => {
  it("has the same bytes whatever the order of its files, and comes out as it went in", () => {
    const files = [{ path: "lib/a.py", bytes: bytes("a") }, { path: "SKILL.md", bytes: bytes("# S") }];
    expect(packSkill(files)).toEqual(packSkill([...files].reverse()));
    expect(String(packSkill(files))).toBe('{"files":[{"path":"SKILL.md","content":"IyBT"},{"path":"lib/a.py","content":"YQ=="}]}');
    expect(unpackSkill(packSkill(files)).map(({ path, bytes: data }) => [path, String(data)])).toEqual([["SKILL.md", "# S"], ["lib/a.py", "a"]]);
    expect(unpackSkill(bytes("just text"))).toEqual([{ path: "SKILL.md", bytes: bytes("just text") }]);
  });

  it.each(["../x", "/etc/passwd", "a/../../x", "a//b", "./a", "a/.", "", "a\\b", "C:x", "a\u0000b"])("does not take the path %j", (path) => {
    expect(isInnerPath(path)).toBe(false);
    expect(() => unpackSkill(bundle({ "SKILL.md": "s", [path]: "x" }))).toThrow("leaves the skill's folder");
  });

  it("refuses what is no skill", () => {
    expect(() => unpackSkill(bundle({ "a.md": "x" }))).toThrow("no SKILL.md");
    expect(() => unpackSkill(bundle({ "SKILL.md": "x", "skill.MD": "y" }))).toThrow("twice");
    expect(() => unpackSkill(bundle({ "SKILL.md": "x", a: "y", "a/b": "z" }))).toThrow("file and also a folder");
    expect(() => unpackSkill(Buffer.alloc(SKILL_BYTES_MAX + 1))).toThrow("1 MiB");
    expect(() => unpackSkill(Buffer.from([0xff, 0xfe]))).toThrow("no text");
    expect(() => unpackSkill(bundle(Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}`, ""]))))).toThrow("200 files");
    for (const name of ["", ".x", "a/b", "..", "-x", "a b", "x".repeat(129)]) expect(isSkillName(name)).toBe(false);
    expect(isSkillName("weather_2.0-b")).toBe(true);
  });

  it("finds a description in the front matter", () => {
    expect(skillDescription("---\nname: x\ndescription: Tells the weather\n---\n# X")).toBe("Tells the weather");
    expect(skillDescription('---\ndescription: "quoted: yes"\nname: x\n---')).toBe("quoted: yes");
    expect(skillDescription("---\r\ndescription: >-\r\n  two\r\n  lines\r\nname: x\r\n---")).toBe("two lines");
    expect(skillDescription("no front matter\ndescription: x")).toBe("");
  });
});

describe("the folder of skills", () => {
  it("lists what is there, reads it again only when it changed, and follows no links", () => {
    writeSkill("weather", { "SKILL.md": "---\ndescription: Rain\n---", "lib/x.py": "1", ".git/config": "no" });
    writeSkill("half", { "README.md": "no skill" });
    writeFileSync(join(home.path, "secret"), "secret");
    symlinkSync(join(home.path, "secret"), join(root, "weather", "link"));
    let now = 0;
    const folder = new SkillFolder(root, () => now);
    const [skill] = folder.list();
    expect(folder.list()).toHaveLength(1);
    expect(skill).toMatchObject({ name: "weather", description: "Rain", digest: folder.pack("weather")?.digest });
    expect(unpackSkill(folder.pack("weather")?.content ?? Buffer.alloc(0)).map(({ path }) => path)).toEqual(["SKILL.md", "lib/x.py"]);
    now += 60_000;
    expect(folder.list()[0]).toBe(skill);
    writeFileSync(join(root, "weather", "lib", "x.py"), "2");
    utimesSync(join(root, "weather", "lib", "x.py"), 1, 1);
    now += 60_000;
    expect(folder.list()[0]?.digest).not.toBe(skill?.digest);
    expect(new SkillFolder(join(home.path, "nowhere")).list()).toEqual([]);
  });

  it("replaces a skill whole, and puts back one that a dying daemon left aside", () => {
    writeSkill("weather", { "SKILL.md": "old", "gone.txt": "x" });
    const folder = new SkillFolder(root);
    folder.install("weather", [{ path: "SKILL.md", bytes: bytes("new") }, { path: "a/b.txt", bytes: bytes("b") }]);
    expect(readdirSync(root)).toEqual(["weather"]);
    expect(readdirSync(join(root, "weather")).sort()).toEqual(["SKILL.md", "a"]);
    writeSkill(".lost.sett-old", { "SKILL.md": "mine" });
    expect(new SkillFolder(root).list().map(({ name }) => name)).toEqual(["lost", "weather"]);
  });
});

describe("skills between machines", () => {
  let server: FakeServer;
  let bots: FakeBots;
  let context: BotCommandContext;

  beforeEach(async () => {
    server = new FakeServer();
    await server.start();
    bots = new FakeBots(server);
    const paths = settPaths(home.path);
    const api = new ApiClient(server.url, server.token);
    const manager = new BotManager({ paths, api, log: new Logger(paths.daemonLog), owner: null, instanceId: () => "m", hermes: () => EMPTY_CONFIG.hermes, onChange: () => Promise.resolve(), onBot: () => undefined });
    context = { bots: manager, skills: new SkillFolder(root), api, settled: () => Promise.resolve({ ok: true, text: "" }) };
  });

  afterEach(() => server.kill());

  const run = (type: "install_skill" | "export_skill", payload: Record<string, unknown>) => executeBotCommand(type, { id: "c", type, payload }, context);

  it("sends one and installs it elsewhere, byte for byte", async () => {
    writeSkill("weather", { "SKILL.md": "# W", "lib/x.py": "print('☂')" });
    expect(await run("export_skill", { skill_name: "weather", transfer_id: "t", digest: "x", url: "/x" })).toMatchObject({ status: "success" });
    const [[digest, content] = ["", ""]] = [...bots.skills];
    expect(server.requests.at(-1)?.url.searchParams.get("transfer_id")).toBe("t");
    context = { ...context, skills: new SkillFolder(join(home.path, "other")) };
    const payload = { skill_name: "weather", transfer_id: "t", digest, size: content.length, format: "bundle", url: `/api/v1/dashboard/skills/content/${digest}`, content: null };
    expect(await run("install_skill", payload)).toMatchObject({ status: "success", result: "installed weather: 2 files" });
    expect(readFileSync(join(home.path, "other", "weather", "lib", "x.py"), "utf8")).toBe("print('☂')");
    expect(context.skills.pack("weather")?.digest).toBe(digest);
    expect(await run("install_skill", payload)).toMatchObject({ status: "success", result: "weather is installed already" });
  });

  it("writes nothing when the bytes are not the announced ones, or would leave the folder", async () => {
    const good = bundle({ "SKILL.md": "x" });
    const digest = digestOf(good);
    bots.skills.set(digest, `${String(good)} `);
    const path = `/api/v1/dashboard/skills/content/${digest}`;
    expect(await run("install_skill", { skill_name: "a", digest, url: path })).toMatchObject({ status: "failed", result: expect.stringContaining("another digest") });
    const evil = bundle({ "SKILL.md": "x", "../../evil": "x" });
    bots.skills.set(digestOf(evil), String(evil));
    expect(await run("install_skill", { skill_name: "a", digest: digestOf(evil), url: `/api/v1/dashboard/skills/content/${digestOf(evil)}` })).toMatchObject({ status: "failed" });
    for (const url of ["//evil.example/x", "https://evil.example/x", "/\\evil.example/x"]) {
      expect(await run("install_skill", { skill_name: "a", digest, url })).toMatchObject({ status: "failed", result: "that is no path on this server" });
    }
    expect(await run("install_skill", { skill_name: "../a", digest, url: path })).toMatchObject({ status: "failed" });
    expect(await run("install_skill", { skill_name: "a", content: "x" })).toMatchObject({ status: "failed", result: "payload.digest is no SHA-256" });
    expect(await run("export_skill", { skill_name: "nobody", transfer_id: "t" })).toMatchObject({ status: "failed" });
    expect(existsSync(root)).toBe(false);
  });

  it("takes the plain text of clients that know no bundles", async () => {
    expect(await run("install_skill", { skill_name: "a", digest: digestOf(bytes("# A")), content: "# A" })).toMatchObject({ status: "success" });
    expect(readFileSync(join(root, "a", "SKILL.md"), "utf8")).toBe("# A");
  });
});
