import { createServer, request, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EgressProxy, proxyEnvironment } from "../../../cli/src/governance/egress-proxy";
import type { NetworkRules } from "../../../cli/src/governance/network-rules";
import { eventually } from "./support";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let target: Server;
let targetPort: number;
let proxy: EgressProxy;
let refused: string[];
/** What names lead to; asked once a connection. */
let names: Map<string, string[]>;
let asked: string[];

beforeEach(async () => {
  target = createServer((incoming, response) => response.end(`hello ${incoming.headers.host ?? ""}`));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  targetPort = (target.address() as AddressInfo).port;
  refused = [];
  asked = [];
  names = new Map();
  proxy = make(undefined);
  await proxy.start();
});

afterEach(async () => {
  await proxy.stop();
  target.closeAllConnections();
  target.close();
});

function make(port: number | undefined, look: (name: string) => Promise<string[]> = async (name) => names.get(name) ?? []): EgressProxy {
  return new EgressProxy({
    port,
    server: { host: "sett.example", port: targetPort },
    resolve: async (name) => {
      asked.push(name);
      return (await look(name)).map((address) => ({ address, family: 4 }));
    },
    onRefused: (kind, subject) => refused.push(`${kind} ${subject}`),
  });
}

const rules = (allow: string[], egress: NetworkRules["egress"] = [], more: Partial<NonNullable<NetworkRules["domains"]>> = {}): NetworkRules => ({ domains: { allow, deny: [], defaultDeny: true, ...more }, egress });
const loopback = (): NetworkRules["egress"] => [{ cidr: "127.0.0.0/8", ports: [targetPort], protocol: "TCP" }];

/** Opens a tunnel: the status, the refusal's text and, when it was opened, the socket. */
function tunnel(authority: string): Promise<{ readonly status: number; readonly text: string; readonly socket?: Socket }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port: proxy.port, method: "CONNECT", path: authority });
    asking.on("connect", (response, socket, head) => {
      const status = response.statusCode ?? 0;
      if (status === 200) return resolve({ status, text: "", socket });
      let text = head.toString();
      socket.on("data", (chunk) => (text += String(chunk)));
      socket.on("close", () => resolve({ status, text }));
    });
    asking.on("error", reject);
    asking.end();
  });
}

/** Asks through a tunnel as a client would. */
function askThrough(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk) => (text += String(chunk)));
    socket.on("close", () => resolve(text));
    socket.write("GET / HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n");
  });
}

/** A plain request with an absolute address, as clients send to proxies. */
function plain(url: string, host = new URL(url).host): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port: proxy.port, path: url, headers: { host } }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on("error", reject);
    asking.end();
  });
}

