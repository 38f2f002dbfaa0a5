import { getTableColumns, getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import { beforeAll, describe, expect, it } from "vitest";
import { billingTables } from "../../../scripts/lib/seed/billing.mjs";
import { botTables } from "../../../scripts/lib/seed/bots.mjs";
import type { TableOfRows, Value } from "../../../scripts/lib/seed/insert.mjs";
import { machineTables } from "../../../scripts/lib/seed/machines.mjs";
import { operationTables } from "../../../scripts/lib/seed/operations.mjs";
import { peopleTables } from "../../../scripts/lib/seed/people.mjs";
import { createRandom } from "../../../scripts/lib/seed/random.mjs";
import { createSealer } from "../../../scripts/lib/seed/secrets.mjs";
import { createWorld, type PlanCaps } from "../../../scripts/lib/seed/world.mjs";
import { generateSecrets } from "../../../scripts/lib/secrets.mjs";
import * as accounts from "../../../src/schema/accounts";
import * as admin from "../../../src/schema/admin";
import * as billing from "../../../src/schema/billing";
import * as botSchema from "../../../src/schema/bots";
import * as cloudVms from "../../../src/schema/cloud-vms";
import * as devices from "../../../src/schema/devices";
import * as instances from "../../../src/schema/instances";
import * as kernel from "../../../src/schema/kernel";
import * as support from "../../../src/schema/support";
import { unseal } from "../../../src/kernel/crypto/envelope";
import { parseKeyRing } from "../../../src/kernel/crypto/key-ring";
import { keyedHash } from "../../../src/kernel/crypto/keyed-hash";
import { vmOfTag } from "../../../src/fleet/vm-provisioning/tag";

const tables = new Map(
  [accounts, admin, billing, botSchema, cloudVms, devices, instances, kernel, support]
    .flatMap((module) => Object.values(module) as unknown[])
    .filter((value): value is SQLiteTable => is(value, SQLiteTable))
    .map((table) => [getTableName(table), Object.values(getTableColumns(table))] as const),
);

const plan = (id: number, key: string, machines: number, bots: number, price: number | null): PlanCaps => ({ id, key, tier: id - 1, machines, bots, shares: bots, price });
const PLANS = [plan(1, "free", 1, 1, null), plan(2, "free_trial", 3, 3, null), plan(3, "solo", 3, 5, 9), plan(4, "pro", 10, 25, 29), plan(5, "team", 50, 200, 99)];
const secrets = generateSecrets() as Record<"SEAL_KEYS" | "TOKEN_KEYS" | "PASSWORD_PEPPER", string>;
const pepper = Buffer.from(secrets.PASSWORD_PEPPER, "base64url");
const OPTIONS = { users: 120, machines: 600, bots: 2_400, months: 12, seed: "test", until: Date.UTC(2026, 10, 1), serverName: "sett.localhost", firstUserId: 1 };

interface Filled {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

function fill(): Map<string, Filled> {
  const world = createWorld(OPTIONS, PLANS);
  const sealer = createSealer({ sealKeys: secrets.SEAL_KEYS, tokenKeys: secrets.TOKEN_KEYS, pepper }, createRandom(OPTIONS.seed, "seals"));
  const sources: TableOfRows[] = [...peopleTables(world, "hash", sealer), ...machineTables(world, sealer), ...botTables(world, sealer), ...billingTables(world), ...operationTables(world, sealer)];
  return new Map(sources.map(({ table, columns, rows }) => [table, { columns, rows: [...rows] }]));
}

let filled: Map<string, Filled>;
beforeAll(() => {
  filled = fill();
});

const objects = (table: string): Record<string, Value>[] => {
  const { columns, rows } = filled.get(table) ?? { columns: [], rows: [] };
  return rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null])));
};

describe("seeded rows", () => {
  it("fit the schema: columns, what may be null, and the words that the code knows", () => {
    const faults = new Set<string>();
    for (const [table, { columns, rows }] of filled) {
      const known = tables.get(table);
      if (!known) throw new Error(`no table ${table}`);
      expect(rows.length, table).toBeGreaterThan(0);
      for (const column of known) {
        const at = columns.indexOf(column.name);
        if (at < 0) {
          if (column.notNull && !column.hasDefault && !column.primary) faults.add(`${table}.${column.name} is left out`);
          continue;
        }
        const words: readonly string[] = column.enumValues ?? [];
        for (const row of rows) {
          const value = row[at] ?? null;
          if (value === null) {
            if (column.notNull) faults.add(`${table}.${column.name} is null`);
          } else if (column.getSQLType() === "integer" ? !Number.isSafeInteger(value) : typeof value !== "string") faults.add(`${table}.${column.name} is ${String(value)}`);
          else if (words.length > 0 && !words.includes(String(value))) faults.add(`${table}.${column.name} says ${value}`);
          else if (column.dataType === "json") JSON.parse(String(value));
        }
      }
      for (const name of columns) if (!known.some((column) => column.name === name)) faults.add(`${table}.${name} is no column`);
    }
    expect([...faults]).toEqual([]);
  });

  it("are the same for the same seed", () => {
    expect(fill()).toEqual(filled);
  });

  it("hold what the product would have written in the place of secrets", async () => {
    const ring = parseKeyRing(secrets.SEAL_KEYS, 32);
    const tokenKeys = parseKeyRing(secrets.TOKEN_KEYS, 32);
    if (!ring || !tokenKeys) throw new Error("no keys");
    const bot = objects("bots").find(({ sealed_token: sealed }) => sealed !== null);
    expect(await unseal(ring, String(bot?.["sealed_token"]), `bot_token:${bot?.["id"]}`)).toMatch(/^seed_/);
    const pairing = objects("pairings")[0];
    const code = await unseal(ring, String(pairing?.["sealed_code"]), `pairing:${pairing?.["id"]}`);
    expect(pairing?.["code_hash"]).toBe(await keyedHash(new Uint8Array(pepper), `pair-code:${code}`));
    const vm = objects("cloud_vms")[0];
    expect(await vmOfTag(tokenKeys, String(vm?.["tag"]))).toBe(vm?.["id"]);
  });

  it("hang together: owners own, paired bots are on machines of their owner, shared fingerprints are there", () => {
    const owners = new Map(objects("users").map((user) => [user["id"], user]));
    const machines = new Map(objects("instances").map((machine) => [machine["instance_id"], machine]));
    for (const machine of machines.values()) expect(owners.get(machine["tenant_id"] ?? null)?.["status"]).toBe("active");
    for (const bot of objects("bots")) if (bot["instance_id"] !== null) expect(machines.get(bot["instance_id"] ?? null)?.["tenant_id"]).toBe(bot["tenant_id"]);
    const accountsOf = new Map<Value, Set<Value>>();
    for (const seen of objects("fingerprint_history")) accountsOf.set(seen["fingerprint"] ?? null, (accountsOf.get(seen["fingerprint"] ?? null) ?? new Set()).add(seen["tenant_id"] ?? null));
    expect([...accountsOf.values()].some(({ size }) => size > 1)).toBe(true);
    expect(new Set(objects("payments").map(({ paid_at: at }) => new Date(Number(at)).toISOString().slice(0, 7))).size).toBeGreaterThanOrEqual(11);
  });
});
