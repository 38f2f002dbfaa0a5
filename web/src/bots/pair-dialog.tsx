import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, CircleCheck, LoaderCircle } from "lucide-react";
import { useState, type ReactNode } from "react";
import { nameOf } from "../fleet/fleet.reducer";
import { sortEntries } from "../fleet/fleet-filter";
import { useFleet } from "../fleet/use-fleet";
import { useClock } from "../lib/clock";
import { Button } from "../ui/button";
import { Command, CopyButton } from "../ui/copy-button";
import { cx } from "../ui/cx";
import { Dialog } from "../ui/dialog";
import { selectClass } from "../ui/field";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { failureText } from "./bot-phase.core";
import { refreshBots, type LiveBotView } from "./bots-query";
import { createPairing } from "./bots.api";
import type { BotRow } from "./bots.core";
import { formatCountdown, isTaken, pairStep, spellCode, type PairStart, type PairStep } from "./pairing.core";
import { ProblemNotice } from "./problem-notice";

interface PairDialogProps {
  isOpen: boolean;
  view: LiveBotView;
  row: BotRow;
  onClose: () => void;
}

interface MadeCode {
  text: string;
  expiresAtMs: number;
  targetInstanceId: string | null;
  start: PairStart;
}

const standingOf = (row: BotRow, view: LiveBotView): PairStart => ({ phase: row.phase, instanceId: row.bot.paired_instance_id, sessionId: view.sessionId });

