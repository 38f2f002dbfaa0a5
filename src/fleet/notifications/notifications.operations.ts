import { operation } from "../../kernel/operation";
import { listNotifications } from "./notifications.queries";
import { ListNotificationsQuery, NotificationHistoryView, RecipientRef, TestNotificationView } from "./notifications.schemas";
import { sendTestNotification } from "./send-test-notification";

const TAG = "notifications";

export const operations = [
  operation({
    id: "fleet.notifications.list",
    method: "get",
    path: "/api/v1/notifications/history",
    tag: TAG,
    summary: "Attempts to notify the caller's devices, newest first",
    auth: ["user"],
    limit: "read",
    query: ListNotificationsQuery,
    output: NotificationHistoryView,
  }).handle(({ query }, ctx) => listNotifications(ctx, query)),
  operation({
    id: "fleet.notifications.sendTest",
    method: "post",
    path: "/api/v1/admin/notifications/test/{user_id}",
    tag: TAG,
    summary: "Notify every active device of a person, as a trial",
    auth: ["admin"],
    limit: "write",
    audit: "notification.test",
    params: RecipientRef,
    output: TestNotificationView,
  }).handle(({ params }, ctx) => sendTestNotification(ctx, params)),
];
