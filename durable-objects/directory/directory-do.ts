import { DurableObject } from "cloudflare:workers";
import { MINUTE_MS } from "../../src/kernel/clock";
import type { ObjectBindings } from "../../src/kernel/context";
import { CountedSql } from "../shared/counted-sql";
import { migrateObject } from "../shared/migrate";
import { directoryMigrations } from "./directory.migrations";
import type { DirectoryEntry, DirectoryPage, DirectoryRpc } from "./directory.rpc";

/** Longer than any request that reserves a name and then creates it: until then a reservation is not taken away by news of the name's earlier life. */
export const RESERVATION_MS = 10 * MINUTE_MS;

type Row = { readonly name: string; readonly state: "pending" | "live" | "gone"; readonly revision: number; readonly reservedAt: number };

/**
 * Which tenants there are. It may name one that is not there, never the other way round: a name is reserved before its tenant is
 * written, and what is gone keeps its revision, so that news that were overtaken change nothing.
 */
export class DirectoryDO extends DurableObject<ObjectBindings> implements DirectoryRpc {
  readonly #sql: CountedSql;

  constructor(ctx: DurableObjectState, env: ObjectBindings) {
    super(ctx, env);
    this.#sql = new CountedSql(ctx.storage.sql);
    migrateObject(ctx.storage, directoryMigrations);
  }

  #find(name: string): Row | undefined {
    return this.#sql.all<Row>("SELECT name, state, revision, reserved_at AS reservedAt FROM names WHERE name = ?", name)[0];
  }

  #put({ name, state, revision, reservedAt }: Row): void {
    this.#sql.run(
      "INSERT INTO names (name, state, revision, reserved_at) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state, revision = excluded.revision, reserved_at = excluded.reserved_at",
      name,
      state,
      revision,
      reservedAt,
    );
  }

  async reserve(name: string): Promise<void> {
    const known = this.#find(name);
    this.#put({ name, state: known?.state === "live" ? "live" : "pending", revision: known?.revision ?? 0, reservedAt: Date.now() });
  }

  async settle(name: string, revision: number, state: "live" | "gone"): Promise<void> {
    const known = this.#find(name);
    if (known && revision <= known.revision) return;
    const reservedAt = known?.reservedAt ?? 0;
    const isReserved = reservedAt > Date.now() - RESERVATION_MS;
    this.#put({ name, state: state === "gone" && isReserved ? "pending" : state, revision, reservedAt });
  }

  async list(after: string | null, limit: number): Promise<DirectoryPage> {
    const rows = this.#sql.all<{ name: string; state: DirectoryEntry["state"]; revision: number }>("SELECT name, state, revision FROM names WHERE name > ? AND state <> 'gone' ORDER BY name LIMIT ?", after ?? "", limit + 1);
    const entries = rows.slice(0, limit);
    return { entries, next: rows.length > limit ? (entries.at(-1)?.name ?? null) : null };
  }

  async forget(name: string): Promise<void> {
    const known = this.#find(name);
    if (known?.state === "pending" && known.reservedAt <= Date.now() - RESERVATION_MS) this.#put({ ...known, state: "gone" });
  }
}
