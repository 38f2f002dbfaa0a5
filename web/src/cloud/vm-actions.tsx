import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCw, Trash2 } from "lucide-react";
import { Button } from "../ui/button";
import { refreshCloud } from "./cloud-query";
import { restartCloudVm } from "./cloud.api";
import type { VmState } from "./cloud.core";
import type { CloudVm } from "./cloud.types";
import { VmProblem } from "./vm-problem";

interface VmActionsProps {
  vm: CloudVm;
  state: VmState;
  onDestroy: () => void;
}

/** What can be done with a machine now. While it is being made there is nothing to restart. */
export function VmActions({ vm, state, onDestroy }: VmActionsProps) {
  const client = useQueryClient();
  const restart = useMutation({ mutationFn: () => restartCloudVm(vm.instance_id), onSettled: () => refreshCloud(client) });
  const canRestart = state === "online" || state === "silent" || state === "failed";
  return (
    <>
      {restart.error !== null && <VmProblem error={restart.error} act="restart" />}
      <div className="flex flex-wrap gap-2">
        {canRestart && (
          <Button size="sm" data-testid="restart-vm" busy={restart.isPending} aria-label={state === "failed" ? `Try ${vm.name} again` : `Restart ${vm.name}`} onClick={() => restart.mutate()}>
            <RotateCw aria-hidden className="size-3.5" />
            {state === "failed" ? "Try again" : "Restart"}
          </Button>
        )}
        {state !== "destroying" && (
          <Button size="sm" data-testid="destroy-vm" aria-label={`Destroy ${vm.name}`} onClick={onDestroy}>
            <Trash2 aria-hidden className="size-3.5" />
            Destroy
          </Button>
        )}
      </div>
    </>
  );
}
