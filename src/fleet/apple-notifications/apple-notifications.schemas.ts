import { z } from "zod";

/** A notification with two signed parts, each with its chain of certificates, takes about 20 KiB. */
const MAX_NOTIFICATION_CHARS = 128 * 1024;
/** A body with such a notification, bytes. */
export const MAX_NOTIFICATION_BODY_BYTES = MAX_NOTIFICATION_CHARS + 4 * 1024;

export const AppleNotificationBody = z
  .object({ signedPayload: z.string().min(1).max(MAX_NOTIFICATION_CHARS).meta({ description: "An App Store Server Notification, version 2." }) })
  .meta({ id: "AppleNotificationRequest" });

export const AppleNotificationView = z.object({ received: z.boolean() }).meta({ id: "AppleNotificationResponse" });
