import { z } from "zod";
import { iso, isoOrNull } from "../../kernel/clock";
import type { Share } from "./bot-shares.store";

export const CreateShareBody = z
  .object({
    shared_with_user_id: z.string().min(1).max(255).meta({ description: "Matrix id of an account here." }),
    expires_at: z.string().max(64).nullish().meta({ description: "ISO 8601, in the future; without a zone it is UTC." }),
  })
  .meta({ id: "CreateShareRequest" });

export const SharingToggleBody = z.object({ enabled: z.boolean() }).meta({ id: "SharingToggleRequest" });

export const BotSharesRef = z.object({ bot_id: z.string().min(1).max(64) });
const shareId = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
export const ShareRef = BotSharesRef.extend({ share_id: shareId });
export const SharedBotRef = z.object({ share_id: shareId });

export const ShareView = z
  .object({
    id: z.int(),
    bot_id: z.string(),
    shared_with_user_id: z.string(),
    shared_with_display_name: z.string().nullable(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
  })
  .meta({ id: "ShareResponse" });
export const SharesView = z.array(ShareView);

export const ShareEndedView = z.object({ success: z.boolean(), message: z.string() }).meta({ id: "ShareDeleteResponse" });

export const SharedBotView = z
  .object({
    share_id: z.int(),
    bot_id: z.string(),
    bot_name: z.string(),
    bot_user_id: z.string(),
    owner_display_name: z.string().nullable(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
  })
  .meta({ id: "SharedBotResponse" });
export const SharedBotsView = z.array(SharedBotView);

const ActiveShareView = z
  .object({ share_id: z.int(), bot_id: z.string(), bot_user_id: z.string(), shared_with_user_id: z.string(), expires_at: z.string().nullable() })
  .meta({ id: "ActiveShareItem" });
export const ActiveSharesView = z.object({ shares: z.array(ActiveShareView) }).meta({ id: "ActiveSharesResponse" });

interface Named {
  readonly name: string | null;
  readonly displayName: string | null;
}

export const toShareView = (share: Share, recipient: Named): z.input<typeof ShareView> => ({
  id: share.id,
  bot_id: share.botId,
  shared_with_user_id: share.recipientMatrixId,
  shared_with_display_name: recipient.displayName ?? recipient.name,
  created_at: iso(share.createdAt),
  expires_at: isoOrNull(share.expiresAt),
});

export const toSharedBotView = (share: Share, bot: { readonly botName: string; readonly botMatrixId: string }, owner: Named): z.input<typeof SharedBotView> => ({
  share_id: share.id,
  bot_id: share.botId,
  bot_name: bot.botName,
  bot_user_id: bot.botMatrixId,
  owner_display_name: owner.displayName ?? owner.name,
  created_at: iso(share.createdAt),
  expires_at: isoOrNull(share.expiresAt),
});

export const toActiveShareView = (share: Share, botMatrixId: string): z.input<typeof ActiveShareView> => ({
  share_id: share.id,
  bot_id: share.botId,
  bot_user_id: botMatrixId,
  shared_with_user_id: share.recipientMatrixId,
  expires_at: isoOrNull(share.expiresAt),
});
