import { DurableObject } from "cloudflare:workers";
import { DEFAULT_ROLLOUT, promote, rollBack, startRollout, type NewRollout, type Rollout } from "../../src/governance/awareness/rollout.core";
import { changedRules, changePolicy, MAX_POLICIES, type Policy, type PolicyChange, type PolicyRules } from "../../src/governance/policies/policies.core";
import type { ObjectBindings } from "../../src/kernel/context";
import { createLogger } from "../../src/kernel/logging/logger";
import type { Job } from "../../src/kernel/ports/services";
import { AlarmTable } from "../shared/alarm-table";
import { CountedSql } from "../shared/counted-sql";
import { hasTables, migrateObject } from "../shared/migrate";
import { ObjectOutbox, PROJECT_ALARM } from "../shared/object-outbox";
import type { ChangedBy, EntryAudit, NewEntry, OutboxEntry } from "../shared/object-outbox.rpc";
import { orgMigrations } from "./org.migrations";
import type { OrgRpc, PolicyAnswer, RolloutSnapshot } from "./org.rpc";

interface OrgBindings extends ObjectBindings {
  readonly JOBS: Queue<Job>;
}

/** Name of the only one. */
const NAME = "org";
const POLICY = "policy";
const ROLLOUT = "rollout";

type Add = (entry: NewEntry) => OutboxEntry;

/**
 * What the organisation lays down for everybody: access policies and the awareness rollout. All changes pass through this one object,
 * so they have an order; one counter numbers them all, so that a name which is used again goes on where its last life ended.
 */
export class OrgDO extends DurableObject<OrgBindings> implements OrgRpc {
  readonly #sql: CountedSql;
  readonly #alarms: AlarmTable<typeof PROJECT_ALARM>;
  readonly #outbox: ObjectOutbox;

  constructor(ctx: DurableObjectState, env: OrgBindings) {
    super(ctx, env);
    this.#sql = new CountedSql(ctx.storage.sql);
    this.#alarms = new AlarmTable(ctx.storage, this.#sql);
    this.#outbox = new ObjectOutbox<never>({ storage: ctx.storage, sql: this.#sql, alarms: this.#alarms, jobs: env.JOBS, log: createLogger({ object: NAME }) });
    if (hasTables(ctx.storage.sql)) void ctx.blockConcurrencyWhile(() => this.#wake());
  }

  async #wake(): Promise<void> {
    migrateObject(this.ctx.storage, orgMigrations);
    await this.#alarms.load();
    this.#outbox.resume();
  }

