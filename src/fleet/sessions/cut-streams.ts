import { z } from "zod";
import { accountFeedObject } from "../../../durable-objects/stubs";
import type { EffectHandler } from "../../kernel/outbox/drain";
import type { Effect } from "../../kernel/outbox/effects";

const CutStreamsPayload = z.object({ userId: z.int() });

/** What must follow when a person is signed out everywhere: open streams were checked at their beginning only. */
export const cutStreamsEffect = (userId: number): Effect => ({ type: "session.cut_streams", payload: { userId } satisfies z.input<typeof CutStreamsPayload> });

/** Effect `session.cut_streams`: closes the account's streams that a person's token opened; who may still, opens a new one. Harmless when repeated. */
export const cutStreams: EffectHandler = async (ctx, payload) => {
  const { userId } = CutStreamsPayload.parse(payload);
  await accountFeedObject(ctx.objects, userId).cutPeople(userId);
};
