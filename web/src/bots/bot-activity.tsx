import type { ReactNode } from "react";
import { formatDuration } from "../lib/format";
import { Nothing, Section } from "../machine/section";
import { cx } from "../ui/cx";
import { Notice } from "../ui/notice";
import { RelativeTime } from "../ui/relative-time";
import { activityText, type BotRow } from "./bots.core";

/** What the bot's machine tells of its work, live. */
export function BotActivity({ row: { live } }: { row: BotRow }) {
  if (live === null) {
    return (
      <Section title="Activity">
        <Nothing>Nothing yet: numbers come with the first beat of the machine that it runs on.</Nothing>
      </Section>
    );
  }
  return (
    <Section title="Activity">
      <dl className="grid grid-cols-2 overflow-hidden rounded-xl border border-line bg-surface shadow-card sm:grid-cols-4">
        <Figure label="Messages in">{live.messagesReceived}</Figure>
        <Figure label="Messages out" hint={live.chunkedMessages > 0 ? `${live.chunkedMessages} in parts` : undefined}>
          {live.messagesSent}
        </Figure>
        <Figure label="Errors">
          <span className={cx(live.errors > 0 && "text-bad")}>{live.errors}</span>
        </Figure>
        <Figure label="Rooms active">{live.roomsActive ?? 0}</Figure>
        <Figure label="Now" isText>
          {activityText(live) ?? "–"}
        </Figure>
        <Figure label="Last message" isText>
          <RelativeTime at={live.lastActivityAt} fallback="–" />
        </Figure>
        <Figure label="Runs for" isText>
          {live.uptimeSeconds > 0 ? formatDuration(live.uptimeSeconds) : "–"}
        </Figure>
        <Figure label="Skills">{live.skillCount ?? 0}</Figure>
      </dl>
      {live.lastError && (
        <Notice tone="warn">
          <span className="font-medium">
            Last error<span className="font-normal text-muted">{live.lastErrorAt && <>, <RelativeTime at={live.lastErrorAt} /></>}</span>
          </span>
          <span className="mt-0.5 block font-mono text-xs">{live.lastError}</span>
        </Notice>
      )}
    </Section>
  );
}

interface FigureProps {
  label: string;
  hint?: string | undefined;
  isText?: boolean;
  children: ReactNode;
}

function Figure({ label, hint, isText = false, children }: FigureProps) {
  return (
    <div className="-mt-px -ml-px flex flex-col-reverse justify-end border-t border-l border-line px-4 py-2.5">
      <dd className={cx("min-w-0 font-semibold tracking-tight", isText ? "pt-1 text-sm leading-5 [overflow-wrap:anywhere]" : "text-xl leading-7")}>
        {children}
        {hint && <span className="ml-1.5 text-xs font-normal tracking-normal text-muted">{hint}</span>}
      </dd>
      <dt className="truncate text-[0.8125rem] text-muted">{label}</dt>
    </div>
  );
}
