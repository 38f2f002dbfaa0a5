import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft, Ellipsis, KeyRound, Link2, Pencil, Trash2, Wrench } from "lucide-react";
import { useState, type ReactNode } from "react";
import { asApiError } from "../api/errors";
import { LiveIndicator } from "../fleet/live-indicator";
import { formatDay } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { Section } from "../machine/section";
import { PlanLink } from "../plan/plan-link";
import { Button, buttonClass, IconButton } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { cx } from "../ui/cx";
import { ErrorNotice } from "../ui/error-notice";
import { Menu, MenuItem, MenuSeparator } from "../ui/menu";
import { Skeleton } from "../ui/skeleton";
import { BotActivity } from "./bot-activity";
import { describeHealth, describePhase, isRepairable } from "./bot-phase.core";
import { BotRooms } from "./bot-rooms";
import { BotSharing } from "./bot-sharing";
import { BotSkills } from "./bot-skills";
import { refreshBots, useBot, type LiveBotView } from "./bots-query";
import { repairPairing } from "./bots.api";
import type { BotRow } from "./bots.core";
import { DeleteBotDialog } from "./delete-bot-dialog";
import { PairDialog } from "./pair-dialog";
import { PhasePill } from "./phase-pill";
import { ProblemNotice } from "./problem-notice";
import { RenameDialog } from "./rename-dialog";
import { RotateTokenDialog } from "./rotate-token-dialog";
import { RUNTIME_NAME } from "./runtime-tag";

/** Everything about one bot. */
export function BotPage() {
  const { botId } = useParams({ from: "/signed-in/console/bots/$botId" });
  const view = useBot(botId);
  usePageTitle(view.row?.bot.bot_name ?? "Bot");
  const isGone = view.error !== null && asApiError(view.error).status === 404;
  return (
    <div className="grid grid-cols-1 gap-6">
      <div className="flex flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <Link to="/bots" className="inline-flex items-center gap-1.5 rounded-sm text-sm font-medium text-muted hover:text-ink">
          <ArrowLeft aria-hidden className="size-4" /> Bots
        </Link>
        <LiveIndicator />
      </div>
      {isGone ? (
        <Gone />
      ) : view.row ? (
        <BotDetail key={botId} row={view.row} view={view} />
      ) : view.error ? (
        <ErrorNotice error={view.error} action={<Button size="sm" onClick={view.retry}>Try again</Button>} />
      ) : (
        <BotSkeleton />
      )}
    </div>
  );
}

function Gone() {
  return (
    <div className="grid justify-items-start gap-4 py-10">
      <div>
        <h1 className="text-2xl font-semibold tracking-tight">This bot is gone</h1>
        <p className="mt-1.5 text-muted">It was deleted, or it never was yours.</p>
      </div>
      <Link to="/bots" className={buttonClass("primary")}>
        Back to the bots
      </Link>
    </div>
  );
}

function BotDetail({ row, view }: { row: BotRow; view: LiveBotView }) {
  const { bot, phase } = row;
  return (
    <article data-testid="bot-detail" data-bot-id={bot.id} data-phase={phase} className="grid grid-cols-1 gap-8">
      <Header row={row} view={view} />
      <div className="grid grid-cols-1 items-start gap-x-10 gap-y-8 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="order-last grid grid-cols-1 gap-8 lg:order-first">
          <BotActivity row={row} />
          <BotRooms botId={bot.id} status={view.status} />
          <BotSharing bot={bot} />
          <BotSkills botId={bot.id} machineId={row.machine?.instanceId ?? null} />
        </div>
        <Facts row={row} />
      </div>
    </article>
  );
}

type OpenDialog = "rename" | "rotate" | "delete" | null;

