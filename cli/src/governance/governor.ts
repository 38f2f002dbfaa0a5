import type { ConfigOutcome } from "../bots/openclaw-config";
import { Backoff } from "../core/backoff";
import type { ContractRef, GovernanceBeat } from "../core/api-types";
import { CliError, errorText } from "../core/errors";
import { refusal, type ApiClient } from "../core/http";
import { isObject, stringField, type JsonObject } from "../core/json";
import type { Logger } from "../core/log";
import type { Paths } from "../core/paths";
import type { DaemonEvent } from "../daemon/events";
import type { GovernanceState } from "../daemon/state-file";
import { findProgram } from "../watch/openclaw";
import type { Contract } from "./contract";
import { ContractStore, type KeptContract } from "./contract-store";
import { EgressProxy, proxyEnvironment, type Resolver } from "./egress-proxy";
import { DENY_ALL, restricts, type NetworkRules } from "./network-rules";
import { OpenclawKeeper } from "./openclaw-keeper";
import { ContractError, KeyRing } from "./signed-contract";
import { ViolationQueue, type ViolationKind } from "./violations";

export interface GovernorOptions {
  readonly paths: Paths;
  readonly api: ApiClient;
  readonly log: Logger;
  /** The proxy's port of the daemon before. */
  readonly formerPort: number | undefined;
  instanceId(): string;
  /** Changes OpenClaw's settings; called while holding the lock of the bots. */
  applySettings(patch: JsonObject, secrets: readonly string[]): Promise<ConfigOutcome>;
  skills(): readonly string[];
  /** Whether a gateway runs that this daemon did not start. */
  foreignGateway(): boolean;
  /** Processes and commands follow what is in force now. Never rejects. */
  onChange(): Promise<void>;
  /** There is something new to beat. */
  onNews(): void;
  emit(event: DaemonEvent): void;
  readonly resolve?: Resolver;
  readonly retry?: { readonly baseMs: number; readonly capMs: number };
}

/** A contract that was refused is not asked for again sooner than this, however often a beat names it. */
const REFUSED_WAIT_MS = 30_000;
/** Nobody listens here: what must go through a proxy that could not be started goes nowhere. */
const NOWHERE = "http://127.0.0.1:1";

/**
 * Has this machine keep to the contract that its tenant's operator set: fetches and proves it, remembers it, applies it to processes,
 * network and OpenClaw, and tells what was refused. Without the server the last contract stays in force.
 */
export class Governor {
  private readonly store: ContractStore;
  private readonly keys: KeyRing;
  private readonly keeper: OpenclawKeeper;
  private readonly violations = new ViolationQueue();
  private readonly backoff: Backoff;
  private kept: KeptContract | undefined;
  private broken: string | undefined;
  private proxy: EgressProxy | undefined;
  private proxyProblem: string | undefined;
  private opening: Promise<void> | undefined;
  private syncProblem: string | undefined;
  private syncedAt: string | null = null;
  private linked = false;
  private stopped = false;
  private syncing: Promise<void> | undefined;
  private syncAgain = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private refusedAt = Number.NEGATIVE_INFINITY;
  private toldForeign = false;

  constructor(private readonly options: GovernorOptions) {
    const { paths, api, log } = options;
    this.store = new ContractStore(paths.contract);
    this.keys = new KeyRing(api);
    this.backoff = new Backoff(options.retry ?? { baseMs: 1_000, capMs: 60_000 });
    this.keeper = new OpenclawKeeper({
      path: paths.ownerSettings,
      broker: new URL(options.api.server).origin,
      lockPath: paths.botsLock,
      log,
      apply: (patch, secrets) => options.applySettings(patch, secrets),
      skills: () => options.skills(),
      installed: () => findProgram("openclaw") !== undefined,
      onTampered: (kind, subject) => this.violated(kind, subject, "changed here; put back"),
    });
    const remembered = this.store.read();
    if (remembered.kind === "kept") this.kept = remembered.kept;
    if (remembered.kind === "broken") this.broken = remembered.detail;
  }

  /** Whether the agents of this machine must not run. */
  get suspended(): boolean {
    return this.contract()?.suspended === true;
  }

