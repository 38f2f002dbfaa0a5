import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../api/client";
import { ConfirmDialog } from "../ui/dialog";
import { dispatchFleet } from "./fleet-query";
import { nameOf } from "./fleet.reducer";
import type { MachineEntry } from "./fleet.types";

interface RemoveMachineDialogProps {
  /** The machine to remove; null keeps the dialog closed. */
  entry: MachineEntry | null;
  onClose: () => void;
  onRemoved?: () => void;
}

export function RemoveMachineDialog({ entry, onClose, onRemoved }: RemoveMachineDialogProps) {
  const client = useQueryClient();
  // Keeps the words on the page while the dialog leaves.
  const [last, setLast] = useState(entry);
  if (entry && entry !== last) setLast(entry);
  const remove = useMutation({
    mutationFn: async (instanceId: string) => {
      unwrap(await api.DELETE("/api/v1/openclaw/instances/{instance_id}", { params: { path: { instance_id: instanceId } } }));
      return instanceId;
    },
    onSuccess: (instanceId) => {
      dispatchFleet(client, [{ kind: "removed", instanceId, atMs: Date.now() }]);
      onClose();
      onRemoved?.();
    },
  });
  const machine = (entry ?? last)?.machine;
  return (
    <ConfirmDialog
      isOpen={entry !== null}
      onOpenChange={(isOpen) => {
        if (isOpen || remove.isPending) return;
        remove.reset();
        onClose();
      }}
      title={`Remove ${machine ? nameOf(machine) : "machine"}?`}
      description={
        <>
          Its pairings and history go with it, and its daemon stops by itself. Nothing is deleted on the machine; it can be added
          again with <code className="font-mono text-[0.8125rem]">sett up</code>.
        </>
      }
      confirmLabel="Remove machine"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => machine && remove.mutate(machine.instanceId)}
    />
  );
}
