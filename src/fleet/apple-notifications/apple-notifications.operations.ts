import { operation } from "../../kernel/operation";
import { AppleNotificationBody, AppleNotificationView, MAX_NOTIFICATION_BODY_BYTES } from "./apple-notifications.schemas";
import { receiveNotification } from "./receive-notification";

export const operations = [
  operation({
    id: "fleet.apple-notifications.receive",
    method: "post",
    path: "/api/v1/subscription/apple/notifications",
    tag: "subscription",
    summary: "App Store Server Notifications, version 2: Apple tells what became of a purchase",
    auth: ["none"],
    limit: "public",
    audit: "apple_notification.receive",
    body: AppleNotificationBody,
    maxBodyBytes: MAX_NOTIFICATION_BODY_BYTES,
    output: AppleNotificationView,
  }).handle(({ body }, ctx) => receiveNotification(ctx, body)),
];
