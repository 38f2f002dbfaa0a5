import { z } from "zod";

export const WebhookView = z.object({ received: z.boolean() }).meta({ id: "WebhookReceipt" });
