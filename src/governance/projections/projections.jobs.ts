import type { SourceRef } from "../../../durable-objects/shared/object-outbox.rpc";
import { sourceObject } from "../../../durable-objects/stubs";
import { AppError } from "../../kernel/errors/app-error";
import type { JobHandler } from "../../kernel/jobs/consume";
import { show, type Projector } from "./project";

/** Kind of entry → what projects it, loaded when first needed. */
export type Projectors = Readonly<Record<string, () => Promise<Projector>>>;

/** Entries read, shown and acknowledged at a time. */
const PAGE = 20;
/** Pages of one job; an object with more asks again by its alarm. */
const PAGES_MAX = 50;

/** Handler of `governance.project`: shows everything that an object waits for, oldest first. */
export const projectJob =
  (projectors: Projectors): JobHandler =>
  async (ctx, payload) => {
    const object = sourceObject(ctx.objects, readRef(payload));
    for (let page = 0; page < PAGES_MAX; page++) {
      const entries = await object.pendingEntries(PAGE);
      for (const entry of entries) {
        const load = projectors[entry.kind];
        if (!load) throw new Error(`nothing projects entries of kind ${entry.kind}`);
        await show(ctx, entry, await load());
        await object.ackEntries([entry.seq]);
      }
      if (entries.length < PAGE) return;
    }
  };

/** @throws AppError MALFORMED_REQUEST */
function readRef(payload: unknown): SourceRef {
  const { object, name } = (payload ?? {}) as Partial<Record<string, unknown>>;
  if ((object === "tenant" || object === "org" || object === "budget") && typeof name === "string") return { object, name };
  throw new AppError("MALFORMED_REQUEST", "The job names no source.");
}
