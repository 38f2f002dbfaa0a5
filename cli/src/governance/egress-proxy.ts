import { lookup as lookupName, type LookupAddress } from "node:dns";
import { Agent, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { RequestError, Server } from "proxy-chain";
import { DENY_ALL, judge, mayConnect, plainHost, type NetworkRules } from "./network-rules";

/** All addresses of a name. Rejects when it has none. */
export type Resolver = (name: string) => Promise<readonly LookupAddress[]>;

export interface EgressProxyOptions {
  /** Used again by the next daemon, because the processes it adopts know this one. */
  readonly port: number | undefined;
  /** Our own server: `host:port`, always reachable. */
  readonly server: { readonly host: string; readonly port: number };
  readonly resolve?: Resolver;
  onRefused(kind: "domain" | "egress", subject: string, reason: string): void;
}

interface OpenTunnel {
  readonly host: string;
  readonly port: number;
  /** Where it may have been connected. */
  readonly addresses: readonly LookupAddress[];
}

/** A connection of its own for every request: a pooled one may lead where the rules of now do not. */
const ONE_REQUEST = new Agent({ keepAlive: false });

const LOOPBACK = "127.0.0.1";

const systemResolver: Resolver = (name) =>
  new Promise((resolve, reject) => {
    lookupName(name, { all: true }, (error, addresses) => {
      if (error !== null) reject(error);
      else resolve(addresses);
    });
  });

/**
 * The way out for the agents of a governed machine: a forward proxy on loopback that connects where the rules allow and answers 403
 * with a sentence elsewhere. A name is resolved here, once, judged by its addresses and connected at exactly those.
 */
export class EgressProxy {
  private rules: NetworkRules = DENY_ALL;
  private server: Server | undefined;
  private bound = 0;
  private readonly tunnels = new Map<string | number | symbol, OpenTunnel>();

  constructor(private readonly options: EgressProxyOptions) {}

  /** Listens; rejects with the net error. The port of before is taken again when that can be. */
  async start(): Promise<void> {
    try {
      this.server = await this.listen(this.options.port ?? 0);
    } catch (error) {
      if (this.options.port === undefined) throw error;
      this.server = await this.listen(0);
    }
    this.bound = this.server.port;
  }

  /** Where it listens, or did before it was stopped; 0 before it was started. */
  get port(): number {
    return this.bound;
  }

  get url(): string {
    return `http://${LOOPBACK}:${this.port}`;
  }

  /** New rules count at once, also for what is connected already. */
  setRules(rules: NetworkRules): void {
    this.rules = rules;
    for (const [id, { host, port, addresses }] of this.tunnels) {
      // Ids come from the same server that is asked to close them.
      if (!addresses.every((address) => this.mayGoOn(host, port, address))) this.server?.closeConnection(id as never);
    }
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    await server?.close(true);
  }

  private async listen(port: number): Promise<Server> {
    const server = new Server({
      host: LOOPBACK,
      port,
      authRealm: "sett",
      prepareRequestFunction: async ({ request, isHttp, hostname, port: target, connectionId }) => {
        if (isHttp) requireOneTarget(request);
        const host = plainHost(hostname);
        const addresses = await this.admit(host, target);
        if (request.socket.destroyed) throw new RequestError("the connection is closed", 499);
        this.tunnels.set(connectionId, { host, port: target, addresses });
        return { dnsLookup: pinned(addresses), httpAgent: ONE_REQUEST };
      },
    });
    server.on("connectionClosed", ({ connectionId }: { connectionId: string | number | symbol }) => this.tunnels.delete(connectionId));
    await server.listen();
    return server;
  }

  /** The addresses to connect at. Throws RequestError: 403 by the rules, 502 without an address. */
  private async admit(host: string, port: number): Promise<readonly LookupAddress[]> {
    this.requireAllowed(host, port);
    // Pinned too: there are spellings of addresses that only a look-up takes for one.
    if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
    const all = await (this.options.resolve ?? systemResolver)(host).catch(() => []);
    if (all.length === 0) throw new RequestError(`${host} has no address`, 502);
    // Asked again: other rules may have come while the name was looked up.
    this.requireAllowed(host, port);
    const usable = all.filter((address) => this.mayGoOn(host, port, address));
    if (usable.length > 0) return usable;
    if (this.rules.domains === null) throw this.refuse("egress", host, port, "the name leads to no address and port that an egress rule of the contract allows");
    throw this.refuse("domain", host, port, "the name leads to a private address, and the contract does not allow it by itself");
  }

  private requireAllowed(host: string, port: number): void {
    const verdict = this.isOwnServer(host, port) ? undefined : judge(this.rules, host, port);
    if (verdict?.allow === false) throw this.refuse(verdict.kind, host, port, verdict.reason);
  }

  /** Whether a host may be connected at an address by the rules of now. */
  private mayGoOn(host: string, port: number, { address }: LookupAddress): boolean {
    if (this.isOwnServer(host, port)) return true;
    const verdict = judge(this.rules, host, port);
    return verdict.allow && (isIP(host) !== 0 || mayConnect(this.rules, verdict, address, port));
  }

  private refuse(kind: "domain" | "egress", host: string, port: number, reason: string): RequestError {
    const subject = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    this.options.onRefused(kind, subject, reason);
    return new RequestError(`sett: ${subject} refused: ${reason}`, 403);
  }

  private isOwnServer(host: string, port: number): boolean {
    const { server } = this.options;
    return host === plainHost(server.host) && port === server.port;
  }
}

/**
 * A plain request goes to the host that was judged and names no other (RFC 9112 §3.2.2). Throws RequestError for credentials in the
 * address: nobody needs them, and malformed ones would end this process.
 */
function requireOneTarget(request: IncomingMessage): void {
  const target = new URL(request.url ?? "");
  if (target.username !== "" || target.password !== "") throw new RequestError("sett: the address must not hold credentials", 400);
  for (let at = 0; at < request.rawHeaders.length; at += 2) if (request.rawHeaders[at]?.toLowerCase() === "host") request.rawHeaders[at + 1] = target.host;
}

type DnsLookup = typeof lookupName;

/** A look-up that answers what was judged, so that a second answer of the name cannot lead elsewhere. */
function pinned(addresses: readonly LookupAddress[]): DnsLookup {
  const look = (_name: string, options: unknown, done: (error: Error | null, address: string | readonly LookupAddress[], family?: number) => void): void => {
    const all = typeof options === "object" && options !== null && "all" in options && options.all === true;
    const first = addresses[0] ?? { address: "0.0.0.0", family: 4 };
    if (all) done(null, addresses);
    else done(null, first.address, first.family);
  };
  // node:dns declares overloads, and a property for util.promisify, that net.connect does not use.
  return look as unknown as DnsLookup;
}

/** What a process must be told so that its programs go through the proxy. Loopback and our own server are spoken to directly. Pure. */
export function proxyEnvironment(url: string, serverHost: string): Record<string, string> {
  const direct = [...new Set(["localhost", "127.0.0.1", "::1", plainHost(serverHost)])].join(",");
  return {
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    ALL_PROXY: url,
    NO_PROXY: direct,
    http_proxy: url,
    https_proxy: url,
    all_proxy: url,
    no_proxy: direct,
    // Node's own fetch follows the variables only when told to; OpenClaw routes all of its clients by its own variable.
    NODE_USE_ENV_PROXY: "1",
    OPENCLAW_PROXY_URL: url,
  };
}
