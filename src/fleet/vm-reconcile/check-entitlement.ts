import { z } from "zod";
import type { Ctx } from "../../kernel/context";
import { Plan, retryLostUpdate } from "../../kernel/db/client";
import { AppError } from "../../kernel/errors/app-error";
import { accountLabel } from "../accounts";
import { destroyUnpaidVm } from "../cloud-vms";
import { unpaidMachinesMail } from "../mails";
import { getEntitlements, limitOf } from "../plans";
import { listPayers } from "../vm-addons";
import { entitle, type Verdict } from "./entitle.core";
import { openFinding, resolveFinding } from "./findings.store";
import { hasMachines, isStillUnpaid, paysForOne, readPaidMachines, setLink, setUnpaid, withinIncluded, type MachineRow } from "./vm-reconcile.store";

const isGoing = ({ status }: MachineRow): boolean => status === "destroying";

interface Decision {
  readonly tenantId: number;
  readonly now: number;
  readonly included: number | null;
  readonly person: { readonly email: string; readonly username: string } | null;
  readonly verdicts: readonly Verdict<MachineRow>[];
}

/**
 * Compares somebody's cloud machines with what pays for them: gives places that are free to machines that have none, tells the owner of those
 * that nobody pays for, and destroys those whose time is over. Nothing is concluded while plans or add-ons cannot be read.
 * @throws AppError DEPENDENCY_UNAVAILABLE, BAD_GATEWAY: it is tried again
 */
export async function checkEntitlement(ctx: Ctx, tenantId: number): Promise<void> {
  if (!(await hasMachines(ctx, tenantId))) return;
  const destroyed = await retryLostUpdate(async () => {
    const decision = await decide(ctx, tenantId);
    await commitDecision(ctx, decision);
    return decision.verdicts.filter(({ isDestroyed }) => isDestroyed);
  });
  for (const verdict of destroyed) await destroyOne(ctx, tenantId, verdict);
}

/** Job `cloud_vms.entitle`: {@link checkEntitlement} of one person. */
export async function checkEntitlementJob(ctx: Ctx, payload: unknown): Promise<void> {
  if (typeof payload !== "number") throw new AppError("MALFORMED_REQUEST", "not a person");
  await checkEntitlement(ctx, payload);
}

const Told = z.object({ userId: z.int() });

/** Effect `cloud_vms.entitle` {userId}: what pays for somebody's machines has changed. */
export async function checkEntitlementSoon(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  const { userId } = Told.parse(payload);
  if (await hasMachines(ctx, userId)) await ctx.services.jobs.send({ v: 1, id: `cloud_vms.entitle:${userId}:${effectId}`, type: "cloud_vms.entitle", payload: userId });
}

/** Beside the other handler of effect `plan.changed` {userId, …}: included places may have come or gone. */
export function checkAfterPlanChange(ctx: Ctx, payload: unknown, effectId: string): Promise<void> {
  return checkEntitlementSoon(ctx, payload, `plan:${effectId}`);
}

async function decide(ctx: Ctx, tenantId: number): Promise<Decision> {
  const named = (await readPaidMachines(ctx, tenantId)).machines.flatMap(({ addonId }) => (addonId === null ? [] : [addonId]));
  const addons = await listPayers(ctx, tenantId, named);
  // Read last: asking providers takes its time. What changes from here on makes the commit read again.
  const [{ person, machines, graceUntil }, entitlements] = await Promise.all([readPaidMachines(ctx, tenantId), getEntitlements(ctx, tenantId, { fresh: true })]);
  const now = ctx.clock.now();
  const included = limitOf(entitlements, "cloud_vm_included");
  const going = machines.filter(isGoing);
  const verdicts = entitle({
    now,
    machines: machines.filter((machine) => !isGoing(machine)),
    included,
    includedLeaving: going.filter(({ addonId, unpaidSince }) => addonId === null && unpaidSince === null).length,
    addons,
    addonsLeaving: new Set(going.flatMap(({ addonId }) => (addonId === null ? [] : [addonId]))),
    graceUntil,
    isOwnerGone: person === null || person.status === "deleted",
  });
  return { tenantId, now, included, person: person?.status === "active" ? person : null, verdicts };
}

