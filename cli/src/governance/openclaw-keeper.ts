import { readFileSync } from "node:fs";
import { mergePatch, openclawConfigPath, type ConfigOutcome } from "../bots/openclaw-config";
import { errorText } from "../core/errors";
import { fileStamp, isErrno, readJsonFile, removeFile, writeFileAtomic } from "../core/files";
import { isObject, numberField, parseJson, type JsonObject } from "../core/json";
import type { Logger } from "../core/log";
import { withLock } from "../daemon/lock";
import type { Contract } from "./contract";
import { holds, patchOf, ruledSettings, tamperedSubjects, valueAt, type RuledSetting } from "./openclaw-rules";
import type { ViolationKind } from "./violations";

export interface OpenclawKeeperOptions {
  /** Where the owner's values wait (0600): a server's definition may hold a secret. */
  readonly path: string;
  /** Held by whoever changes OpenClaw's configuration. */
  readonly lockPath: string;
  readonly log: Logger;
  readonly apply: (patch: JsonObject, secrets: readonly string[]) => Promise<ConfigOutcome>;
  skills(): readonly string[];
  /** Whether there is an OpenClaw program here. */
  installed(): boolean;
  onTampered(kind: ViolationKind, subject: string): void;
  /** Origin of our server. */
  readonly broker: string;
  readonly configPath?: () => string;
}

/** A value that the owner had at a path before the contract ruled it; null = none. */
interface Saved {
  readonly path: readonly string[];
  readonly value: unknown;
}

const RETRY_MS = 60_000;

/**
 * Keeps OpenClaw's tools, skills and MCP servers within the contract, notices when somebody changes them, and gives the owner's
 * values back when the contract rules them no more.
 */
export class OpenclawKeeper {
  private contract: Contract | undefined;
  /** The revision that was wholly in place once; from then on a difference is somebody's doing. */
  private settled: number | undefined;
  /** There is no OpenClaw here, so nothing has to be in place, and what comes with it later is nobody's doing. */
  private vacant = false;
  private saved: Saved[];
  private stamp = "";
  private retryAt = 0;
  private working: Promise<void> = Promise.resolve();
  /** Why it is not in place, or undefined. */
  problem: string | undefined;

  constructor(private readonly options: OpenclawKeeperOptions) {
    const raw = readJsonFile(options.path);
    this.saved = readSaved(raw);
    this.settled = raw === undefined ? undefined : numberField(raw, "settled");
  }

  /** Whether the rules of the contract that is set are in place. */
  get inPlace(): boolean {
    return this.contract !== undefined && (this.vacant || this.settled === this.contract.revision) && this.problem === undefined;
  }

  /** Follows a contract, or none (the owner's values come back). Settles when it was tried; never rejects. */
  follow(contract: Contract | undefined): Promise<void> {
    // In turn with the looks: one that is under way goes by the contract that it began with.
    return this.inTurn(() => {
      this.contract = contract;
      this.stamp = "";
      this.retryAt = 0;
      return this.lookOnce();
    });
  }

  /** Looks whether everything is as it must be; cheap when nothing has changed. Never rejects. */
  look(): Promise<void> {
    return this.inTurn(() => this.lookOnce());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.working = this.working.then(work).catch((error: unknown) => this.failed(errorText(error)));
    return this.working;
  }

  /** Settles when nothing is being changed. */
  idle(): Promise<void> {
    return this.working;
  }

  private async lookOnce(): Promise<void> {
    if (this.contract === undefined && this.saved.length === 0) return;
    const stamp = this.stampNow();
    if (stamp === this.stamp || Date.now() < this.retryAt) return;
    await withLock(this.options.lockPath, () => this.bring());
    // From before: what changed meanwhile, by us or by others, is looked at once more.
    this.stamp = this.problem === undefined ? stamp : "";
  }

