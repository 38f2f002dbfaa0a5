import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { countOf } from "../lib/format";
import { usePageTitle } from "../lib/use-page-title";
import { Section } from "../machine/section";
import { Button, buttonClass } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";
import { CopyButton } from "../ui/copy-button";
import { Notice } from "../ui/notice";
import { Skeleton } from "../ui/skeleton";
import { ChoiceList } from "./choice-list";
import { describeParked, judgeSelection, openFeatures, roomFor, suggestReturning, wordsOf } from "./keep.core";
import { PlanProblem } from "./plan-problem";
import { refreshPlan, upgradeQuery } from "./plan-query";
import { dismissUpgrade, resolveUpgrade } from "./plan.api";
import type { RepairedBot, Upgrade, UpgradeFeature, UpgradeItem } from "./plan.types";
import { planLabel } from "./standing.core";

interface Returned {
  feature: string;
  count: number;
}

/** A bot that came back, with the code that puts it on a machine again. */
interface FreshCode extends RepairedBot {
  label: string;
}

/** Where somebody whose plan became larger chooses which of the things it had switched off come back. */
export function RestorePage() {
  usePageTitle("Choose what comes back");
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(upgradeQuery);
  const [returned, setReturned] = useState<readonly Returned[]>([]);
  const [codes, setCodes] = useState<readonly FreshCode[]>([]);
  const [isLeaving, setLeaving] = useState(false);
  const dismiss = useMutation({
    mutationFn: async (requestId: string) => {
      await dismissUpgrade(requestId);
      await refreshPlan(client);
    },
    onSuccess: () => setLeaving(false),
  });
  const record = (one: Returned, fresh: readonly FreshCode[]): void => {
    setReturned((before) => [...before, one]);
    setCodes((before) => [...before, ...fresh]);
  };
  return (
    <div data-testid="restore-page" className="mx-auto grid max-w-3xl grid-cols-1 gap-6">
      <Link to="/account/plan" className="inline-flex items-center gap-1.5 justify-self-start rounded-sm text-sm font-medium text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" /> Plan
      </Link>
      {data ? (
        <>
          <header className="grid gap-2">
            <h1 className="text-2xl font-semibold tracking-tight">Choose what comes back</h1>
            <p className="text-muted">
              {planLabel(data.to_plan)} carries more than {planLabel(data.from_plan)}. Your plan had switched off {describeParked(data)}.
            </p>
          </header>
          <Results returned={returned} codes={codes} />
          <Restorer key={data.request_id} request={data} onDone={record} />
          <div className="border-t border-line pt-4">
            <Button variant="ghost" data-testid="dismiss" onClick={() => setLeaving(true)}>
              Leave {openFeatures(data.features).length === data.features.length ? "everything" : "the rest"} switched off
            </Button>
          </div>
          <ConfirmDialog
            isOpen={isLeaving}
            onOpenChange={(isOpen) => {
              if (isOpen || dismiss.isPending) return;
              dismiss.reset();
              setLeaving(false);
            }}
            title="Leave it switched off?"
            description="It stays parked, and you are asked again with your next larger plan. Until then only an administrator can bring it back."
            confirmLabel="Leave it off"
            isBusy={dismiss.isPending}
            error={dismiss.error}
            onConfirm={() => dismiss.mutate(data.request_id)}
          />
        </>
      ) : data === null ? (
        <div data-testid="restore-done" className="grid gap-4 py-6">
          <div>
            <h1 className="text-2xl font-semibold tracking-tight">{returned.length > 0 ? "Welcome back" : "There is nothing to bring back"}</h1>
            {returned.length === 0 && <p className="mt-1.5 text-muted">Nothing waits for a choice of yours.</p>}
          </div>
          <Results returned={returned} codes={codes} />
          <Link to="/account/plan" className={buttonClass("primary", "md", "justify-self-start")}>
            Back to the plan
          </Link>
        </div>
      ) : error ? (
        <PlanProblem error={error} action={<Button size="sm" onClick={() => void refetch()}>Try again</Button>} />
      ) : (
        <Skeleton className="h-80 rounded-xl" />
      )}
    </div>
  );
}

function Restorer({ request, onDone }: { request: Upgrade; onDone: (returned: Returned, codes: readonly FreshCode[]) => void }) {
  return openFeatures(request.features).map((feature) => <FeatureForm key={feature.feature} requestId={request.request_id} state={feature} onDone={onDone} />);
}