/** Makes a code, shows it, and follows what becomes of it until the bot is live. */
export function PairDialog(props: PairDialogProps) {
  const { isOpen, row, onClose } = props;
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Pair ${row.bot.bot_name}`}
      description="A code puts the bot on a machine. It works once, and for ten minutes."
    >
      <Pairing {...props} />
    </Dialog>
  );
}

function Pairing({ view, row, onClose }: PairDialogProps) {
  const client = useQueryClient();
  const [code, setCode] = useState<MadeCode | null>(null);
  const [wantsNew, setWantsNew] = useState(false);
  // A code that waits already is shown again: a page may be closed by mistake.
  if (code === null && !wantsNew && view.code) setCode({ ...view.code, start: standingOf(row, view) });
  const create = useMutation({
    mutationFn: async (targetInstanceId: string | null) => {
      const start = standingOf(row, view);
      const made = await createPairing(row.bot.id, targetInstanceId);
      return { text: made.code, expiresAtMs: Date.now() + made.expires_in * 1000, targetInstanceId: made.target_instance_id, start };
    },
    onSuccess: (made) => {
      setCode(made);
      void refreshBots(client);
    },
  });
  const makeAnother = (): void => {
    create.reset();
    setWantsNew(true);
    setCode(null);
  };
  if (!code && !view.isCodeKnown) return <Skeleton className="h-28 rounded-xl" />;
  if (!code) return <ChooseMachine row={row} isBusy={create.isPending} error={create.error} onCancel={onClose} onChoose={(target) => create.mutate(target)} />;
  return <CodeInUse key={code.text} code={code} view={view} row={row} onClose={onClose} onAnother={makeAnother} />;
}

interface ChooseMachineProps {
  row: BotRow;
  isBusy: boolean;
  error: unknown;
  onCancel: () => void;
  onChoose: (instanceId: string | null) => void;
}

const ANY = "";

function ChooseMachine({ row, isBusy, error, onCancel, onChoose }: ChooseMachineProps) {
  const fleet = useFleet();
  const entries = sortEntries(fleet.data?.entries ?? {});
  const [target, setTarget] = useState(ANY);
  const isRunning = row.machine !== null && row.phase !== "unpaired";
  return (
    <form
      data-testid="pair-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) onChoose(target === ANY ? null : target);
      }}
    >
      {error !== null && <ProblemNotice error={error} />}
      <label className="grid gap-1.5 text-sm font-medium">
        Machine
        <select name="machine" value={target} onChange={(event) => setTarget(event.target.value)} className={selectClass}>
          <option value={ANY}>Any of my machines</option>
          {entries.map(({ machine }) => (
            <option key={machine.instanceId} value={machine.instanceId}>
              {nameOf(machine)}
              {machine.reachable ? "" : " (offline)"}
            </option>
          ))}
        </select>
        <span className="text-[0.8125rem] font-normal text-muted">
          {target === ANY ? "The first of your machines that uses the code gets the bot." : "Only this machine can use the code. Its daemon takes it by itself."}
        </span>
      </label>
      {fleet.data && entries.length === 0 && (
        <Notice tone="info">
          There is no machine in your fleet yet.{" "}
          <Link to="/fleet" className="font-medium underline underline-offset-4">
            Add one
          </Link>{" "}
          first: a code needs a machine that uses it.
        </Notice>
      )}
      {isRunning && row.machine && (
        <Notice tone="warn">
          It runs on {row.machine.name} now. On another machine it gets a new device: {row.machine.name} loses it at once, and messages that were encrypted for the old device stay unreadable.
        </Notice>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={isBusy}>
          Make a code
        </Button>
      </div>
    </form>
  );
}

interface CodeInUseProps {
  code: MadeCode;
  view: LiveBotView;
  row: BotRow;
  onClose: () => void;
  onAnother: () => void;
}

function CodeInUse({ code, view, row, onClose, onAnother }: CodeInUseProps) {
  const [wasTaken, setTaken] = useState(false);
  const left = useClock((nowMs) => formatCountdown(code.expiresAtMs - nowMs));
  const isExpired = useClock((nowMs) => code.expiresAtMs <= nowMs);
  const now = standingOf(row, view);
  if (!wasTaken && isTaken(code.start, now)) setTaken(true);
  const step = pairStep(code.start, { ...now, wasTaken, isExpired });
  const machine = row.machine?.name ?? "A machine";
  return (
    <div data-testid="pair-progress" data-step={step} className="grid grid-cols-1 gap-4">
      {(step === "waiting" || step === "expired") && (
        <div className={cx("grid justify-items-center gap-1 rounded-xl border border-line bg-sunken px-4 py-5", step === "expired" && "opacity-60")}>
          <div className="flex items-center gap-2 pl-11">
            <span className="sr-only">Pairing code {spellCode(code.text)}</span>
            <code aria-hidden data-testid="pair-code" className={cx("font-mono text-[1.375rem] font-semibold tracking-wide whitespace-nowrap sm:text-2xl", step === "expired" && "line-through")}>
              {code.text}
            </code>
            <CopyButton text={code.text} label="Copy the code" />
          </div>
          <p className="text-[0.8125rem] text-muted">
            {step === "expired" ? "Nobody used it in time" : <>works for <span className="font-medium text-ink tabular-nums" role="timer">{left}</span></>}
          </p>
        </div>
      )}
      {step === "waiting" && (
        <div className="grid grid-cols-1 gap-2">
          <p className="text-[0.8125rem] text-muted">
            A machine that runs <code className="font-mono text-xs">sett up</code> takes the code by itself. Otherwise type on the machine:
          </p>
          <Command text={`sett pair ${code.text}`} label="pair on the machine" />
        </div>
      )}
      <Steps step={step} machine={machine} />
      {step === "trouble" && (
        <Notice tone="warn">
          {machine} has the bot, but it does not answer{row.failureReason ? `: ${failureText(row.failureReason)}` : ""}. The bot's page says what to do.
        </Notice>
      )}
      <div className="flex justify-end gap-2">
        {step === "expired" && (
          <>
            <Button onClick={onClose}>Close</Button>
            <Button variant="primary" onClick={onAnother}>
              Make another code
            </Button>
          </>
        )}
        {step === "waiting" && (
          <>
            <Button variant="ghost" onClick={onAnother}>
              Make another code
            </Button>
            <Button onClick={onClose}>Close</Button>
          </>
        )}
        {step !== "expired" && step !== "waiting" && (
          <Button variant={step === "live" ? "primary" : "secondary"} onClick={onClose}>
            {step === "live" ? "Done" : "Close"}
          </Button>
        )}
      </div>
    </div>
  );
}

const DONE: Record<PairStep, number> = { waiting: 0, expired: 0, taken: 1, connecting: 2, trouble: 2, live: 3 };

/** The way of a code, in three steps; what happens now is spoken too. */
function Steps({ step, machine }: { step: PairStep; machine: string }) {
  if (step === "live") {
    return (
      <div role="status" className="grid justify-items-center gap-2 rounded-xl bg-ok-soft px-4 py-6 text-center">
        <CircleCheck aria-hidden className="size-8 text-ok" />
        <p className="text-base font-semibold">Connected</p>
        <p className="text-[0.8125rem] text-muted">It runs on {machine} and answers.</p>
      </div>
    );
  }
  if (step === "expired") return null;
  const done = DONE[step];
  const texts = [
    done > 0 ? `${machine} has taken the code` : "Waiting for a machine to take the code",
    done > 1 ? "The bot is set up there" : "The machine sets the bot up",
    "The bot says that it runs",
  ];
  return (
    <>
      <p role="status" className="sr-only">
        {texts[done]}
      </p>
      <ol className="grid gap-2 text-[0.8125rem]">
        {texts.map((text, index) => (
          <Step key={text} state={index < done ? "done" : index === done && step !== "trouble" ? "now" : "later"}>
            {text}
          </Step>
        ))}
      </ol>
    </>
  );
}

function Step({ state, children }: { state: "done" | "now" | "later"; children: ReactNode }) {
  return (
    <li className={cx("flex items-center gap-2.5", state === "later" && "text-muted")}>
      <span aria-hidden className="flex size-4 shrink-0 items-center justify-center">
        {state === "done" && <Check className="size-4 text-ok" />}
        {state === "now" && <LoaderCircle className="size-4 animate-spin text-info" />}
        {state === "later" && <span className="size-1.5 rounded-full bg-line-strong" />}
      </span>
      {children}
    </li>
  );
}
