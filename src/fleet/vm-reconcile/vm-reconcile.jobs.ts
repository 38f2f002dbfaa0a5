import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { AppError } from "../../kernel/errors/app-error";
import { listDueDestroys, listEndedLinks, listOwners } from "./vm-reconcile.store";

/** How often the provider is compared with our rows. */
const EVERY_MS = 5 * MINUTE_MS;
const PEOPLE_MAX = 200;
const PAGE = 500;
/** Add-ons that ended longer ago are the hour's check's. */
const RECENTLY_MS = 14 * DAY_MS;

/** The tick of five minutes: the provider's list is compared with our rows. */
export async function enqueueReconcile(ctx: Ctx): Promise<void> {
  const { compute } = ctx.services;
  if (!compute) return;
  await ctx.services.jobs.send({ v: 1, id: `cloud_vms.reconcile:${compute.driver}:${Math.floor(ctx.clock.now() / EVERY_MS)}`, type: "cloud_vms.reconcile", payload: null });
}

/** The tick of five minutes: people whose machine lost its add-on, and those whose time to destroy one has come. */
export async function enqueueEntitlementChecks(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now();
  const [due, ended] = await Promise.all([listDueDestroys(ctx, now, PEOPLE_MAX), listEndedLinks(ctx, now, now - RECENTLY_MS, PEOPLE_MAX)]);
  await sendChecks(ctx, [...due, ...ended], Math.floor(now / EVERY_MS));
}

/** The hour's tick: everybody with a cloud machine, page by page. Trials end and caps fall without a word. */
export const enqueueAllEntitlementChecks = (ctx: Ctx): Promise<void> => checkPage(ctx, 0, Math.floor(ctx.clock.now() / HOUR_MS));

/** Job `cloud_vms.entitle_page` {after, hour}: the next page of the hour's tick. */
export async function checkPageJob(ctx: Ctx, payload: unknown): Promise<void> {
  const { after, hour } = (payload ?? {}) as Record<string, unknown>;
  if (typeof after !== "number" || typeof hour !== "number") throw new AppError("MALFORMED_REQUEST", "not a page");
  await checkPage(ctx, after, hour);
}

async function checkPage(ctx: Ctx, after: number, hour: number): Promise<void> {
  const people = await listOwners(ctx, after, PAGE);
  await sendChecks(ctx, people, `h${hour}`);
  const last = people.at(-1);
  if (people.length === PAGE && last !== undefined) await ctx.services.jobs.send({ v: 1, id: `cloud_vms.entitle_page:${last}:${hour}`, type: "cloud_vms.entitle_page", payload: { after: last, hour } });
}

async function sendChecks(ctx: Ctx, people: readonly number[], slot: number | string): Promise<void> {
  const each = [...new Set(people)];
  await Promise.all(each.map((id) => ctx.services.jobs.send({ v: 1, id: `cloud_vms.entitle:${id}:${slot}`, type: "cloud_vms.entitle", payload: id })));
  if (each.length > 0) ctx.log.info("people whose machines may be unpaid enqueued", { event: "cloud_vms.entitlements_swept", count: each.length });
}
