import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { RelativeTime } from "../../ui/relative-time";
import type { ListedBot } from "../admin.types";
import { botsQuery } from "../admin-query";
import { describeTotal, ownerName } from "../lists.core";
import { Loading, More, PageHead, Pill, ReadProblem, rowClass, Rows, SearchField } from "../parts";

/** Bots of everybody, newest first. */
export function AdminBotsPage() {
  usePageTitle("Bots of everybody");
  const { q = "" } = useSearch({ from: "/signed-in/console/admin/bots" });
  const navigate = useNavigate();
  const { data, error, isFetching, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(botsQuery(q.trim()));
  const search = useCallback((text: string) => void navigate({ to: "/admin/bots", search: text ? { q: text } : {}, replace: true }), [navigate]);
  const bots = data?.pages.flatMap((page) => page.bots);
  return (
    <div data-testid="admin-bots" className="grid grid-cols-1 gap-4">
      <PageHead title="Bots" note={data?.pages[0] && describeTotal(data.pages[0], "bot")} />
      <search className="flex">
        <SearchField label="Search bots" placeholder="Name, user name or id, from its beginning" value={q} onChange={search} />
      </search>
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {bots ? (
        bots.length === 0 ? (
          <Nothing>No bot fits.</Nothing>
        ) : (
          <Rows label="Bots">
            {bots.map((bot) => (
              <BotRow key={bot.id} bot={bot} />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="bots" rows={8} />
      )}
      <More hasMore={hasNextPage} isBusy={isFetchingNextPage} onMore={() => void fetchNextPage()} />
    </div>
  );
}

const linkClass = "rounded-sm underline underline-offset-2 hover:text-ink";

function BotRow({ bot }: { bot: ListedBot }) {
  const { instance, owner } = bot;
  return (
    <li data-testid="bot-row" className={`${rowClass} grid gap-x-6 gap-y-1 px-4 py-2.5 sm:grid-cols-2 sm:items-center`}>
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium [overflow-wrap:anywhere]">{bot.bot_name}</span>
          <Pill tone={bot.disabled_by_plan ? "warn" : bot.openclaw_connected ? "ok" : "quiet"}>{bot.disabled_by_plan ? "Off by plan" : bot.openclaw_connected ? "Connected" : "Not connected"}</Pill>
        </p>
        <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
          {bot.bot_user_id} · {bot.runtime}
        </p>
      </div>
      <p className="min-w-0 text-[0.8125rem] text-muted [overflow-wrap:anywhere] sm:text-right">
        {instance ? (
          <>
            on{" "}
            <Link to="/admin/people/$userId/machines/$instanceId" params={{ userId: String(bot.owner_user_id), instanceId: instance.instance_id }} className={linkClass}>
              {instance.label || instance.instance_id}
            </Link>
            {instance.online === false && " (offline)"}
          </>
        ) : (
          "on no machine"
        )}
        {" · of "}
        <Link to="/admin/people/$userId" params={{ userId: String(owner.id) }} className={linkClass}>
          {ownerName(owner)}
        </Link>
        {" · "}
        made <RelativeTime at={bot.created_at} />
      </p>
    </li>
  );
}
