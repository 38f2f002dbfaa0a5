import type { Ctx } from "../../kernel/context";
import { noteIdleTokenKeys } from "./keys.store";

/** Hourly: notes which keys of `TOKEN_KEYS` are not the newest, so that it can be told how long one has signed nothing. */
export async function noteTokenKeys(ctx: Ctx): Promise<void> {
  const { activeId, keys } = ctx.config.tokenKeys;
  await noteIdleTokenKeys(ctx, [...keys.keys()].filter((id) => id !== activeId), ctx.clock.now());
}