  private async bring(): Promise<void> {
    const { contract } = this;
    const config = this.read();
    // Nothing to keep, and nothing to make on a machine without OpenClaw.
    this.vacant = fileStamp(this.configPath()) === "none" && !this.options.installed();
    if (this.vacant) return this.settle([]);
    if (config === undefined) return this.failed(`${this.configPath()} has comments or is no JSON, so it cannot be kept to the contract: make it plain JSON`);
    const settings = contract === undefined ? [] : ruledSettings(contract, config, this.ownersConfig(config), this.options.skills(), this.options.broker);
    const wrong = settings.filter((setting) => !holds(config, setting));
    const freed = this.saved.filter(({ path }) => !settings.some((setting) => samePath(setting.path, path)) && !this.stillRuled(path));
    if (contract !== undefined && this.settled === contract.revision) {
      for (const setting of wrong) for (const subject of tamperedSubjects(config, setting)) this.options.onTampered(setting.kind, subject);
    }
    this.remember(wrong, config);
    if (wrong.length > 0 || freed.length > 0) {
      const patch = patchOf([...wrong, ...freed.map(({ path, value }) => ({ path, want: value }))]);
      const outcome = await this.options.apply(patch, secretsIn(patch));
      if (!outcome.ok) return this.failed(outcome.text);
      const after = this.read() ?? {};
      const stubborn = wrong.find((setting) => !holds(after, setting));
      if (stubborn !== undefined) return this.failed(`OpenClaw does not keep ${stubborn.path.join(".")} as the contract wants it`);
    }
    this.settle(freed);
  }

  private settle(freed: readonly Saved[]): void {
    this.saved = this.saved.filter((item) => !freed.includes(item));
    this.settled = this.vacant ? undefined : this.contract?.revision;
    this.problem = undefined;
    this.save();
  }

  /** A server that the contract takes away leaves no setting behind; it stays remembered while its name is not allowed. */
  private stillRuled(path: readonly string[]): boolean {
    if (path[0] !== "mcp" || this.contract === undefined) return false;
    const probe = patchOf([{ path, want: {} }]);
    return ruledSettings(this.contract, probe, probe, [], this.options.broker).some((setting) => samePath(setting.path, path));
  }

  /** Notes what the owner had, once a path; a server that came back is the owner's newer wish. On disk before anything is changed. */
  private remember(wrong: readonly RuledSetting[], config: JsonObject): void {
    const before = this.saved.length;
    for (const { path, kind } of wrong) {
      const known = this.saved.findIndex((item) => samePath(item.path, path));
      if (known !== -1 && kind !== "mcp") continue;
      if (known !== -1) this.saved.splice(known, 1);
      this.saved.push({ path, value: valueAt(config, path) ?? null });
    }
    if (wrong.length > 0 || before !== this.saved.length) this.save();
  }

  private ownersConfig(config: JsonObject): JsonObject {
    return mergePatch(config, patchOf(this.saved.map(({ path, value }) => ({ path, want: value }))));
  }

  private save(): void {
    if (this.saved.length === 0 && this.settled === undefined) removeFile(this.options.path);
    else writeFileAtomic(this.options.path, `${JSON.stringify({ settled: this.settled ?? null, saved: this.saved })}\n`);
  }

  private failed(problem: string): void {
    this.retryAt = Date.now() + RETRY_MS;
    this.stamp = "";
    if (problem !== this.problem) this.options.log.warn("governance.openclaw.failed", { detail: problem });
    this.problem = problem;
  }

  private read(): JsonObject | undefined {
    try {
      const config = parseJson(readFileSync(this.configPath(), "utf8"));
      return isObject(config) ? config : undefined;
    } catch (error) {
      if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return {};
      throw error;
    }
  }

  private configPath(): string {
    return this.options.configPath?.() ?? openclawConfigPath();
  }

  private stampNow(): string {
    return `${fileStamp(this.configPath())}|${this.options.skills().join(",")}|${this.options.installed()}`;
  }
}

function readSaved(raw: JsonObject | undefined): Saved[] {
  const list = raw?.["saved"];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const path = isObject(item) ? item["path"] : undefined;
    if (!isObject(item) || !Array.isArray(path) || path.length === 0 || !path.every((key): key is string => typeof key === "string")) return [];
    return [{ path, value: item["value"] ?? null }];
  });
}

const samePath = (left: readonly string[], right: readonly string[]): boolean => JSON.stringify(left) === JSON.stringify(right);

/** Texts that OpenClaw might quote in a refusal. */
function secretsIn(value: unknown): string[] {
  if (typeof value === "string") return value.length >= 8 ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(secretsIn) : [];
}
