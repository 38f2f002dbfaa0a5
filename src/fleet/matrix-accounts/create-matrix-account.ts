import { z } from "zod";
import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { toBase64Url } from "../../kernel/crypto/bytes";
import { LostUpdateError, Plan } from "../../kernel/db/client";
import { randomBytes } from "../../kernel/ids/ids";
import { describeCause } from "../../kernel/logging/logger";
import type { MatrixAdmin } from "../../kernel/ports/matrix";
import { claimAccount, findMatrixPerson, listPeopleWithoutAccount, markAccountCreated, markPasswordStale, type MatrixPerson } from "./matrix-accounts.store";

const PersonPayload = z.object({ userId: z.int() });
const PASSWORD_BYTES = 32;
const SWEEP_LIMIT = 100;
const HOURS = 24;
/** More than all calls of making an account may take. */
const CLAIM_MS = 2 * MINUTE_MS;

/** Why there is no account, or not the one that was meant. */
export type MatrixAccountError = "matrix_not_configured" | "matrix_unreachable" | "matrix_busy" | "matrix_name_taken" | "user_has_no_matrix_id" | "matrix_account_missing" | "matrix_account_deactivated";

/** Thrown when the homeserver knows somebody else by this name: giving that account a password would hand it to a stranger. */
class MatrixNameTakenError extends Error {
  override readonly name = "MatrixNameTakenError";

  constructor() {
    super("an account of this name exists on the homeserver and is not ours");
  }
}

/** An account whose end an administrator wants: neither sign-ins nor passwords bring it back. */
const isEnded = (person: MatrixPerson): boolean => person.matrixStatus === "deactivated" || person.matrixStatus === "erased";

/** Nobody knows it: the person's next sign-in replaces it by theirs. */
export const newMatrixPassword = (): string => toBase64Url(randomBytes(PASSWORD_BYTES));

export const nameOf = (person: MatrixPerson): string => person.displayName ?? person.name;

/**
 * Makes a person's account on the homeserver, or takes over a deactivated one of their name (names are never free again there). Claims
 * it first, so that an account whose answer was lost is known as ours. Harmless when repeated.
 * @returns false where we may not make accounts
 * @throws MatrixNameTakenError; LostUpdateError while another is at it; AppError MATRIX_UNAVAILABLE, BAD_GATEWAY
 */
async function raiseAccount(ctx: Ctx, admin: MatrixAdmin, person: MatrixPerson, password: string, passwordStale: boolean): Promise<boolean> {
  if (admin.register === null) return false;
  const known = await admin.findAccount(person.matrixId);
  if (known && !known.deactivated && person.claimedAt === null) throw new MatrixNameTakenError();
  await new Plan(ctx).guarded(claimAccount(ctx, person, CLAIM_MS)).commit();
  if (known || (await admin.register({ localpart: person.username, password, displayName: nameOf(person) })) === "taken") {
    await admin.updateAccount(person.matrixId, { deactivated: false, password, logoutDevices: false, displayName: nameOf(person) });
  }
  await new Plan(ctx)
    .write(markAccountCreated(ctx, person.id, passwordStale))
    .audit({ action: "matrix_account.create", tenantId: person.id, subject: { type: "account", id: person.sub }, detail: { reclaimed: known !== null } })
    .commit();
  return true;
}

/** Message `matrix.create_account` {userId}: with a random password, which the person's next sign-in replaces by theirs. */
export async function createMatrixAccount(ctx: Ctx, payload: unknown): Promise<void> {
  const admin = ctx.services.matrix?.admin;
  const person = admin ? await findMatrixPerson(ctx, PersonPayload.parse(payload).userId) : null;
  if (!admin || !person || person.created || person.status !== "active" || !person.accountVerified) return;
  try {
    await raiseAccount(ctx, admin, person, newMatrixPassword(), true);
  } catch (error) {
    if (!(error instanceof MatrixNameTakenError)) throw error;
    ctx.log.warn("somebody else has this name on the homeserver", { event: "matrix_account.name_taken", account_id: person.id });
  }
}

/**
 * The same for an administrator who waits for it: tells what came of it and never throws. With `matrix_not_configured`,
 * `matrix_unreachable` and `matrix_busy` the hourly sweep or the person's next sign-in tries again.
 */
