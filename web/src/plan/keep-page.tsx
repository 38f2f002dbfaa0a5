import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { useClock } from "../lib/clock";
import { countOf, formatDay } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { Section } from "../machine/section";
import { Button, buttonClass } from "../ui/button";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { ChoiceList } from "./choice-list";
import { byLastUse, describeReason, graceText, judgeSelection, openFeatures, roomToKeep, suggestKept, wordsOf } from "./keep.core";
import { PlanProblem } from "./plan-problem";
import { downgradeQuery, refreshPlan } from "./plan-query";
import { resolveDowngrade } from "./plan.api";
import type { Downgrade, DowngradeFeature, DowngradeItem } from "./plan.types";
import { planLabel } from "./standing.core";

interface Done {
  feature: string;
  kept: number;
  parted: number;
}

/** Where somebody whose plan became smaller chooses what stays, one kind of thing after the other. */
export function KeepPage() {
  usePageTitle("Choose what to keep");
  const { data, error, refetch } = useQuery(downgradeQuery);
  const [done, setDone] = useState<readonly Done[]>([]);
  return (
    <div data-testid="keep-page" className="mx-auto grid max-w-3xl grid-cols-1 gap-6">
      <Link to="/account/plan" className="inline-flex items-center gap-1.5 justify-self-start rounded-sm text-sm font-medium text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" /> Plan
      </Link>
      {data ? (
        <Chooser key={data.request_id} request={data} done={done} onDone={(one) => setDone([...done.filter(({ feature }) => feature !== one.feature), one])} />
      ) : data === null ? (
        <NothingToChoose done={done} />
      ) : error ? (
        <PlanProblem error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-80 rounded-xl" />
      )}
    </div>
  );
}

function Chooser({ request, done, onDone }: { request: Downgrade; done: readonly Done[]; onDone: (done: Done) => void }) {
  const isInTime = useClock((nowMs) => graceText(request.grace_ends_at, nowMs) !== null);
  const open = openFeatures(request.features);
  return (
    <>
      <header className="grid gap-2">
        <h1 className="text-2xl font-semibold tracking-tight">Choose what to keep</h1>
        <p className="text-muted">
          {describeReason(request.reason)}: from {planLabel(request.from_plan)} to {planLabel(request.to_plan)}, which carries less than you use.
        </p>
        <Notice tone="warn">
          {isInTime ? (
            <>
              Nothing is switched off before <strong className="font-semibold">{formatDay(request.grace_ends_at)}</strong> unless you decide now. Without a choice by then, what was used last is kept. Nothing is deleted.
            </>
          ) : (
            "The time to choose is over: what was used last is kept. You can still change that here until it is done."
          )}
        </Notice>
      </header>
      <DoneList done={done} />
      {open.map((feature, index) => (
        <FeatureForm key={feature.feature} requestId={request.request_id} state={feature} step={open.length > 1 ? `${index + 1} of ${open.length}` : null} onDone={onDone} />
      ))}
    </>
  );
}

function toChoice({ id, kind, label, instance_id, bot_user_id, last_seen }: DowngradeItem) {
  const detail = [bot_user_id, instance_id].find((text) => text && text !== label) ?? null;
  return { id, label: label || bot_user_id || instance_id || id, detail, at: last_seen ?? null, atWord: kind === "share" ? "since" : "last active" };
}

interface FeatureFormProps {
  requestId: string;
  state: DowngradeFeature;
  step: string | null;
  onDone: (done: Done) => void;
}

function FeatureForm({ requestId, state, step, onDone }: FeatureFormProps) {
  const { feature, current_count: count, items } = state;
  const room = roomToKeep(state);
  const client = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set(suggestKept(state)));
  const words = wordsOf(feature);
  // What went away meanwhile can be kept no more.
  const kept = new Set(items.filter(({ id }) => chosen.has(id)).map(({ id }) => id));
  const { fault } = judgeSelection(kept, room, feature, "keep");
  const parted = items.length - kept.size;
  const resolve = useMutation({
    mutationFn: async () => {
      const answer = await resolveDowngrade(requestId, feature, [...kept]);
      onDone({ feature, kept: answer.kept.length, parted: answer.disabled.length });
      await Promise.all([refreshPlan(client), client.invalidateQueries({ queryKey: ["bots"] }), client.invalidateQueries({ queryKey: ["fleet"] })]);
    },
    // What was chosen may have changed elsewhere meanwhile.
    onError: () => refreshPlan(client),
  });
  return (
    <Section title={words.title} aside={step !== null && <span className="text-[0.8125rem] text-muted">{step}</span>}>
      <p className="-mt-1 text-sm text-muted">
        Your new plan carries {countOf(room, words.one, words.many)}; {count} {count === 1 ? "is" : "are"} in use. {words.parted}
      </p>
      <ChoiceList feature={feature} choices={byLastUse(items).map(toChoice)} chosen={kept} room={room} verb="keep" isLocked={resolve.isPending} onChange={setChosen} />
      {resolve.error !== null && <PlanProblem error={resolve.error} />}
      <div>
        <Button variant={words.isPartingFinal && parted > 0 ? "danger" : "primary"} data-testid="resolve" data-feature={feature} disabled={fault !== null} busy={resolve.isPending} onClick={() => resolve.mutate()}>
          {resolveLabel(kept.size, parted, words, fault !== null)}
        </Button>
      </div>
    </Section>
  );
}

function resolveLabel(kept: number, parted: number, words: ReturnType<typeof wordsOf>, isFaulty: boolean): string {
  if (isFaulty || parted === 0) return `Keep ${countOf(kept, words.one, words.many)}`;
  const verb = words.isPartingFinal ? "end" : "switch off";
  return kept === 0 ? `${verb === "end" ? "End" : "Switch off"} ${countOf(parted, words.one, words.many)}` : `Keep ${kept}, ${verb} ${parted}`;
}

function DoneList({ done }: { done: readonly Done[] }) {
  if (done.length === 0) return null;
  return (
    <Notice tone="ok">
      {done.map(({ feature, kept, parted }) => (
        <span key={feature} className="block">
          {wordsOf(feature).title}: {kept} kept, {parted} {wordsOf(feature).isPartingFinal ? "ended" : "switched off"}.
        </span>
      ))}
    </Notice>
  );
}

function NothingToChoose({ done }: { done: readonly Done[] }) {
  return (
    <div data-testid="keep-done" className="grid justify-items-start gap-4 py-6">
      <div>
        <h1 className="text-2xl font-semibold tracking-tight">{done.length > 0 ? "All is chosen" : "There is nothing to choose"}</h1>
        <p className="mt-1.5 text-muted">
          {done.length > 0 ? "What you use fits into your plan. What was switched off keeps its name and settings; a larger plan brings it back." : "What you use fits into your plan."}
        </p>
      </div>
      <div className="w-full">
        <DoneList done={done} />
      </div>
      <Link to="/account/plan" className={buttonClass("primary")}>
        Back to the plan
      </Link>
    </div>
  );
}
