import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSourceCatalogs } from "../../../src/integrations/source-catalogs/catalogs";
import { readAdvertisement } from "../../../src/integrations/source-catalogs/git-refs";
import { MAX_METADATA_BYTES } from "../../../src/kernel/ports/source-catalogs";

/** A server that the test writes, and a git repository that the machine's own git serves beside it. */
let reply: (request: IncomingMessage, answer: ServerResponse) => void;
let origin: string;
let other: string;
let folder: string;
const seen: string[] = [];
const git = (...args: string[]): string => execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main", ...args], { cwd: folder, encoding: "utf8" }).trim();

const server = createServer((request, answer) => {
  seen.push(request.url ?? "");
  reply(request, answer);
});
const stranger = createServer((_request, answer) => answer.end("{}"));
const start = (which: typeof server): Promise<string> =>
  new Promise((ready) => {
    which.listen(0, "127.0.0.1", () => {
      const address = which.address();
      ready(`http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`);
    });
  });
const json = (answer: ServerResponse, body: unknown, status = 200): void => {
  answer.writeHead(status, { "content-type": "application/json" });
  answer.end(JSON.stringify(body));
};

beforeAll(async () => {
  [origin, other] = await Promise.all([start(server), start(stranger)]);
  folder = mkdtempSync(join(tmpdir(), "sett-git-"));
  git("init", "-q");
});
afterAll(() => {
  for (const one of [server, stranger]) {
    one.closeAllConnections();
    one.close();
  }
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  seen.length = 0;
});

const local = createSourceCatalogs(true);
const failure = (kind: "mcp-registry" | "anthropic-skills" | "git-repository", path = "") => local.list(kind, `${origin}${path}`).then(() => null, (error: unknown) => error);

describe("an MCP registry", () => {
  const official = (isLatest: boolean, status = "active") => ({ "io.modelcontextprotocol.registry/official": { status, isLatest } });

  it("is read page by page, the newest version of each server", async () => {
    reply = (request, answer) => {
      const { searchParams } = new URL(request.url ?? "", origin);
      if (searchParams.get("cursor") === "page 2") return json(answer, { servers: [{ server: { name: "io.example/new", version: "2.0.0" }, _meta: official(true) }, { server: {} }, null, 7], metadata: { count: 1 } });
      return json(answer, {
        servers: [
          {
            server: {
              name: "io.example/dig",
              description: "Digs",
              title: "Dig",
              version: "1.2.0",
              repository: { url: "https://github.com/example/dig", source: "github" },
              remotes: [{ type: "stdio" }, { type: "streamable-http", url: "https://dig.example/mcp" }],
              packages: [{ registryType: "npm", identifier: "@example/dig", version: "1.2.0" }],
            },
            _meta: official(true),
          },
          { server: { name: "io.example/dig", version: "1.1.0" }, _meta: official(false) },
          { server: { name: "io.example/gone", version: "1.0.0" }, _meta: official(true, "deleted") },
        ],
        metadata: { nextCursor: "page 2", count: 3 },
      });
    };
    const found = await local.list("mcp-registry", origin);
    expect(found).toEqual([
      {
        kind: "mcp-server",
        name: "io.example/dig",
        upstreamId: "io.example/dig",
        version: "1.2.0",
        digest: null,
        metadata: { endpoint: "https://dig.example/mcp", transport: "streamable-http", title: "Dig", description: "Digs", repository: "https://github.com/example/dig", packages: [{ registryType: "npm", identifier: "@example/dig", version: "1.2.0" }] },
      },
      { kind: "mcp-server", name: "io.example/new", upstreamId: "io.example/new", version: "2.0.0", digest: null, metadata: {} },
    ]);
    expect(seen).toEqual(["/v0/servers?limit=100", "/v0/servers?limit=100&cursor=page+2"]);
  });

  it("may be an older one, or say where its list is", async () => {
    reply = (_request, answer) => json(answer, { servers: [{ name: "old", version_detail: { version: "0.1" }, remotes: [{ transport_type: "sse", url: "https://old.example/sse" }] }], metadata: { next_cursor: null } });
    expect(await local.list("mcp-registry", `${origin}/registry/v0.1/servers`)).toMatchObject([{ upstreamId: "old", version: "0.1", metadata: { transport: "sse" } }]);
    await local.list("mcp-registry", `${origin}/registry/v0.1/`);
    expect(seen).toEqual(["/registry/v0.1/servers?limit=100", "/registry/v0.1/servers?limit=100"]);
  });

  it("is read up to two thousand servers, and what is told of one is bounded", async () => {
    let page = 0;
    reply = (_request, answer) => {
      page += 1;
      json(answer, { servers: Array.from({ length: 100 }, (_, i) => ({ server: { name: `s${page}-${i}`, description: "x".repeat(9_000), websiteUrl: `https://x.example/${"y".repeat(400)}` } })), metadata: { nextCursor: `c${page}` } });
    };
    const found = await local.list("mcp-registry", origin);
    expect(found).toHaveLength(2_000);
    expect(page).toBe(20);
    expect(JSON.stringify(found[0]?.metadata).length).toBeLessThanOrEqual(MAX_METADATA_BYTES);
    expect(found[0]?.metadata["description"]).toHaveLength(1_000);
  });

  it("that names the same servers without end, or sends more than a visit takes, is not read on", async () => {
    let page = 0;
    reply = (_request, answer) => json(answer, { servers: Array.from({ length: 15_000 }, () => ({ name: "one" })), metadata: { nextCursor: `c${(page += 1)}` } });
    expect(await failure("mcp-registry")).toMatchObject({ code: "BAD_GATEWAY", message: expect.stringContaining("again and again") });
    expect(page).toBe(2);
    page = 0;
    const filler = "x".repeat(4 * 1024 * 1024 - 1_000);
    reply = (_request, answer) => json(answer, { servers: [], filler, metadata: { nextCursor: `c${(page += 1)}` } });
    expect(await failure("mcp-registry")).toMatchObject({ code: "BAD_GATEWAY" });
    expect(page).toBe(17);
  });

  it("that always names the same next page ends", async () => {
    reply = (_request, answer) => json(answer, { servers: [{ name: "one" }], metadata: { nextCursor: "again" } });
    expect(await local.list("mcp-registry", origin)).toHaveLength(1);
    expect(seen).toHaveLength(2);
  });
});

