import type { Env } from "./env";
import { handleFetch } from "./app";
import { handleQueue } from "./queues";
import { handleScheduled } from "./crons";

export { InstanceDO } from "../durable-objects/instance/instance-do";
export { AccountFeedDO } from "../durable-objects/account-feed/account-feed-do";

export default {
  fetch: (request, env, ctx) => handleFetch(request, env, ctx),
  queue: (batch, env, ctx) => handleQueue(batch, env, ctx),
  scheduled: (controller, env, ctx) => handleScheduled(controller, env, ctx),
} satisfies ExportedHandler<Env>;
