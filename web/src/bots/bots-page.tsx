import { useNavigate } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useFleetConnection } from "../fleet/fleet-connection";
import { LiveIndicator } from "../fleet/live-indicator";
import { useFleet } from "../fleet/use-fleet";
import { usePageTitle } from "../lib/use-page-title";
import { PlanLink } from "../plan/plan-link";
import { Button } from "../ui/button";
import { cx } from "../ui/cx";
import { ErrorNotice } from "../ui/error-notice";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { BotList, describeBots } from "./bot-list";
import { useBots } from "./bots-query";
import { CreateBotDialog } from "./create-bot-dialog";
import { EmptyBots } from "./empty-bots";
import { SharedWithMe } from "./shared-with-me";

export function BotsPage() {
  usePageTitle("Bots");
  const { rows, bots } = useBots();
  const { status } = useFleetConnection();
  const fleet = useFleet();
  const navigate = useNavigate();
  const [isCreating, setCreating] = useState(false);
  const disabled = rows?.filter(({ phase }) => phase === "disabled").length ?? 0;
  return (
    <div data-testid="bots-page" data-live={status} className="grid grid-cols-1 gap-4">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <div className="flex items-baseline gap-3">
          <h1 className="text-2xl font-semibold tracking-tight">Bots</h1>
          {rows !== null && rows.length > 0 && <p className="text-[0.8125rem] text-muted">{describeBots(rows)}</p>}
        </div>
        <LiveIndicator />
      </div>
      {rows ? (
        rows.length === 0 ? (
          <EmptyBots hasMachines={Object.keys(fleet.data?.entries ?? {}).length > 0} onCreate={() => setCreating(true)} />
        ) : (
          <>
            <div>
              <Button variant="primary" data-testid="create-bot" onClick={() => setCreating(true)}>
                <Plus aria-hidden className="size-4" /> Create a bot
              </Button>
            </div>
            {disabled > 0 && (
              <Notice tone="warn" action={<PlanLink />}>
                {disabled === 1 ? "One bot is off" : `${disabled} bots are off`}, because your plan does not carry {disabled === 1 ? "it" : "them"} any more. Names and rooms are kept.
              </Notice>
            )}
            <div className={cx("transition-[filter]", status === "offline" && "grayscale")}>
              <BotList rows={rows} />
            </div>
          </>
        )
      ) : bots.isError ? (
        <ErrorNotice
          error={bots.error}
          action={
            <Button size="sm" busy={bots.isFetching} onClick={() => void bots.refetch()}>
              Try again
            </Button>
          }
        />
      ) : (
        <BotsSkeleton />
      )}
      <div className="mt-4 grid grid-cols-1">
        <SharedWithMe />
      </div>
      <CreateBotDialog
        isOpen={isCreating}
        onClose={() => setCreating(false)}
        onPair={(botId) => void navigate({ to: "/bots/$botId", params: { botId }, search: { pair: "1" } })}
      />
    </div>
  );
}

function BotsSkeleton() {
  return (
    <div role="status" className="grid gap-4">
      <span className="sr-only">Loading the bots</span>
      <Skeleton className="h-9 w-32" />
      <div className="grid rounded-xl border border-line bg-surface">
        {[0, 1, 2].map((row) => (
          <div key={row} className="grid gap-2 border-t border-line px-4 py-4 first:border-t-0">
            <Skeleton className="h-5 w-40" />
            <Skeleton className="h-4 w-56" />
          </div>
        ))}
      </div>
    </div>
  );
}
