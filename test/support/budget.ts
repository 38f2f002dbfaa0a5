import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { uniqueName } from "./client";
import { expectOperator } from "./governance";

const { BUDGET_DO, DB } = env as unknown as { BUDGET_DO: DurableObjectNamespace; DB: D1Database };

/** The ledger's object. */
export const ledger = (): DurableObjectStub => BUDGET_DO.getByName("org");

interface Peak {
  readonly account: string;
  /** Most that was spent and reserved at once, micro-USD. */
  readonly most: number;
}

/** Has the database itself note, from now on, the most that each account ever held: no moment in between is missed, also across evictions. */
export async function watchPeaks(): Promise<void> {
  const note = "INSERT INTO peaks (account, most) VALUES (NEW.account, NEW.spent + NEW.reserved) ON CONFLICT (account) DO UPDATE SET most = max(most, excluded.most);";
  await runInDurableObject(ledger(), (_, { storage: { sql } }) => {
    sql.exec(`
      CREATE TABLE IF NOT EXISTS peaks (account TEXT PRIMARY KEY, most INTEGER NOT NULL);
      DELETE FROM peaks;
      CREATE TRIGGER IF NOT EXISTS peaks_of_new AFTER INSERT ON balances BEGIN ${note} END;
      CREATE TRIGGER IF NOT EXISTS peaks_of_changed AFTER UPDATE ON balances BEGIN ${note} END;`);
  });
}

export const listPeaks = (): Promise<ReadonlyMap<string, number>> =>
  runInDurableObject(ledger(), (_, { storage: { sql } }) => new Map(sql.exec<Record<"account", string> & Record<"most", number>>("SELECT account, most FROM peaks").toArray().map(({ account, most }: Peak) => [account, most])));

/** Accounts whose balances are not the sums of their reservations; and how many reservations there are. */
export const auditLedger = (): Promise<{ readonly faults: readonly unknown[]; readonly reservations: number }> =>
  runInDurableObject(ledger(), (_, { storage: { sql } }) => {
    const faults = sql
      .exec(
        `WITH booked AS (
           SELECT a.value AS account, r.period AS period, sum(coalesce(r.cost, 0)) AS spent, sum(CASE WHEN r.status = 'open' THEN r.amount ELSE 0 END) AS reserved
           FROM reservations r, json_each(r.accounts) a GROUP BY 1, 2)
         SELECT b.account, b.period, b.spent, b.reserved, k.spent AS booked_spent, k.reserved AS booked_reserved FROM balances b LEFT JOIN booked k ON k.account = b.account AND k.period = b.period
         WHERE b.spent <> coalesce(k.spent, 0) OR b.reserved <> coalesce(k.reserved, 0)`,
      )
      .toArray();
    const [{ n } = { n: 0 }] = sql.exec<{ n: number }>("SELECT count(*) AS n FROM reservations").toArray();
    return { faults, reservations: n };
  });

/** A tenant as the ledger's features read it. */
export async function seedTenant(options: { readonly monthlyBudgetUsd?: number | null; readonly phase?: string } = {}): Promise<string> {
  const name = uniqueName("tenant");
  await putTenant(name, options);
  return name;
}

/** Makes a tenant's row, or changes it. */
export async function putTenant(name: string, { monthlyBudgetUsd = null, phase = "Running", bornRevision = 1 }: { readonly monthlyBudgetUsd?: number | null; readonly phase?: string; readonly bornRevision?: number }): Promise<void> {
  const now = Date.now();
  await DB.prepare(
    `INSERT INTO governance_tenants (name, display_name, email, monthly_budget_usd, labels, suspended, datasets, phase, revision, born_revision, created_at, updated_at)
     VALUES (?1, ?1, ?1 || '@example.org', ?2, '{}', ?3, '{"org":["default"],"team":[],"project":[],"personal":[]}', ?4, ?5, ?5, ?6, ?6)
     ON CONFLICT (name) DO UPDATE SET monthly_budget_usd = excluded.monthly_budget_usd, suspended = excluded.suspended, phase = excluded.phase, revision = excluded.revision, born_revision = excluded.born_revision`,
  )
    .bind(name, monthlyBudgetUsd, phase === "Suspended" ? 1 : 0, phase, bornRevision, now)
    .run();
}

export const dropTenant = async (name: string): Promise<void> => void (await DB.prepare("DELETE FROM governance_tenants WHERE name = ?").bind(name).run());

/** A fresh model key of a tenant, issued by an operator. */
export const issueKey = async (tenant: string): Promise<string> => (await expectOperator<{ key: string }>(201, "POST", `/api/v1/ai-budget/${tenant}/litellm-key`)).key;
