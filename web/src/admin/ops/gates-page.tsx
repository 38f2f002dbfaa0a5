import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { usePageTitle } from "../../lib/use-page-title";
import { Nothing } from "../../machine/section";
import { Button } from "../../ui/button";
import { ConfirmDialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { RelativeTime } from "../../ui/relative-time";
import type { Gate } from "../admin.types";
import { useOperator } from "../operator-context";
import { setGate } from "../ops.api";
import { Loading, PageHead, Pill, ReadOnlyNote, ReadProblem, rowClass, Rows } from "../parts";
import { mayOperate } from "../people/person.core";
import { GateDialog } from "./gate-dialog";
import { describeGate, turnGate } from "./gates.core";
import { gatesQuery, refreshOps } from "./ops-query";

/** Switches of the product. */
export function GatesPage() {
  usePageTitle("Gates");
  const mayAct = mayOperate(useOperator());
  const { data, error, isFetching, refetch } = useQuery(gatesQuery);
  return (
    <div data-testid="gates" className="grid grid-cols-1 gap-4">
      <PageHead title="Gates" note="A change holds everywhere within a minute." />
      {!mayAct && <ReadOnlyNote />}
      {error !== null && <ReadProblem error={error} isBusy={isFetching} onRetry={() => void refetch()} />}
      {data ? (
        data.length === 0 ? (
          <Nothing>There are no gates.</Nothing>
        ) : (
          <Rows label="Gates">
            {data.map((gate) => (
              <GateRow key={gate.key} gate={gate} mayAct={mayAct} />
            ))}
          </Rows>
        )
      ) : (
        error === null && <Loading what="gates" rows={2} />
      )}
    </div>
  );
}

function GateRow({ gate, mayAct }: { gate: Gate; mayAct: boolean }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<"close" | "adjust" | null>(null);
  const { tone, label } = describeGate(gate);
  const turn = useMutation({
    mutationFn: (enabled: boolean) => setGate(gate.key, turnGate(gate, enabled)),
    onSuccess: () => setAsked(null),
    onSettled: () => refreshOps(client),
  });
  const isOpen = gate.enabled && gate.percentage > 0;
  return (
    <li data-testid="gate" data-key={gate.key} data-open={isOpen} className={`${rowClass} grid gap-2 px-4 py-3`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <code className="font-mono text-[0.8125rem] font-medium">{gate.key}</code>
            <Pill tone={tone}>{label}</Pill>
          </p>
          <p className="text-[0.8125rem] text-muted [overflow-wrap:anywhere]">
            {gate.guards ?? "Nothing asks this gate."}
            {gate.updated_at !== null && (
              <>
                {" "}
                · set <RelativeTime at={gate.updated_at} />
              </>
            )}
          </p>
          {gate.note !== null && gate.note !== "" && <p className="text-[0.8125rem] [overflow-wrap:anywhere]">“{gate.note}”</p>}
        </div>
        {mayAct && (
          <div className="flex gap-2">
            <Button size="sm" aria-label={`Adjust ${gate.key}`} onClick={() => setAsked("adjust")}>
              Adjust
            </Button>
            {isOpen ? (
              <Button size="sm" variant="danger" aria-label={`Close ${gate.key}`} onClick={() => setAsked("close")}>
                Close
              </Button>
            ) : (
              <Button size="sm" variant="primary" aria-label={`Open ${gate.key}`} busy={turn.isPending} onClick={() => turn.mutate(true)}>
                Open
              </Button>
            )}
          </div>
        )}
      </div>
      {turn.error !== null && asked === null && <ErrorNotice error={turn.error} />}
      <ConfirmDialog
        isOpen={asked === "close"}
        onOpenChange={(next) => {
          if (next) return;
          turn.reset();
          setAsked(null);
        }}
        title={`Close ${gate.key}?`}
        description={`${gate.guards ?? "What is behind it"}: refused for everybody${gate.allowed_accounts.length > 0 ? " but the accounts that are named" : ""}, within a minute. Opening it again is one press.`}
        confirmLabel="Close the gate"
        isBusy={turn.isPending}
        error={turn.error}
        onConfirm={() => turn.mutate(false)}
      />
      <GateDialog gate={gate} isOpen={asked === "adjust"} onClose={() => setAsked(null)} />
    </li>
  );
}