const changesTimes = ({ machine, unpaidSince, destroyAfter }: Verdict<MachineRow>): boolean => machine.unpaidSince !== unpaidSince || machine.destroyAfter !== destroyAfter;
const changesLink = ({ machine, addonId }: Verdict<MachineRow>): boolean => machine.addonId !== addonId;

/** One commit for all of somebody's machines: places that move never count twice. @throws LostUpdateError */
async function commitDecision(ctx: Ctx, { tenantId, now, included, person, verdicts }: Decision): Promise<void> {
  const plan = new Plan(ctx);
  const takes: Verdict<MachineRow>[] = [];
  for (const verdict of verdicts) {
    const { machine, isPaid, addonId, unpaidSince, destroyAfter } = verdict;
    const subject = { type: "cloud_vm", id: machine.vmId };
    if (changesTimes(verdict)) plan.guarded(setUnpaid(ctx, tenantId, machine, { unpaidSince, destroyAfter }));
    if (changesLink(verdict)) plan.guarded(setLink(ctx, tenantId, machine, addonId, now));
    if (isPaid && (changesLink(verdict) || machine.unpaidSince !== null)) {
      takes.push(verdict);
      plan.audit({ action: "cloud_vm.place", tenantId, subject, detail: { instance_id: machine.instanceId, addon_id: addonId, from_addon_id: machine.addonId, unpaid_since: machine.unpaidSince } }).write(resolveFinding(ctx, "unpaid_machine", machine.vmId, now));
    }
    if (!isPaid && machine.unpaidSince === null) {
      const detail = { instance_id: machine.instanceId, addon_id: machine.addonId, destroy_after: destroyAfter };
      plan.audit({ action: "cloud_vm.notice", tenantId, subject, detail: { ...detail, told: verdict.isNotice && person !== null && ctx.services.mailer !== null } });
      plan.write(openFinding(ctx, { kind: "unpaid_machine", subject: machine.vmId, driver: machine.driver, detail: { ...detail, tenant_id: tenantId } }, now));
    }
  }
  for (const { addonId } of takes) if (addonId !== null) plan.require(paysForOne(ctx, tenantId, addonId));
  if (included !== null && takes.some(({ addonId }) => addonId === null)) plan.require(withinIncluded(ctx, tenantId, included));
  const told = verdicts.filter(({ isNotice }) => isNotice).map(({ machine, destroyAfter }) => ({ name: machine.name, destroyAfter: destroyAfter ?? now }));
  // Where no mail can be sent the machine itself says when it goes.
  if (told.length > 0 && person && ctx.services.mailer) plan.effect({ type: "mail.send", payload: unpaidMachinesMail({ to: person.email, username: accountLabel(person), machines: told }) });
  await plan.commit();
}

/** Hands a machine over to its own end, unless somebody paid meanwhile. */
async function destroyOne(ctx: Ctx, tenantId: number, { machine, unpaidSince, destroyAfter }: Verdict<MachineRow>): Promise<void> {
  await new Plan(ctx)
    .require(isStillUnpaid(ctx, tenantId, machine.vmId, { unpaidSince, destroyAfter }))
    .audit({ action: "cloud_vm.unpaid_destroy", tenantId, subject: { type: "cloud_vm", id: machine.vmId }, detail: { instance_id: machine.instanceId, unpaid_since: unpaidSince, destroy_after: destroyAfter } })
    .write(resolveFinding(ctx, "unpaid_machine", machine.vmId, ctx.clock.now()))
    .commit();
  await destroyUnpaidVm(ctx, machine.vmId);
}