describe("the agents' proxy", () => {
  it("lets nothing through before it has rules", async () => {
    expect((await tunnel("example.org:443")).status).toBe(403);
    expect((await plain(`http://127.0.0.1:${targetPort}/`)).status).toBe(403);
  });

  it("carries tunnels and plain requests to addresses that an egress rule covers", async () => {
    proxy.setRules(rules([], loopback()));
    const open = await tunnel(`127.0.0.1:${targetPort}`);
    expect(open.status).toBe(200);
    expect(await askThrough(open.socket as Socket)).toContain("hello inside");
    expect(await plain(`http://127.0.0.1:${targetPort}/x`)).toEqual({ status: 200, text: `hello 127.0.0.1:${targetPort}` });
    expect((await tunnel("127.0.0.1:1")).status).toBe(403);
    expect(refused).toEqual(["egress 127.0.0.1:1"]);
  });

  it("refuses names with a sentence, and tells of each", async () => {
    proxy.setRules(rules(["*.example.org"], [], { deny: ["bad.example.org"] }));
    const answer = await tunnel("other.org:443");
    expect(answer).toMatchObject({ status: 403, text: "sett: other.org:443 refused: the contract does not allow this domain" });
    expect((await tunnel("bad.example.org:443")).status).toBe(403);
    expect((await tunnel("a.example.org:8443")).status).toBe(403);
    expect((await plain("http://a.example.org/")).status).toBe(403);
    expect(refused).toEqual(["domain other.org:443", "domain bad.example.org:443", "domain a.example.org:8443", "domain a.example.org:80"]);
    // Nobody was asked for the addresses of what is refused.
    expect(asked).toEqual([]);
  });

  it("refuses names that lead to this machine, unless they are allowed by themselves", async () => {
    names.set("a.example.org", ["127.0.0.1", "169.254.169.254"]);
    proxy.setRules(rules(["*"]));
    const answer = await tunnel("a.example.org:443");
    expect(answer.status).toBe(403);
    expect(answer.text).toContain("private address");
    expect(refused).toEqual(["domain a.example.org:443"]);
    // Now it may; whether somebody listens there is another matter.
    proxy.setRules(rules(["a.example.org"]));
    const open = await tunnel("a.example.org:443").catch(() => undefined);
    open?.socket?.destroy();
    expect(open?.status).not.toBe(403);
    expect(refused).toHaveLength(1);
  });

  it("connects at the address that was judged, not at what a second look-up says", async () => {
    names.set("own.name", ["127.0.0.1"]);
    proxy.setRules({ domains: { allow: ["own.name"], deny: [], defaultDeny: false }, egress: [] });
    const open = await tunnel(`own.name:${targetPort}`);
    expect(await askThrough(open.socket as Socket)).toContain("hello inside");
    expect(asked).toEqual(["own.name"]);
  });

  it("answers 502 for a name without an address, which is no violation", async () => {
    proxy.setRules(rules(["nowhere.test"]));
    expect((await tunnel("nowhere.test:443")).status).toBe(502);
    expect(refused).toEqual([]);
  });

  it("always lets our own server be reached", async () => {
    names.set("sett.example", ["127.0.0.1"]);
    proxy.setRules(rules([]));
    const open = await tunnel(`sett.example:${targetPort}`);
    expect(open.status).toBe(200);
    open.socket?.destroy();
    expect((await tunnel("sett.example:1")).status).toBe(403);
  });

  it("cuts open tunnels that new rules refuse, and no others", async () => {
    const second = createServer((_incoming, response) => response.end("second"));
    await new Promise<void>((resolve) => second.listen(0, "127.0.0.1", resolve));
    const secondPort = (second.address() as AddressInfo).port;
    proxy.setRules(rules([], [{ cidr: "127.0.0.1/32", ports: [targetPort, secondPort], protocol: "TCP" }]));
    const [stays, goes] = [await tunnel(`127.0.0.1:${targetPort}`), await tunnel(`127.0.0.1:${secondPort}`)];
    let cut = false;
    goes.socket?.on("close", () => (cut = true));
    goes.socket?.on("error", () => undefined);
    proxy.setRules(rules([], loopback()));
    await eventually("cut", () => cut);
    expect(await askThrough(stays.socket as Socket)).toContain("hello inside");
    second.closeAllConnections();
    second.close();
  });

  it("understands odd spellings of addresses", async () => {
    proxy.setRules(rules(["*"]));
    for (const authority of [`0x7f000001:${targetPort}`, `2130706433:${targetPort}`, `[::ffff:127.0.0.1]:${targetPort}`, `127.1:${targetPort}`, `LOCALHOST.:${targetPort}`]) {
      names.set("localhost", ["127.0.0.1"]);
      expect((await tunnel(authority)).status, authority).toBe(403);
    }
  });

  it("goes by the rules of the moment when the name was looked up", async () => {
    let answer: (() => void) | undefined;
    await proxy.stop();
    proxy = make(undefined, async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return ["127.0.0.1"];
    });
    await proxy.start();
    proxy.setRules({ domains: { allow: ["own.name"], deny: [], defaultDeny: false }, egress: [] });
    const asking = tunnel(`own.name:${targetPort}`);
    await eventually("looked up", () => answer);
    proxy.setRules({ domains: { allow: ["own.name"], deny: ["own.name"], defaultDeny: false }, egress: [] });
    answer?.();
    expect((await asking).status).toBe(403);
    expect(refused).toEqual([`domain own.name:${targetPort}`]);
  });

  it("goes by where a name leads when there are egress rules only: any address can be given a name", async () => {
    names.set("inside.test", ["127.0.0.1"]).set("outside.test", ["192.0.2.1"]);
    proxy.setRules({ domains: null, egress: loopback() });
    const open = await tunnel(`inside.test:${targetPort}`);
    expect(await askThrough(open.socket as Socket)).toContain("hello inside");
    expect(await tunnel("outside.test:443")).toMatchObject({ status: 403, text: expect.stringContaining("egress rule") });
    expect(refused).toEqual(["egress outside.test:443"]);
  });

  it("cuts a tunnel to a private address that only a name of its own was allowed", async () => {
    names.set("a.own.name", ["127.0.0.1"]);
    proxy.setRules({ domains: { allow: ["a.own.name"], deny: [], defaultDeny: false }, egress: [] });
    const open = await tunnel(`a.own.name:${targetPort}`);
    let cut = false;
    open.socket?.on("close", () => (cut = true)).on("error", () => undefined);
    proxy.setRules({ domains: { allow: ["*.own.name"], deny: [], defaultDeny: false }, egress: [] });
    await eventually("cut", () => cut);
  });

  it("names the host that was judged, whatever the request says, and reuses no connection of another time", async () => {
    names.set("own.name", ["127.0.0.1"]);
    let connections = 0;
    target.on("connection", () => (connections += 1));
    proxy.setRules({ domains: { allow: ["own.name"], deny: ["evil.test"], defaultDeny: false }, egress: [] });
    expect(await plain(`http://own.name:${targetPort}/`, "evil.test")).toEqual({ status: 200, text: `hello own.name:${targetPort}` });
    expect((await plain(`http://own.name:${targetPort}/`)).status).toBe(200);
    expect(connections).toBe(2);
  });

  it("does not end by an address with malformed credentials", async () => {
    names.set("own.name", ["127.0.0.1"]);
    proxy.setRules({ domains: { allow: ["own.name"], deny: [], defaultDeny: false }, egress: [] });
    const socket = connect(proxy.port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += String(chunk)));
    socket.write(`GET http://a:b%zz@own.name:${targetPort}/ HTTP/1.1\r\nHost: own.name\r\n\r\n`);
    await new Promise((resolve) => socket.on("close", resolve));
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect((await plain(`http://own.name:${targetPort}/`)).status).toBe(200);
  });

  it("survives nonsense", async () => {
    proxy.setRules(rules(["*"]));
    const socket = connect(proxy.port, "127.0.0.1");
    socket.resume();
    socket.write("\u0000\u0001 nonsense\r\n\r\n");
    await new Promise((resolve) => socket.on("close", resolve).on("error", resolve));
    expect((await tunnel("x:443")).status).toBe(502);
  });

  it("takes the port of before again, and another when it is taken", async () => {
    const { port } = proxy;
    const other = make(port);
    await other.start();
    expect(other.port).not.toBe(port);
    await other.stop();
    // As a spoilt state file might have it.
    const odd = make(70_000);
    await odd.start();
    expect(odd.port).toBeGreaterThan(0);
    await odd.stop();
    await proxy.stop();
    proxy = make(port);
    await proxy.start();
    expect(proxy.port).toBe(port);
  });

  it("is named in every variable that programs look at, with loopback and our server left out", () => {
    const environment = proxyEnvironment("http://127.0.0.1:9", "sett.example");
    expect(environment).toMatchObject({ HTTP_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9", ALL_PROXY: "http://127.0.0.1:9", NO_PROXY: "localhost,127.0.0.1,::1,sett.example" });
  });
});
