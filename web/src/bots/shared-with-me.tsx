import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { formatDay } from "../lib/format";
import { Section } from "../machine/section";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { ConfirmDialog } from "../ui/dialog";
import { ErrorNotice } from "../ui/error-notice";
import { SHARED_KEY } from "./bots-query";
import { leaveSharedBot, listSharedBots } from "./bots.api";
import type { SharedBot } from "./bots.types";

/** Bots of other people that this person may write to. Shown only when there are some. */
export function SharedWithMe() {
  const client = useQueryClient();
  const [leaving, setLeaving] = useState<SharedBot | null>(null);
  const { data, error, refetch } = useQuery({ queryKey: SHARED_KEY, queryFn: ({ signal }) => listSharedBots(signal) });
  const leave = useMutation({
    mutationFn: async (shareId: number) => {
      await leaveSharedBot(shareId);
      await client.invalidateQueries({ queryKey: SHARED_KEY });
    },
    onSuccess: () => setLeaving(null),
  });
  if (error && !data) {
    return (
      <Section title="Shared with me">
        <ErrorNotice error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      </Section>
    );
  }
  if (!data || data.length === 0) return null;
  return (
    <Section title="Shared with me">
      <p className="-mt-2 text-sm text-muted">Bots of other people that you may write to. Open a chat with their address in any Matrix app.</p>
      <ul data-testid="shared-bots" className="rounded-xl border border-line bg-surface shadow-card">
        {data.map((bot) => (
          <li key={bot.share_id} className="flex items-center gap-3 border-t border-line px-4 py-3 first:border-t-0">
            <div className="min-w-0 flex-1">
              <p className="font-medium [overflow-wrap:anywhere]">{bot.bot_name}</p>
              <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                <span className="font-mono text-xs">{bot.bot_user_id}</span>
                {bot.owner_display_name && <> · of {bot.owner_display_name}</>}
                {bot.expires_at && <> · until {formatDay(bot.expires_at)}</>}
              </p>
            </div>
            <CopyButton text={bot.bot_user_id} label={`Copy the address of ${bot.bot_name}`} />
            <Button size="sm" aria-label={`Leave ${bot.bot_name}`} onClick={() => setLeaving(bot)}>
              Leave
            </Button>
          </li>
        ))}
      </ul>
      <ConfirmDialog
        isOpen={leaving !== null}
        onOpenChange={(isOpen) => {
          if (isOpen || leave.isPending) return;
          leave.reset();
          setLeaving(null);
        }}
        title={`Leave ${leaving?.bot_name ?? "this bot"}?`}
        description="It stops answering you. Only its owner can share it with you again."
        confirmLabel="Leave"
        isBusy={leave.isPending}
        error={leave.error}
        onConfirm={() => leaving && leave.mutate(leaving.share_id)}
      />
    </Section>
  );
}