export async function tryMatrixAccount(ctx: Ctx, tenantId: number): Promise<{ readonly created: boolean; readonly error: MatrixAccountError | null }> {
  const admin = ctx.services.matrix?.admin;
  if (!admin?.register) return { created: false, error: "matrix_not_configured" };
  try {
    const person = await findMatrixPerson(ctx, tenantId);
    if (!person) return { created: false, error: "user_has_no_matrix_id" };
    if (!person.created) await raiseAccount(ctx, admin, person, newMatrixPassword(), true);
    return { created: true, error: null };
  } catch (error) {
    if (error instanceof MatrixNameTakenError) return { created: false, error: "matrix_name_taken" };
    if (error instanceof LostUpdateError) return { created: false, error: "matrix_busy" };
    ctx.log.warn("the Matrix account was not made", { event: "matrix_account.create.failed", ...describeCause(error) });
    return { created: false, error: "matrix_unreachable" };
  }
}

/** Effect `matrix.rename_account` {userId}: the name that others see in rooms. */
export async function renameMatrixAccount(ctx: Ctx, payload: unknown): Promise<void> {
  const person = await findMatrixPerson(ctx, PersonPayload.parse(payload).userId);
  if (person?.created && person.status === "active") await ctx.services.matrix?.admin?.updateAccount(person.matrixId, { displayName: nameOf(person) });
}

/**
 * At a sign-in, with the right password in hand: makes the Matrix account if there is none yet, and hands the password over when
 * the homeserver has another. Devices stay. Whatever fails is tried again at the next sign-in; it never fails this one.
 */
export async function syncMatrixAccount(ctx: Ctx, tenantId: number, password: string): Promise<void> {
  const admin = ctx.services.matrix?.admin;
  if (!admin) return;
  try {
    const person = await findMatrixPerson(ctx, tenantId);
    if (!person || (person.created && !person.passwordStale) || isEnded(person)) return;
    if (!person.created) await raiseAccount(ctx, admin, person, password, false);
    else if (await admin.updateAccount(person.matrixId, { password, logoutDevices: false })) await new Plan(ctx).write(markPasswordStale(ctx, tenantId, false)).commit();
  } catch (error) {
    ctx.log.warn("the Matrix account is not in step", { event: "matrix_account.sync.failed", ...describeCause(error) });
  }
}

/** After a password reset: the homeserver gets the new one now and ends its sessions there; failing that, the next sign-in hands it over (it is marked stale already). @returns why it was not, or null */
export async function replaceMatrixPassword(ctx: Ctx, tenantId: number, password: string): Promise<MatrixAccountError | null> {
  const admin = ctx.services.matrix?.admin;
  if (!admin) return "matrix_not_configured";
  try {
    const person = await findMatrixPerson(ctx, tenantId);
    if (!person) return "user_has_no_matrix_id";
    if (!person.created) return "matrix_account_missing";
    if (isEnded(person)) return "matrix_account_deactivated";
    if (!(await admin.resetPassword(person.matrixId, password, true))) return "matrix_account_missing";
    await new Plan(ctx).write(markPasswordStale(ctx, tenantId, false)).commit();
    return null;
  } catch (error) {
    ctx.log.warn("the Matrix password was not replaced", { event: "matrix_account.reset.failed", ...describeCause(error) });
    return "matrix_unreachable";
  }
}

/**
 * Hourly: accounts for people who have not signed in since there is a homeserver; whoever signs in gets theirs then. Each hour looks at
 * its share of the people, so that those who cannot have one keep nobody else waiting.
 */
export async function enqueueMissingAccounts(ctx: Ctx): Promise<void> {
  if (!ctx.services.matrix?.admin?.register) return;
  const hour = Math.floor(ctx.clock.now() / (60 * MINUTE_MS));
  const ids = await listPeopleWithoutAccount(ctx, hour % HOURS, HOURS, SWEEP_LIMIT);
  await Promise.all(ids.map((userId) => ctx.services.jobs.send({ v: 1, id: `matrix.create_account:${userId}:${hour}`, type: "matrix.create_account", payload: { userId } })));
}