describe("a marketplace", () => {
  const INDEX = "/repo/.claude-plugin/marketplace.json";
  const index = {
    name: "example-skills",
    metadata: { version: "1.0.0" },
    plugins: [
      { name: "documents", description: "Papers", source: "./", strict: false, skills: ["./skills/xlsx", "./skills/pdf", "../outside"] },
      { name: "far", source: { source: "github", repo: "example/far" }, version: "3.1.0" },
      { name: "plain", source: "./plugins/plain" },
      { source: "nameless" },
      "odd",
    ],
  };

  it("offers the skills of its plugins, with where each can be fetched", async () => {
    reply = (_request, answer) => json(answer, index);
    const found = await local.list("anthropic-skills", `${origin}/repo`);
    expect(found.map(({ name, upstreamId, version, metadata }) => [name, upstreamId, version, metadata["contentUrl"] ?? null])).toEqual([
      ["xlsx", "documents/skills/xlsx", "1.0.0", `${origin}/repo/skills/xlsx/SKILL.md`],
      ["pdf", "documents/skills/pdf", "1.0.0", `${origin}/repo/skills/pdf/SKILL.md`],
      ["far", "far", "3.1.0", null],
      ["plain", "plain", "1.0.0", null],
    ]);
    expect(found[2]?.metadata).toMatchObject({ repository: "example/far" });
    expect(seen).toEqual([INDEX]);
    expect((await local.list("anthropic-skills", `${origin}/lists/skills.json`))[0]?.metadata["contentUrl"]).toBe(`${origin}/lists/skills/xlsx/SKILL.md`);
  });

  it("offers at most two thousand things, and may not name the same ones without end", async () => {
    const plugin = (skills: readonly string[]) => ({ plugins: [{ name: "p", source: "./", skills }] });
    reply = (_request, answer) => json(answer, plugin(Array.from({ length: 9_000 }, (_, i) => `s${i}`)));
    expect(await local.list("anthropic-skills", `${origin}/repo`)).toHaveLength(2_000);
    reply = (_request, answer) => json(answer, plugin(Array.from({ length: 9_000 }, () => "same")));
    expect(await failure("anthropic-skills", "/repo")).toMatchObject({ code: "BAD_GATEWAY", message: expect.stringContaining("again and again") });
  });

  it("follows redirects of its own host only, and few", async () => {
    reply = (request, answer) => {
      if (request.url !== "/moved.json") return json(answer, index);
      answer.writeHead(302, { location: INDEX }).end();
    };
    expect((await local.list("anthropic-skills", `${origin}/moved.json`))[0]?.metadata["contentUrl"]).toBe(`${origin}/repo/skills/xlsx/SKILL.md`);
    reply = (_request, answer) => answer.writeHead(302, { location: `${other}${INDEX}` }).end();
    expect(await failure("anthropic-skills")).toMatchObject({ code: "BAD_GATEWAY", message: "The source points to another host." });
    reply = (_request, answer) => answer.writeHead(302, { location: "/again" }).end();
    expect(await failure("anthropic-skills")).toMatchObject({ message: "The source redirects too often." });
  });
});

