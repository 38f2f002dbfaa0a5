import { Link } from "@tanstack/react-router";
import { Server } from "lucide-react";
import { useId, type ReactNode } from "react";
import { countOf } from "../lib/format";
import { cx } from "../ui/cx";
import { failureText, isAtWork } from "./bot-phase.core";
import { activityText, type BotRow } from "./bots.core";
import { PhasePill } from "./phase-pill";
import { RuntimeTag } from "./runtime-tag";

/** One line per bot; on a phone each becomes a small card. */
export function BotList({ rows }: { rows: readonly BotRow[] }) {
  return (
    <ul data-testid="bot-list" aria-label="Bots" className="rounded-xl border border-line bg-surface shadow-card">
      {rows.map((row) => (
        <Row key={row.bot.id} row={row} />
      ))}
    </ul>
  );
}

function Row({ row }: { row: BotRow }) {
  const { bot, live, machine, phase } = row;
  const id = useId();
  const isOff = phase === "disabled";
  const activity = isAtWork(phase) ? activityText(live) : null;
  return (
    <li
      aria-labelledby={id}
      data-testid="bot-row"
      data-bot-id={bot.id}
      data-phase={phase}
      className="grid grid-cols-2 gap-x-6 gap-y-2.5 border-t border-line px-4 py-3.5 first:border-t-0 lg:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)_minmax(0,0.9fr)_13.5rem] lg:items-center"
    >
      <div className="col-span-2 min-w-0 lg:col-span-1">
        <h2 id={id} className={cx("flex flex-wrap items-center gap-x-2 gap-y-1 text-[0.9375rem] font-semibold tracking-tight", isOff && "text-muted")}>
          <Link to="/bots/$botId" params={{ botId: bot.id }} className="min-w-0 rounded-sm decoration-line-strong underline-offset-4 [overflow-wrap:anywhere] hover:underline">
            {bot.bot_name}
          </Link>
          <RuntimeTag runtime={bot.runtime} />
        </h2>
        <p className="truncate font-mono text-xs leading-5 text-muted" title={bot.bot_user_id}>
          {bot.bot_user_id}
        </p>
      </div>
      <div className="min-w-0 text-[0.8125rem]">
        <PhasePill phase={phase} />
        <PhaseReason row={row} />
      </div>
      <div className="min-w-0 text-[0.8125rem]">
        {machine ? (
          <Link
            to="/fleet/$instanceId"
            params={{ instanceId: machine.instanceId }}
            className="inline-flex items-center gap-1.5 rounded-sm font-medium decoration-line-strong underline-offset-4 [overflow-wrap:anywhere] hover:underline"
          >
            <Server aria-hidden className="size-3.5 shrink-0 text-muted" />
            <span className="sr-only">Runs on </span>
            {machine.name}
          </Link>
        ) : (
          <span className="text-muted">On no machine</span>
        )}
        {activity !== null && <p className="truncate text-muted">{activity}</p>}
      </div>
      <dl className="col-span-2 flex gap-x-6 text-[0.8125rem] lg:col-span-1 lg:grid lg:grid-cols-3 lg:gap-x-4 lg:text-right">
        <Figure label="In" title="Messages received">
          {live?.messagesReceived ?? "–"}
        </Figure>
        <Figure label="Out" title="Messages sent">
          {live?.messagesSent ?? "–"}
        </Figure>
        <Figure label="Errors">
          <span className={cx(live !== null && live.errors > 0 && "text-bad")}>{live?.errors ?? "–"}</span>
        </Figure>
      </dl>
    </li>
  );
}

function PhaseReason({ row: { phase, failureReason } }: { row: BotRow }) {
  const text = phase === "degraded" || phase === "failed" ? failureText(failureReason) : null;
  return text === null ? null : <p className="mt-0.5 text-muted">{text}</p>;
}

function Figure({ label, title, children }: { label: string; title?: string; children: ReactNode }) {
  return (
    <div className="flex gap-1.5 lg:block" title={title}>
      <dt className="text-muted lg:text-xs">{label}</dt>
      <dd className="font-medium tabular-nums">{children}</dd>
    </div>
  );
}

/** "3 bots, 2 live". */
export function describeBots(rows: readonly BotRow[]): string {
  const live = rows.filter(({ phase }) => phase === "live").length;
  return `${countOf(rows.length, "bot")}, ${live} live`;
}
