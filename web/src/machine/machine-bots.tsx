import { Link } from "@tanstack/react-router";
import { failureText, isAtWork, isRepairable, readPhase } from "../bots/bot-phase.core";
import { activityText } from "../bots/bots.core";
import type { LiveBot } from "../bots/bots.types";
import { PhasePill } from "../bots/phase-pill";
import { Nothing, Section } from "./section";

/** The bots that this machine answers for. */
export function MachineBots({ bots }: { bots: readonly LiveBot[] }) {
  return (
    <Section title="Bots">
      {bots.length === 0 ? (
        <Nothing>
          It runs no bot.{" "}
          <Link to="/bots" className="font-medium text-ink underline decoration-line-strong underline-offset-4">
            Create one or pair one
          </Link>{" "}
          with it.
        </Nothing>
      ) : (
        <ul data-testid="machine-bots" className="rounded-xl border border-line bg-surface shadow-card">
          {bots.map((bot) => (
            <Row key={bot.botId} bot={bot} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Row({ bot }: { bot: LiveBot }) {
  const phase = readPhase(bot.pairingPhase);
  const text = (isRepairable(phase) ? failureText(bot.failureReason) : null) ?? (isAtWork(phase) ? activityText(bot) : null);
  return (
    <li className="flex items-center gap-4 border-t border-line px-4 py-3 first:border-t-0">
      <div className="min-w-0 flex-1">
        <Link to="/bots/$botId" params={{ botId: bot.botId }} className="rounded-sm font-medium decoration-line-strong underline-offset-4 [overflow-wrap:anywhere] hover:underline">
          {bot.botName ?? bot.botUsername ?? bot.botId}
        </Link>
        {text !== null && <p className="text-[0.8125rem] text-muted">{text}</p>}
      </div>
      <PhasePill phase={phase} />
    </li>
  );
}
