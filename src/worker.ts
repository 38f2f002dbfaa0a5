import type { Env } from "./env";
import { handleFetch } from "./app";
import { handleQueue } from "./queues";
import { handleScheduled } from "./crons";

export * from "../durable-objects";

export default {
  fetch: (request, env, ctx) => handleFetch(request, env, ctx),
  queue: (batch, env, ctx) => handleQueue(batch, env, ctx),
  scheduled: (controller, env, ctx) => handleScheduled(controller, env, ctx),
} satisfies ExportedHandler<Env>;
