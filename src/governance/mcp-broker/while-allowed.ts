import { MINUTE_MS } from "../../kernel/clock";
import type { Ctx } from "../../kernel/context";
import { requireCallable, requireTenant, type Callable } from "./may-call";

const LOOK_AGAIN_MS = MINUTE_MS;

/** Lets a stream through for as long as its caller may call the server, which is looked at again before something passes, once a minute. */
export function whileAllowed(ctx: Ctx, { tenant, born, server }: Callable): TransformStream<Uint8Array, Uint8Array> {
  let lookAt = ctx.clock.now() + LOOK_AGAIN_MS;
  const isAllowed = async (): Promise<boolean> => {
    if ((await requireTenant(ctx)) !== tenant) return false;
    const now = await requireCallable(ctx, tenant, server.id);
    // Our credential was given to that endpoint as it was.
    return now.born === born && now.server.endpoint === server.endpoint;
  };
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      if (ctx.clock.now() >= lookAt) {
        // Who cannot be asked now comes again with a new call.
        if (!(await isAllowed().catch(() => false))) {
          controller.terminate();
          return;
        }
        lookAt = ctx.clock.now() + LOOK_AGAIN_MS;
      }
      controller.enqueue(chunk);
    },
  });
}
