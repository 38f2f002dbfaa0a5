import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { asApiError } from "../api/errors";
import { formatDay } from "../lib/format";
import { Nothing, Section } from "../machine/section";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { RelativeTime } from "../ui/relative-time";
import { Skeleton } from "../ui/skeleton";
import { Switch } from "../ui/switch";
import { fieldFault } from "./bot-errors.core";
import { botKey, recordBot } from "./bots-query";
import { createShare, listShares, revokeShare, setSharing } from "./bots.api";
import { endOfDay, mxidFault } from "./bots.core";
import type { Bot, BotShare } from "./bots.types";
import { ProblemNotice } from "./problem-notice";

/** Who else may talk to the bot. */
export function BotSharing({ bot }: { bot: Bot }) {
  const client = useQueryClient();
  const key = botKey(bot.id, "shares");
  const [isStopping, setStopping] = useState(false);
  const { data, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => listShares(bot.id, signal) });
  const toggle = useMutation({
    mutationFn: async (enabled: boolean) => {
      await setSharing(bot.id, enabled);
      recordBot(client, { ...bot, sharing_enabled: enabled });
      await client.invalidateQueries({ queryKey: key });
    },
    onSuccess: () => setStopping(false),
  });
  const isOn = bot.sharing_enabled;
  return (
    <Section
      title="Sharing"
      aside={
        <span className="inline-flex items-center gap-2.5 self-center text-[0.8125rem] text-muted">
          {isOn ? "On" : "Off"}
          <Switch
            label="Sharing"
            isOn={isOn}
            isBusy={toggle.isPending}
            onChange={(next) => {
              // Off ends every share; that deserves a question only if there is one.
              if (!next && (data?.length ?? 0) > 0) setStopping(true);
              else toggle.mutate(next);
            }}
          />
        </span>
      }
    >
      {toggle.error !== null && !isStopping && <ProblemNotice error={toggle.error} />}
      {isOn ? (
        <>
          {data ? (
            data.length === 0 ? (
              <Nothing>Only you can talk to it.</Nothing>
            ) : (
              <ShareList botId={bot.id} shares={data} />
            )
          ) : error ? (
            <ProblemNotice error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
          ) : (
            <Skeleton className="h-16 rounded-xl" />
          )}
          {data && <ShareForm botId={bot.id} />}
        </>
      ) : (
        <Nothing>Sharing is off: only you can talk to it.</Nothing>
      )}
      <ConfirmDialog
        isOpen={isStopping}
        onOpenChange={(isOpen) => {
          if (isOpen || toggle.isPending) return;
          toggle.reset();
          setStopping(false);
        }}
        title="Turn sharing off?"
        description={`${data?.length === 1 ? "The person it is shared with loses" : "Everybody it is shared with loses"} it at once. Turning sharing on again does not bring them back.`}
        confirmLabel="Turn off"
        isBusy={toggle.isPending}
        error={toggle.error}
        onConfirm={() => toggle.mutate(false)}
      />
    </Section>
  );
}

function ShareList({ botId, shares }: { botId: string; shares: readonly BotShare[] }) {
  const client = useQueryClient();
  const [revoking, setRevoking] = useState<BotShare | null>(null);
  const revoke = useMutation({
    mutationFn: async (shareId: number) => {
      await revokeShare(botId, shareId);
      await client.invalidateQueries({ queryKey: botKey(botId, "shares") });
    },
    onSuccess: () => setRevoking(null),
  });
  return (
    <>
      <ul data-testid="shares" className="rounded-xl border border-line bg-surface shadow-card">
        {shares.map((share) => (
          <li key={share.id} className="flex items-center gap-4 border-t border-line px-4 py-3 first:border-t-0">
            <div className="min-w-0 flex-1">
              <p className="font-medium [overflow-wrap:anywhere]">{share.shared_with_display_name || share.shared_with_user_id}</p>
              <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
                {share.shared_with_display_name && <span className="font-mono text-xs">{share.shared_with_user_id} · </span>}
                since <RelativeTime at={share.created_at} /> · {share.expires_at ? `until ${formatDay(share.expires_at)}` : "no end"}
              </p>
            </div>
            <Button size="sm" aria-label={`Revoke the share with ${share.shared_with_user_id}`} onClick={() => setRevoking(share)}>
              Revoke
            </Button>
          </li>
        ))}
      </ul>
      <ConfirmDialog
        isOpen={revoking !== null}
        onOpenChange={(isOpen) => {
          if (isOpen || revoke.isPending) return;
          revoke.reset();
          setRevoking(null);
        }}
        title="Revoke this share?"
        description={`The bot stops answering ${revoking?.shared_with_display_name || revoking?.shared_with_user_id} at once.`}
        confirmLabel="Revoke"
        isBusy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoking && revoke.mutate(revoking.id)}
      />
    </>
  );
}

function ShareForm({ botId }: { botId: string }) {
  const client = useQueryClient();
  const [userId, setUserId] = useState("");
  const [day, setDay] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const share = useMutation({
    mutationFn: async () => {
      await createShare(botId, userId.trim(), endOfDay(day));
      await client.invalidateQueries({ queryKey: botKey(botId, "shares") });
    },
    onSuccess: () => {
      setUserId("");
      setDay("");
    },
  });
  const failure = share.error ? asApiError(share.error) : null;
  const unknown = failure?.code === "not_found" ? "Nobody here has this Matrix ID." : null;
  const userFault = fault ?? unknown ?? fieldFault(failure, "shared_with_user_id", "already_shared", "malformed_request");
  const dayFault = fieldFault(failure, "expires_at");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = mxidFault(userId.trim());
    setFault(wrong);
    if (wrong === null && !share.isPending) share.mutate();
  };
  return (
    <form data-testid="share-form" onSubmit={submit} className="grid grid-cols-1 items-start gap-3 sm:grid-cols-[minmax(0,1fr)_11rem_auto]">
      {failure && !userFault && !dayFault && (
        <div className="sm:col-span-3">
          <ProblemNotice error={failure} />
        </div>
      )}
      <Field
        label="Share with"
        name="shared_with_user_id"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        maxLength={255}
        placeholder="@name:server"
        value={userId}
        error={userFault}
        onChange={(event) => {
          setUserId(event.target.value);
          setFault(null);
          share.reset();
        }}
      />
      <Field label="Until (optional)" name="expires_at" type="date" min={localToday()} value={day} error={dayFault} onChange={(event) => setDay(event.target.value)} />
      <Button type="submit" size="lg" className="sm:mt-[1.625rem]" busy={share.isPending} disabled={userId.trim() === ""}>
        Share
      </Button>
    </form>
  );
}

/** Today on the reader's calendar, as a date input wants it. */
function localToday(): string {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}