function Header({ row, view }: { row: BotRow; view: LiveBotView }) {
  const { bot, phase, machine } = row;
  const client = useQueryClient();
  const navigate = useNavigate();
  // Whether the pairing dialog is open is part of the address: creating a bot leads there.
  const isPairing = useSearch({ from: "/signed-in/console/bots/$botId" }).pair === "1";
  const showPairing = (isOpen: boolean): void => void navigate({ to: "/bots/$botId", params: { botId: bot.id }, search: isOpen ? { pair: "1" } : {}, replace: true, resetScroll: false });
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const close = (): void => setDialog(null);
  const repair = useMutation({
    mutationFn: async (sessionId: string) => {
      await repairPairing(sessionId);
      await refreshBots(client);
    },
  });
  const { sessionId } = view;
  const canRepair = isRepairable(phase) && sessionId !== null;
  const isOff = phase === "disabled";
  const pairIsFirst = phase === "unpaired" || phase === "expired" || phase === "pending";
  return (
    <header className="grid gap-4">
      <div>
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <h1 className="text-2xl font-semibold tracking-tight [overflow-wrap:anywhere]">{bot.bot_name}</h1>
          <PhasePill phase={phase} />
        </div>
        <p role="status" className="mt-1 max-w-[70ch] text-sm text-muted">
          {describePhase({ phase, failureReason: row.failureReason, machineName: machine?.name ?? null })}
        </p>
      </div>
      {repair.error !== null && <ProblemNotice error={repair.error} />}
      <div className="flex flex-wrap items-center gap-2">
        {isOff && <PlanLink size="md" />}
        {canRepair && (
          <Button variant="primary" data-testid="repair" busy={repair.isPending} onClick={() => repair.mutate(sessionId)}>
            <Wrench aria-hidden className="size-4" /> Repair
          </Button>
        )}
        <Button data-testid="pair" variant={pairIsFirst ? "primary" : "secondary"} disabled={isOff} onClick={() => showPairing(true)}>
          <Link2 aria-hidden className="size-4" />
          {phase === "pending" ? "Show the code" : machine ? "Pair anew" : "Pair"}
        </Button>
        <Menu
          align="start"
          trigger={
            <IconButton label={`More for ${bot.bot_name}`} className="border border-line bg-raised shadow-card">
              <Ellipsis aria-hidden />
            </IconButton>
          }
        >
          <MenuItem onSelect={() => setDialog("rename")}>
            <Pencil aria-hidden /> Rename
          </MenuItem>
          {!isOff && (
            <MenuItem onSelect={() => setDialog("rotate")}>
              <KeyRound aria-hidden /> Replace token
            </MenuItem>
          )}
          <MenuSeparator />
          <MenuItem isDanger onSelect={() => setDialog("delete")}>
            <Trash2 aria-hidden /> Delete bot
          </MenuItem>
        </Menu>
      </div>
      <PairDialog isOpen={isPairing} row={row} view={view} onClose={() => showPairing(false)} />
      <RenameDialog bot={bot} isOpen={dialog === "rename"} onClose={close} />
      <RotateTokenDialog row={row} isOpen={dialog === "rotate"} onClose={close} onPair={() => showPairing(true)} />
      <DeleteBotDialog bot={bot} isOpen={dialog === "delete"} onClose={close} onDeleted={() => void navigate({ to: "/bots" }).then(() => refreshBots(client))} />
    </header>
  );
}

const HEALTH_BAR = { ok: "bg-ok", warn: "bg-warn", bad: "bg-bad", info: "bg-info", quiet: "bg-line-strong" } as const;

function Facts({ row }: { row: BotRow }) {
  const { bot, live, machine } = row;
  const score = live?.healthScore ?? null;
  const health = describeHealth(score);
  return (
    <Section title="Facts" className="lg:sticky lg:top-20">
      <dl className="rounded-xl border border-line bg-surface px-4 py-1 text-[0.8125rem] shadow-card">
        <div className="flex items-center justify-between gap-2 py-2">
          <div className="min-w-0">
            <dt className="text-muted">Matrix address</dt>
            <dd className="font-mono text-xs leading-5 [overflow-wrap:anywhere]">{bot.bot_user_id}</dd>
          </div>
          <CopyButton text={bot.bot_user_id} label="Copy the address" />
        </div>
        <div className="border-t border-line py-2">
          <div className="flex justify-between gap-4">
            <dt className="text-muted">Health</dt>
            <dd data-testid="health">{score === null ? "–" : `${score} of 100${health ? `, ${health.text}` : ""}`}</dd>
          </div>
          {score !== null && health && (
            <div role="meter" aria-label="Health" aria-valuemin={0} aria-valuemax={100} aria-valuenow={score} className="mt-1.5 h-1.5 overflow-hidden rounded-full bg-sunken">
              <div className={cx("h-full rounded-full transition-[width] duration-500", HEALTH_BAR[health.tone])} style={{ width: `${score}%` }} />
            </div>
          )}
        </div>
        <Fact label="Runs on">
          {machine ? (
            <Link to="/fleet/$instanceId" params={{ instanceId: machine.instanceId }} className="rounded-sm font-medium underline decoration-line-strong underline-offset-4">
              {machine.name}
            </Link>
          ) : (
            "no machine"
          )}
        </Fact>
        <Fact label="Runtime">{RUNTIME_NAME[bot.runtime] ?? bot.runtime}</Fact>
        <Fact label="Created">{formatDay(bot.created_at)}</Fact>
        {bot.plan_disabled_at && <Fact label="Off by plan since">{formatDay(bot.plan_disabled_at)}</Fact>}
      </dl>
    </Section>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4 border-t border-line py-2">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0 text-right [overflow-wrap:anywhere]">{children}</dd>
    </div>
  );
}

function BotSkeleton() {
  return (
    <div role="status" className="grid gap-6">
      <span className="sr-only">Loading the bot</span>
      <Skeleton className="h-8 w-56" />
      <Skeleton className="h-9 w-40" />
      <Skeleton className="h-48 w-full rounded-xl" />
    </div>
  );
}