function toChoice({ id, label, instance_id, bot_user_id, parked_at }: UpgradeItem) {
  const detail = [bot_user_id, instance_id].find((text) => text && text !== label) ?? null;
  return { id, label: label || bot_user_id || instance_id || id, detail, at: parked_at ?? null, atWord: "switched off" };
}

interface FeatureFormProps {
  requestId: string;
  state: UpgradeFeature;
  onDone: (returned: Returned, codes: readonly FreshCode[]) => void;
}

function FeatureForm({ requestId, state, onDone }: FeatureFormProps) {
  const { feature, parked_items: items } = state;
  const client = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set(suggestReturning(state)));
  const words = wordsOf(feature);
  const room = roomFor(state);
  const returning = new Set(items.filter(({ id }) => chosen.has(id)).map(({ id }) => id));
  const { fault } = judgeSelection(returning, room, feature, "bring back");
  const resolve = useMutation({
    mutationFn: async () => {
      const answer = await resolveUpgrade(requestId, feature, [...returning]);
      const fresh = (answer.repaired_bots ?? []).map((bot) => ({ ...bot, label: items.find(({ id }) => id === bot.bot_id)?.label ?? bot.bot_user_id }));
      onDone({ feature, count: answer.reenabled.length }, fresh);
      await Promise.all([refreshPlan(client), client.invalidateQueries({ queryKey: ["bots"] }), client.invalidateQueries({ queryKey: ["fleet"] })]);
    },
    // What was chosen may have changed elsewhere meanwhile.
    onError: () => refreshPlan(client),
  });
  return (
    <Section title={words.title}>
      <p className="-mt-1 text-sm text-muted">
        {room >= items.length ? "There is room for all of them." : `There is room for ${room} of ${items.length}.`}
        {feature === "max_bots" && " A bot that comes back gets a new pairing code, with which a machine takes it again."}
      </p>
      <ChoiceList feature={feature} choices={items.map(toChoice)} chosen={returning} room={room} verb="bring back" isLocked={resolve.isPending} onChange={setChosen} />
      {resolve.error !== null && <PlanProblem error={resolve.error} />}
      <div>
        <Button variant="primary" data-testid="reenable" data-feature={feature} disabled={fault !== null} busy={resolve.isPending} onClick={() => resolve.mutate()}>
          {returning.size === 0 ? `Bring no ${words.many} back` : `Bring ${countOf(returning.size, words.one, words.many)} back`}
        </Button>
      </div>
    </Section>
  );
}

function Results({ returned, codes }: { returned: readonly Returned[]; codes: readonly FreshCode[] }) {
  if (returned.length === 0) return null;
  return (
    <div className="grid gap-3">
      <Notice tone="ok">
        {returned.map(({ feature, count }) => (
          <span key={feature} className="block">
            {count === 0 ? `No ${wordsOf(feature).many} came back.` : `${countOf(count, wordsOf(feature).one, wordsOf(feature).many)} came back.`}
          </span>
        ))}
      </Notice>
      {codes.length > 0 && (
        <Section title="Pairing codes">
          <p className="-mt-1 text-sm text-muted">
            A machine that runs <code className="font-mono text-xs">sett up</code> takes them by itself. Otherwise type <code className="font-mono text-xs">sett pair</code> and the code there, within {minutes(codes)}. A code that is missing here shows on its bot's page in a moment.
          </p>
          <ul data-testid="fresh-codes" className="rounded-xl border border-line bg-surface shadow-card">
            {codes.map((code) => (
              <li key={code.bot_id} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-t border-line px-4 py-2.5 first:border-t-0">
                <Link to="/bots/$botId" params={{ botId: code.bot_id }} className="min-w-0 flex-1 basis-40 rounded-sm font-medium decoration-line-strong underline-offset-4 [overflow-wrap:anywhere] hover:underline">
                  {code.label}
                </Link>
                <span className="inline-flex items-center gap-1">
                  <code className="font-mono text-[0.8125rem]">{code.pair_code}</code>
                  <CopyButton text={code.pair_code} label={`Copy the code of ${code.label}`} />
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </div>
  );
}

const minutes = (codes: readonly FreshCode[]): string => countOf(Math.max(1, Math.floor(Math.min(...codes.map(({ expires_in }) => expires_in)) / 60)), "minute");
