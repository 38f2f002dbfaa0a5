export { eventSealContext, handleStripeEvent } from "./handle-event";
export { enqueueOpenEvents, forgetHandledEvents } from "./webhooks.jobs";