describe("a git repository", () => {
  /** As `git http-backend` answers, by the machine's own git. */
  const serveGit = (config: readonly string[] = []) => (request: IncomingMessage, answer: ServerResponse): void => {
    if (request.url !== "/dig.git/info/refs?service=git-upload-pack") return void answer.writeHead(404).end();
    const refs = execFileSync("git", [...config, "upload-pack", "--stateless-rpc", "--advertise-refs", folder], { env: { ...process.env, ...(config.length > 0 ? { GIT_PROTOCOL: "version=1" } : {}) } });
    answer.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    answer.end(Buffer.concat([Buffer.from("001e# service=git-upload-pack\n0000"), refs]));
  };

  it("that is empty offers nothing", async () => {
    reply = serveGit();
    expect(await local.list("git-repository", `${origin}/dig.git`)).toEqual([]);
  });

  it("offers its newest commit and its tags, those with words at the commit they stand on", async () => {
    git("commit", "-q", "--allow-empty", "-m", "one");
    const first = git("rev-parse", "HEAD");
    git("tag", "v1.0.0");
    git("commit", "-q", "--allow-empty", "-m", "two");
    const second = git("rev-parse", "HEAD");
    git("tag", "-a", "v2.0.0", "-m", "two");
    for (const config of [[], ["-c", "protocol.version=1"]]) {
      reply = serveGit(config);
      const found = await local.list("git-repository", `${origin}/dig.git/`);
      expect(found.map(({ kind, name, upstreamId, version, digest }) => [kind, name, upstreamId, version, digest])).toEqual([
        ["skill-bundle", "dig", "HEAD", second.slice(0, 12), `git:${second}`],
        ["skill-bundle", "dig", "refs/tags/v1.0.0", "v1.0.0", `git:${first}`],
        ["skill-bundle", "dig", "refs/tags/v2.0.0", "v2.0.0", `git:${second}`],
      ]);
    }
  });

  it("that is none, or a broken one, is said to be so", async () => {
    reply = (_request, answer) => answer.writeHead(200, { "content-type": "text/html" }).end("<html>");
    expect(await failure("git-repository", "/dig.git")).toMatchObject({ code: "BAD_GATEWAY", message: "The source is no git repository that is served over smart HTTP." });
    const read = (text: string) => readAdvertisement(new TextEncoder().encode(text));
    for (const text of ["", "0000", "zzzz", "00ff# service=git-upload-pack\n", "001e# service=git-upload-pack\n00000001", "001f# service=git-receive-pack\n"]) expect(() => read(text), text).toThrow("The source answered");
  });
});

describe("an advertisement", () => {
  it("of nothing but empty lines is broken", () => {
    expect(() => readAdvertisement(new TextEncoder().encode(`001e# service=git-upload-pack\n${"0000".repeat(200_000)}`))).toThrow("broken");
  });
});

describe("any catalogue", () => {
  it("fails with a reason, and never for ever", async () => {
    const failing: readonly (readonly [string, typeof reply])[] = [
      ["answered 404", (_request, answer) => json(answer, {}, 404)],
      ["no JSON object", (_request, answer) => answer.end("<html>")],
      ["no JSON object", (_request, answer) => json(answer, [])],
      ["no list", (_request, answer) => json(answer, { servers: {}, plugins: {} })],
      ["more than", (_request, answer) => answer.end(Buffer.alloc(5 * 1024 * 1024, 32))],
      ["cannot be reached", (request) => request.socket.destroy()],
    ];
    for (const [why, how] of failing) {
      reply = how;
      for (const kind of ["mcp-registry", "anthropic-skills"] as const) expect(await failure(kind), why).toMatchObject({ code: "BAD_GATEWAY", message: expect.stringContaining(why) as string });
    }
  });

  it("is not asked at an address of this machine or without encryption, save locally", async () => {
    reply = (_request, answer) => json(answer, { servers: [] });
    const outside = createSourceCatalogs(false);
    for (const url of [origin, "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/", "https://metadata.internal/", "http://example.org/"]) {
      await expect(outside.list("mcp-registry", url), url).rejects.toMatchObject({ code: "BAD_GATEWAY", message: "The source has an address that is not asked." });
      await expect(outside.download(url, 10), url).rejects.toMatchObject({ code: "BAD_GATEWAY" });
    }
    expect(seen).toEqual([]);
  });

  it("gives contents whole, or not at all", async () => {
    reply = (_request, answer) => answer.end("# Dig");
    expect(new TextDecoder().decode(await local.download(`${origin}/SKILL.md`, 5))).toBe("# Dig");
    await expect(local.download(`${origin}/SKILL.md`, 4)).rejects.toMatchObject({ code: "BAD_GATEWAY" });
  });
});
