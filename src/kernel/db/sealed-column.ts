import { and, asc, count, eq, getTableName, gt, isNotNull, sql } from "drizzle-orm";
import type { GetColumnData } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { idempotencyKeys, outbox } from "../../schema/kernel";
import type { Ctx } from "../context";
import { idempotencySealContext } from "../idempotency";
import { effectSealContext } from "../outbox/effects";

/** A sealed value and what binds it to its row. */
interface SealedValue {
  readonly rowid: number;
  readonly value: string;
  readonly context: string;
}

/** A column that holds sealed values, of every owner. */
export interface SealedColumn {
  /** `table.column` */
  readonly name: string;
  /** Values of at most `limit` rows after `afterRowid`, in order. */
  readonly list: (ctx: Ctx, afterRowid: number, limit: number) => Promise<readonly SealedValue[]>;
  /** Puts `next` in the place of `value`, unless the row changed since. Leaves `version` alone: nobody's change must fail of it. */
  readonly replace: (ctx: Ctx, old: SealedValue, next: string) => ReturnType<typeof updateValue>;
  /** How many values are sealed under which key; reads the whole table. */
  readonly countByKey: (ctx: Ctx) => Promise<readonly { readonly keyId: string; readonly count: number }[]>;
}

type Keys = Readonly<Record<string, SQLiteColumn>>;

/**
 * Describes a sealed column, so that the walk that seals everything anew finds it.
 * @param keys what of the row `contextOf` needs
 */
export function sealedColumn<T extends SQLiteTable, K extends Keys>(table: T, property: keyof T & string, keys: K, contextOf: (row: { readonly [P in keyof K]: GetColumnData<K[P]> }) => string): SealedColumn {
  // The names come from the very table.
  const column = table[property] as unknown as SQLiteColumn;
  const rowid = sql<number>`${table}.rowid`;
  const value = sql<string>`${column}`;
  return {
    name: `${getTableName(table)}.${column.name}`,
    list: async (ctx, afterRowid, limit) => {
      const rows = await ctx.db
        .select({ rowid, value, ...keys })
        .from(table as SQLiteTable)
        .where(and(gt(rowid, afterRowid), isNotNull(column)))
        .orderBy(asc(rowid))
        .limit(limit);
      // Selected with these very keys.
      return rows.map((row) => ({ rowid: row.rowid, value: row.value, context: contextOf(row as unknown as Parameters<typeof contextOf>[0]) }));
    },
    replace: (ctx, old, next) => updateValue(ctx, table, column, property, old, next),
    countByKey: async (ctx) => {
      const keyId = sql<string>`substr(${column}, 4, instr(substr(${column}, 4), '.') - 1)`;
      return ctx.db.select({ keyId, count: count() }).from(table as SQLiteTable).where(isNotNull(column)).groupBy(keyId);
    },
  };
}

const updateValue = (ctx: Ctx, table: SQLiteTable, column: SQLiteColumn, property: string, old: SealedValue, next: string) =>
  ctx.db
    .update(table)
    .set({ [property]: next })
    .where(and(eq(sql`${table}.rowid`, old.rowid), eq(column, old.value)));

/** Those of the kernel's own tables. */
export const kernelSealedColumns: readonly SealedColumn[] = [
  sealedColumn(outbox, "payload", { id: outbox.id }, ({ id }) => effectSealContext(id)),
  sealedColumn(idempotencyKeys, "sealedBody", { scope: idempotencyKeys.scope, key: idempotencyKeys.key }, ({ scope, key }) => idempotencySealContext(scope, key)),
];
