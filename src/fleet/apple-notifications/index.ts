export { enqueueOpenNotifications, forgetOldNotifications, notificationJob, notificationSealContext } from "./apple-notifications.jobs";
