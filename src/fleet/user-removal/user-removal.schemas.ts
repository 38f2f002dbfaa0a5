import { z } from "zod";
import { STEPS } from "./user-removal.core";

export const RemoveUserQuery = z.object({ confirm_email: z.string().max(320) });

export const RemovedUserView = z
  .object({
    ok: z.boolean().describe("Whether every step did what it should."),
    user_id: z.int(),
    email: z.string(),
    reclaimable: z.boolean().describe("Names are never free again on a homeserver; whoever signs up with this one takes the ended account over."),
    steps: z.array(z.object({ step: z.int(), name: z.enum(STEPS), ok: z.boolean(), detail: z.string() })),
  })
  .meta({ id: "AdminUserRemoved" });
