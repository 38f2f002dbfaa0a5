import type { z } from "zod";
import { listSigningKeyIds } from "../../kernel/auth/access-token";
import type { Ctx, OwnerCtx } from "../../kernel/context";
import type { KeyRing } from "../../kernel/crypto/key-ring";
import { pageOf, readCursor } from "../../kernel/db/cursor";
import { notFound } from "../../kernel/errors/app-error";
import { vmOfTag } from "../vm-provisioning";
import { whyTokenKeyStays } from "./keys.core";
import { toResealView, type KeyOverviewView, type ListRunsQuery, type ResealRunListView, type ResealRunRef, type ResealRunView } from "./keys.schemas";
import { countTokensByKey, findRun, readComputerTags, readIdleTokenKeys, selectResealRuns } from "./keys.store";

/** Names of all columns that hold sealed values, in the order of the walk. */
export const columnNames = async (ctx: Ctx): Promise<readonly string[]> => (await ctx.sealedColumns()).map(({ name }) => name);

/** How many values of which column are sealed under which key. Reads every sealed table once. */
export async function countSealed(ctx: Ctx): Promise<readonly { readonly column: string; readonly keyId: string; readonly count: number }[]> {
  const counts = await Promise.all((await ctx.sealedColumns()).map(async (column) => (await column.countByKey(ctx)).map((one) => ({ column: column.name, ...one }))));
  return counts.flat();
}

/** Which keys there are, which are needed, and which may go. Ids only, never a key. */
export async function getKeys(ctx: OwnerCtx): Promise<z.input<typeof KeyOverviewView>> {
  const { sealKeys, tokenKeys } = ctx.config;
  const now = ctx.clock.now();
  const [sealed, tokens, signing, computers, idle] = await Promise.all([countSealed(ctx), countTokensByKey(ctx, now), listSigningKeyIds(ctx.config), countComputers(ctx), readIdleTokenKeys(ctx)]);
  const unknown = tokens.find((one) => one.keyId === null)?.count ?? 0;
  return {
    seal_keys: {
      keys: keysOf(sealKeys, (id) => sealed.reduce((sum, one) => sum + (one.keyId === id ? one.count : 0), 0)),
      by_column: sealed.map(({ column, keyId, count }) => ({ column, key_id: keyId, count })),
    },
    token_keys: {
      keys: keysOf(
        tokenKeys,
        (id) => tokens.find((one) => one.keyId === id)?.count ?? 0,
        (id, uses) => whyTokenKeyStays({ tokens: uses, unknown, computers: computers.byKey.get(id) ?? 0, isProviderSilent: computers.isProviderSilent, idleSince: idle.get(id) ?? null }, now),
      ),
      unknown,
    },
    signing_keys: { keys: signing.map((id, index) => ({ key_id: id, is_active: index === 0 })) },
  };
}

/** @param whyStays why a key that nothing counted needs must stay all the same; null when it may go */
const keysOf = (ring: KeyRing, usesOf: (id: string) => number, whyStays: (id: string, uses: number) => string | null = () => null) =>
  [...ring.keys.keys()].map((id) => {
    const uses = usesOf(id);
    const isActive = id === ring.activeId;
    const note = isActive ? null : whyStays(id, uses);
    return { key_id: id, is_active: isActive, in_use: uses, safe_to_drop: !isActive && uses === 0 && note === null, note };
  });

/** How many computers bear a name that each old token key signed. */
async function countComputers(ctx: Ctx): Promise<{ readonly byKey: ReadonlyMap<string, number>; readonly isProviderSilent: boolean }> {
  const { activeId, keys } = ctx.config.tokenKeys;
  const { tags, isProviderSilent } = await readComputerTags(ctx);
  const byKey = new Map<string, number>();
  for (const [id, key] of keys) {
    if (id === activeId) continue;
    const ring = { activeId: id, keys: new Map([[id, key]]) };
    const machines = await Promise.all(tags.map((tag) => vmOfTag(ring, tag)));
    byKey.set(id, machines.filter((vmId) => vmId !== null).length);
  }
  return { byKey, isProviderSilent };
}

/** Walks that sealed everything anew, newest first. @throws AppError VALIDATION_ERROR (a cursor of elsewhere) */
export async function listResealRuns(ctx: OwnerCtx, { limit, cursor }: z.output<typeof ListRunsQuery>): Promise<z.input<typeof ResealRunListView>> {
  const rows = await selectResealRuns(ctx, cursor === undefined ? null : readCursor(cursor), limit + 1);
  const { page, nextCursor } = pageOf(rows, limit, (run) => ({ at: run.createdAt, id: run.id }));
  const names = await columnNames(ctx);
  return { runs: page.map((run) => toResealView(run, names)), next_cursor: nextCursor };
}

/** How far one of them is. @throws AppError NOT_FOUND */
export async function getResealRun(ctx: OwnerCtx, { run_id: id }: z.output<typeof ResealRunRef>): Promise<z.input<typeof ResealRunView>> {
  const run = await findRun(ctx, id);
  if (!run) throw notFound("Run");
  return toResealView(run, await columnNames(ctx));
}
