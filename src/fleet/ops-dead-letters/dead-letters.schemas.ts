import { z } from "zod";
import { iso } from "../../kernel/clock";
import { readBuried, shownPayload } from "./dead-letters.core";
import type { DeadLetter } from "./dead-letters.store";

/** A time in ISO 8601, as ms. */
const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

export const ListDeadLettersQuery = z.object({
  type: z.string().min(1).max(100).optional(),
  since: Time.optional(),
  until: Time.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(1_000).optional(),
});

/** Some ids hold slashes or colons: callers encode them. */
export const DeadLetterRef = z.object({ letter_id: z.string().min(1).max(500) });

export const DeadLetterView = z
  .object({
    id: z.string(),
    type: z.string(),
    reason: z.string(),
    /** Ids of what the job was about; secrets are redacted. */
    payload: z.unknown(),
    /** Whether it can be sent again: messages that were no job of ours cannot. */
    retryable: z.boolean(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "DeadLetter" });

export const DeadLetterListView = z.object({ dead_letters: z.array(DeadLetterView), total: z.int(), next_cursor: z.string().nullable() }).meta({ id: "DeadLetterList" });

export const RetriedLetterView = z.object({ id: z.string(), queued: z.literal(true), message: z.string() }).meta({ id: "RetriedDeadLetter" });

export const toLetterView = (letter: DeadLetter): z.input<typeof DeadLetterView> => ({
  id: letter.id,
  type: letter.type,
  reason: letter.reason,
  payload: shownPayload(letter.payload),
  retryable: readBuried(letter.payload).isJob,
  created_at: iso(letter.createdAt),
});