  /** One change in one transaction; tables come with the first. */
  #transact<T>(change: (add: Add) => T): T {
    migrateObject(this.ctx.storage, orgMigrations);
    return this.#outbox.transact(change);
  }

  get #exists(): boolean {
    return hasTables(this.ctx.storage.sql);
  }

  #nextRevision(): number {
    return this.#sql.one<{ revision: number }>("UPDATE head SET revision = revision + 1 RETURNING revision").revision;
  }

  #findPolicy(name: string): Policy | null {
    const [row] = this.#sql.all<{ policy: string }>("SELECT policy FROM policies WHERE name = ?", name);
    return row ? (JSON.parse(row.policy) as Policy) : null;
  }

  /** Keeps `policy` (null: no more) and hands it out. */
  #putPolicy(add: Add, name: string, policy: Policy | null, revision: number, audit: Omit<EntryAudit, "kind" | "key">): OutboxEntry {
    if (policy) this.#sql.run("INSERT INTO policies (name, policy) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET policy = excluded.policy", name, JSON.stringify(policy));
    else this.#sql.run("DELETE FROM policies WHERE name = ?", name);
    return add({ kind: POLICY, key: name, revision, snapshot: policy, audit: { ...audit, kind: "AccessPolicy", key: name } });
  }

  async createPolicy(name: string, rules: PolicyChange, by: ChangedBy): Promise<PolicyAnswer> {
    const wanted = changePolicy(null, rules);
    if (wanted === "contradiction") return { kind: wanted };
    return this.#transact((add): PolicyAnswer => {
      const before = this.#findPolicy(name);
      if (before) {
        const entry = this.#unseenCreation(before, wanted);
        return entry ? { kind: "ok", entry } : { kind: "exists" };
      }
      if (this.#sql.one<{ n: number }>("SELECT COUNT(*) AS n FROM policies").n >= MAX_POLICIES) return { kind: "full" };
      const [now, revision] = [Date.now(), this.#nextRevision()];
      const policy: Policy = { name, ...wanted, revision, createdAt: now, updatedAt: now };
      return { kind: "ok", entry: this.#putPolicy(add, name, policy, revision, { by, action: "policy.create", after: wanted }) };
    });
  }

  /** The entry of a policy's creation that nobody has acknowledged: whoever asked for it may not know that it was made. */
  #unseenCreation(policy: Policy, wanted: PolicyRules): OutboxEntry | null {
    if (JSON.stringify(rulesOf(policy)) !== JSON.stringify(wanted)) return null;
    return this.#outbox.pending(MAX_POLICIES).find((entry) => entry.kind === POLICY && entry.revision === policy.revision && entry.audit?.action === "policy.create") ?? null;
  }

  async changePolicy(name: string, change: PolicyChange, by: ChangedBy): Promise<PolicyAnswer> {
    if (!this.#exists) return { kind: "missing" };
    return this.#transact((add): PolicyAnswer => {
      const before = this.#findPolicy(name);
      if (!before) return { kind: "missing" };
      const after = changePolicy(rulesOf(before), change);
      if (after === "contradiction") return { kind: after };
      const revision = this.#nextRevision();
      const policy: Policy = { ...before, ...after, revision, updatedAt: Date.now() };
      return { kind: "ok", entry: this.#putPolicy(add, name, policy, revision, { by, action: "policy.update", ...changedRules(rulesOf(before), after) }) };
    });
  }

  async deletePolicy(name: string, by: ChangedBy): Promise<PolicyAnswer> {
    if (!this.#exists) return { kind: "missing" };
    return this.#transact((add): PolicyAnswer => {
      const before = this.#findPolicy(name);
      if (!before) return { kind: "missing" };
      return { kind: "ok", entry: this.#putPolicy(add, name, null, this.#nextRevision(), { by, action: "policy.delete", before: rulesOf(before) }) };
    });
  }

  async listPolicies(after: string, limit: number): Promise<readonly Policy[]> {
    if (!this.#exists) return [];
    await this.#alarms.heal();
    return this.#sql.all<{ policy: string }>("SELECT policy FROM policies WHERE name > ? ORDER BY name LIMIT ?", after, limit).map(({ policy }) => JSON.parse(policy) as Policy);
  }

  #rollout(): RolloutSnapshot | null {
    const [row] = this.#sql.all<{ rollout: string }>("SELECT rollout FROM rollout");
    return row ? (JSON.parse(row.rollout) as RolloutSnapshot) : null;
  }

  /** Keeps what `change` makes of the rollout and hands it out; null when it makes nothing. */
  #changeRollout(action: string, by: ChangedBy, change: (before: Rollout) => Rollout | null): OutboxEntry | null {
    return this.#transact((add) => {
      const kept = this.#rollout();
      const before = kept ? stepsOf(kept) : DEFAULT_ROLLOUT;
      const after = change(before);
      if (!after) return null;
      const now = Date.now();
      const snapshot: RolloutSnapshot = { ...after, createdAt: kept?.createdAt ?? now, updatedAt: now };
      this.#sql.run("INSERT INTO rollout (id, rollout) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET rollout = excluded.rollout", JSON.stringify(snapshot));
      return add({ kind: ROLLOUT, key: ROLLOUT, revision: this.#nextRevision(), snapshot, audit: { by, action, kind: "AwarenessRollout", key: ROLLOUT, before, after } });
    });
  }

  async setRollout(rollout: NewRollout, by: ChangedBy): Promise<OutboxEntry> {
    return made(this.#changeRollout("awareness_rollout.update", by, () => startRollout(rollout)));
  }

  async promote(wave: string | null, by: ChangedBy): Promise<OutboxEntry | null> {
    return this.#changeRollout("awareness_rollout.promote", by, (before) => {
      const after = promote(before, wave);
      return after === "unknown-wave" ? null : after;
    });
  }

  async rollBack(by: ChangedBy): Promise<OutboxEntry> {
    return made(this.#changeRollout("awareness_rollout.rollback", by, rollBack));
  }

  async pendingEntries(limit: number): Promise<readonly OutboxEntry[]> {
    return this.#exists ? this.#outbox.pending(limit) : [];
  }

  async ackEntries(seqs: readonly number[]): Promise<void> {
    if (this.#exists) this.#outbox.ack(seqs);
  }

  override async alarm(): Promise<void> {
    const now = Date.now();
    if (this.#alarms.listDue(now).some(({ reason }) => reason === PROJECT_ALARM)) await this.#outbox.resend({ object: "org", name: NAME }, now);
    await this.#alarms.settle();
  }
}

const rulesOf = ({ description, tenantSelector, domains, egressRules, mcpServers, tools }: Policy): PolicyRules => ({ description, tenantSelector, domains, egressRules, mcpServers, tools });

const stepsOf = ({ targetVersion, stableVersion, waves, promotedWaves, shadowMode }: RolloutSnapshot): Rollout => ({ targetVersion, stableVersion, waves, promotedWaves, shadowMode });

function made(entry: OutboxEntry | null): OutboxEntry {
  if (!entry) throw new Error("a change of the rollout that always takes made nothing");
  return entry;
}
