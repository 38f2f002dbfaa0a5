import { z } from "zod";
import { isoOrNull } from "../../kernel/clock";
import type { Bot } from "../bots";
import { LINES_MAX } from "./hermes.core";

export const HermesBotRef = z.object({ bot_id: z.string().min(1).max(64) });
export const HermesLogsQuery = z.object({ lines: z.coerce.number().int().min(1).max(LINES_MAX).default(200) });

export const BootstrapBody = z
  .object({ recovery_key: z.string().min(32).max(200), image_ref: z.string().max(255).nullish() })
  .meta({ id: "HermesRuntimeBootstrapRequest" });

export const HermesLogsView = z.object({ bot_id: z.string(), lines: z.array(z.string()), truncated: z.boolean() }).meta({ id: "HermesLogTailResponse" });
export const HermesVersionView = z.object({ bot_id: z.string(), image: z.string().nullable(), container_id: z.string().nullable() }).meta({ id: "HermesVersionResponse" });
export const HermesRestartView = z
  .object({ bot_id: z.string(), restarted: z.boolean(), message: z.string(), command_id: z.string() })
  .meta({ id: "HermesRestartResponse" });
export const BootstrapView = z
  .object({ bot_id: z.string(), persisted: z.boolean(), bootstrapped_at: z.iso.datetime().nullable(), runtime_version: z.string().nullable() })
  .meta({ id: "HermesRuntimeBootstrapResponse" });

export const toBootstrapView = (bot: Pick<Bot, "id" | "bootstrappedAt" | "runtimeVersion">, persisted: boolean): z.input<typeof BootstrapView> => ({
  bot_id: bot.id,
  persisted,
  bootstrapped_at: isoOrNull(bot.bootstrappedAt),
  runtime_version: bot.runtimeVersion,
});