  /** Puts in force what the last daemon knew, before any process is started. Never rejects. */
  async start(): Promise<void> {
    if (this.broken !== undefined) this.say(false, `governed, but ${this.broken}: every domain is denied until a valid contract arrives`);
    else if (this.contract() !== undefined) this.say(true, this.sentence());
    await this.applyNetwork();
    void this.keeper.follow(this.contract()).then(() => this.options.onNews());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retryTimer);
    await this.syncing;
    await this.keeper.idle();
    await this.proxy?.stop();
  }

  linkUp(): void {
    this.linked = true;
    this.backoff.reset();
    this.sync();
  }

  linkDown(): void {
    this.linked = false;
    clearTimeout(this.retryTimer);
  }

  handleEvent(type: string): void {
    if (type === "contract" || type === "resync") this.sync();
  }

  /** A beat's answer named the server's contract. */
  heard({ id, revision }: ContractRef): void {
    const now = this.contract() ?? this.kept?.contract;
    if (this.broken === undefined && now?.revision === revision && now.contractId === id) return;
    if (Date.now() - this.refusedAt >= REFUSED_WAIT_MS) this.sync();
  }

  /** Looks after what others may have changed; called at every poll. */
  tick(): void {
    if (this.proxyProblem !== undefined) void this.applyNetwork().then(() => this.options.onChange());
    const before = this.keeper.inPlace;
    void this.keeper.look().then(() => {
      if (this.keeper.inPlace !== before) this.options.onNews();
    });
    const foreign = this.proxy !== undefined && this.options.foreignGateway();
    if (foreign && !this.toldForeign) this.say(false, "an OpenClaw gateway runs that this daemon did not start, so its network is not governed: stop it and have sett up start it (watch)");
    if (foreign !== this.toldForeign) this.options.onNews();
    this.toldForeign = foreign;
  }

  /** What agents' processes must find in their environment; undefined while nothing restricts their network. */
  environment(): Record<string, string> | undefined {
    if (!restricts(this.networkRules())) return undefined;
    return proxyEnvironment(this.proxy?.url ?? NOWHERE, new URL(this.options.api.server).hostname);
  }

  beat(): GovernanceBeat | undefined {
    const contract = this.kept?.contract;
    if (contract === undefined) return undefined;
    return {
      contract_id: contract.contractId,
      revision: contract.revision,
      awareness_version: contract.awarenessVersion,
      enforcing: this.enforcing(),
      violations: this.violations.next(),
    };
  }

  /** A beat was answered: its violations are known, the next ones may go. */
  told(beat: GovernanceBeat | undefined): void {
    if (beat === undefined || beat.violations.length === 0) return;
    this.violations.told(beat.violations.map((violation) => violation.id));
    if (this.violations.size > 0) this.options.onNews();
  }

  state(): GovernanceState | null {
    const contract = this.kept?.contract;
    if (contract === undefined && this.broken === undefined) return null;
    return {
      mode: this.broken !== undefined ? "broken" : contract?.released === true ? "released" : "governed",
      tenant: contract?.tenant ?? null,
      contract_id: contract?.contractId ?? null,
      revision: contract?.revision ?? null,
      suspended: this.suspended,
      enforcing: this.enforcing(),
      advisory: contract?.advisory ?? [],
      proxy_port: this.proxy?.port ?? null,
      synced_at: this.syncedAt,
      violations_waiting: this.violations.size,
      problem: this.broken ?? this.proxyProblem ?? this.keeper.problem ?? this.syncProblem ?? null,
    };
  }

  /** The contract in force: none of a released machine. */
  private contract(): Contract | undefined {
    return this.kept === undefined || this.kept.contract.released ? undefined : this.kept.contract;
  }

  private networkRules(): NetworkRules {
    if (this.broken !== undefined) return DENY_ALL;
    return this.contract() ?? { domains: null, egress: [] };
  }

  private enforcing(): string[] {
    const contract = this.contract();
    if (this.broken !== undefined) return this.proxy === undefined ? [] : ["domains"];
    if (contract === undefined) return [];
    const network = this.proxy !== undefined && this.proxyProblem === undefined && !this.toldForeign;
    const kept = this.keeper.inPlace;
    const { tools, mcpServers, skills } = contract;
    return [
      ...(network && contract.domains !== null ? ["domains"] : []),
      ...(network && contract.egress.length > 0 ? ["egress"] : []),
      ...(kept && (tools.allow !== null || tools.deny.length > 0) ? ["tools"] : []),
      ...(kept && (mcpServers.allow !== null || mcpServers.deny.length > 0) ? ["mcpServers"] : []),
      ...(kept && skills !== null ? ["skills"] : []),
    ];
  }

  /** Asks for the contract now; while one question is under way, once more after it. */
  private sync(): void {
    if (this.stopped || !this.linked) return;
    clearTimeout(this.retryTimer);
    if (this.syncing !== undefined) {
      this.syncAgain = true;
      return;
    }
    this.syncing = this.syncOnce().finally(() => {
      this.syncing = undefined;
      if (!this.syncAgain) return;
      this.syncAgain = false;
      this.sync();
    });
  }

  private async syncOnce(): Promise<void> {
    try {
      await this.ask();
      this.syncedAt = new Date().toISOString();
      this.syncProblem = undefined;
      this.backoff.reset();
    } catch (error) {
      const refused = error instanceof ContractError;
      const detail = refused ? `the server's contract is not applied: ${error.message}` : `the contract cannot be read: ${errorText(error)}`;
      if (detail !== this.syncProblem) this.say(false, detail);
      this.syncProblem = detail;
      if (!refused && !(error instanceof CliError)) this.options.log.error("governance.defect", { error });
      if (refused) this.refusedAt = Date.now();
      if (this.linked && !this.stopped) this.retryTimer = setTimeout(() => this.sync(), refused ? REFUSED_WAIT_MS : this.backoff.next());
    }
  }

  private async ask(): Promise<void> {
    const { api } = this.options;
    const instanceId = this.options.instanceId();
    const answer = await api.request("GET", `/api/v1/machine-contracts/${encodeURIComponent(instanceId)}`);
    if (answer.status === 404) return this.unknownToServer(instanceId);
    if (answer.status < 200 || answer.status >= 300) throw refusal(api.server, answer);
    const jws = isObject(answer.body) ? stringField(answer.body, "jws") : undefined;
    if (jws === undefined) throw new ContractError("the answer holds no contract");
    const { contract, key } = await this.keys.verify(jws, instanceId);
    const before = this.knownHere(instanceId)?.contract;
    if (before !== undefined && contract.revision < before.revision) throw new ContractError(`revision ${contract.revision} is older than ${before.revision}, which is in force`);
    if (before !== undefined && contract.revision === before.revision) {
      if (contract.contractId !== before.contractId || contract.released !== before.released) throw new ContractError(`revision ${contract.revision} says something else than before`);
      return;
    }
    await this.take({ server: api.server, jws, key, contract });
  }

  /** "Never governed" ends no contract of this machine: only a signed release does. What was another machine's goes. */
  private async unknownToServer(instanceId: string): Promise<void> {
    if (this.broken !== undefined || this.kept === undefined) return;
    if (this.knownHere(instanceId) !== undefined) {
      if (!this.kept.contract.released) throw new ContractError("the server knows none for this machine any more, and released it by none; the last one stays in force");
      return;
    }
    this.kept = undefined;
    this.store.remove();
    this.say(true, "the contract of another machine or server was set aside");
    await this.apply();
  }

  private knownHere(instanceId: string): KeptContract | undefined {
    return this.kept?.server === this.options.api.server && this.kept.contract.instance === instanceId ? this.kept : undefined;
  }

  private async take(kept: KeptContract): Promise<void> {
    if (kept.contract.released && this.kept === undefined && this.broken === undefined) return;
    try {
      this.store.save(kept);
    } catch (error) {
      this.options.log.error("governance.save.failed", { error });
    }
    this.kept = kept;
    this.broken = undefined;
    this.say(true, this.sentence());
    await this.apply();
  }

  private async apply(): Promise<void> {
    await this.applyNetwork();
    await this.options.onChange();
    // Only now does no process count on it any more.
    if (!restricts(this.networkRules())) await this.closeProxy();
    await this.keeper.follow(this.contract());
    this.options.onNews();
  }

  private async applyNetwork(): Promise<void> {
    const rules = this.networkRules();
    if (!restricts(rules)) return;
    if (this.proxy === undefined) await (this.opening ??= this.openProxy().finally(() => (this.opening = undefined)));
    this.proxy?.setRules(rules);
  }

  private async openProxy(): Promise<void> {
    const { protocol, hostname, port } = new URL(this.options.api.server);
    const proxy = new EgressProxy({
      port: this.options.formerPort,
      server: { host: hostname, port: Number(port) || (protocol === "http:" ? 80 : 443) },
      ...(this.options.resolve === undefined ? {} : { resolve: this.options.resolve }),
      onRefused: (kind, subject, reason) => this.violated(kind, subject, reason),
    });
    try {
      await proxy.start();
      this.proxy = proxy;
      this.proxyProblem = undefined;
    } catch (error) {
      const detail = `the proxy for agents cannot be started (${errorText(error)}): they have no network`;
      if (detail !== this.proxyProblem) this.say(false, detail);
      this.proxyProblem = detail;
    }
  }

  private async closeProxy(): Promise<void> {
    const { proxy } = this;
    this.proxy = undefined;
    this.proxyProblem = undefined;
    await proxy?.stop();
  }

  private violated(kind: ViolationKind, subject: string, detail: string): void {
    if (this.violations.add(kind, subject) === undefined) return;
    this.options.emit({ event: "violation", kind, subject, detail });
    this.options.onNews();
  }

  private say(ok: boolean, detail: string): void {
    const contract = this.kept?.contract;
    this.options.emit({ event: "governance", ok, detail, tenant: contract?.tenant ?? null, revision: contract?.revision ?? null, suspended: this.suspended });
  }

  private sentence(): string {
    const contract = this.kept?.contract;
    if (contract === undefined) return "not governed";
    if (contract.released) return `${contract.tenant} governs this machine no more: everything is as it was before`;
    return `governed by ${contract.tenant}, contract revision ${contract.revision}${contract.suspended ? ": suspended, agents stay stopped" : ""}`;
  }
}
