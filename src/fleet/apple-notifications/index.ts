export { enqueueOpenNotifications, forgetOldNotifications, notificationJob } from "./apple-notifications.jobs";
