import { z } from "zod";
import { accountFeedObject } from "../../../durable-objects/stubs";
import type { Ctx } from "../../kernel/context";
import { isAccountActive } from "../accounts";
import { countCloudInstances } from "./user-removal.store";

const Payload = z.object({ userId: z.int() });

/**
 * Effect `account_feed.purge` {userId}: empties the feed of an account that was removed. Does nothing while the account is active. Cloud
 * machines report until the provider has given them up, so it comes again until none is left.
 */
export async function purgeFeed(ctx: Ctx, payload: unknown): Promise<void> {
  const { userId } = Payload.parse(payload);
  if (await isAccountActive(ctx, userId)) return;
  await accountFeedObject(ctx.objects, userId).purge(userId);
  if ((await countCloudInstances(ctx, userId)) > 0) throw new Error("cloud machines of this account are still being destroyed");
}
