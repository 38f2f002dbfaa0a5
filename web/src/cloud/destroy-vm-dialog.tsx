import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { refreshCloud } from "./cloud-query";
import { destroyCloudVm } from "./cloud.api";
import type { CloudVm } from "./cloud.types";
import { VmProblem } from "./vm-problem";

interface DestroyVmDialogProps {
  vm: Pick<CloudVm, "instance_id" | "name" | "addon_id">;
  isOpen: boolean;
  onClose: () => void;
  onDestroyed?: () => void;
}

export function DestroyVmDialog({ vm, isOpen, onClose, onDestroyed }: DestroyVmDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Destroy ${vm.name}?`}
      description={
        <>
          The computer goes for ever, with its disk and everything on it. Its bots are unpaired and keep their names.
          {vm.addon_id !== null && " Its add-on goes on until you cancel it, and can pay for another machine."}
        </>
      }
    >
      <DestroyForm vm={vm} onClose={onClose} onDestroyed={onDestroyed} />
    </Dialog>
  );
}

function DestroyForm({ vm, onClose, onDestroyed }: Pick<DestroyVmDialogProps, "vm" | "onClose"> & { onDestroyed: (() => void) | undefined }) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const isSure = typed.trim() === vm.name.trim();
  const destroy = useMutation({
    mutationFn: async () => {
      try {
        await destroyCloudVm(vm.instance_id);
      } catch (error) {
        // Somebody else was quicker: it is gone, as was asked.
        if (asApiError(error).code !== "not_found") throw error;
      }
    },
    onSuccess: () => {
      onClose();
      onDestroyed?.();
    },
    onSettled: () => refreshCloud(client),
  });
  // It is committed whatever the provider says; there is nothing more to confirm.
  const isUnderWay = destroy.error !== null && asApiError(destroy.error).code === "dependency_unavailable";
  return (
    <form
      data-testid="destroy-vm-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure && !destroy.isPending && !isUnderWay) destroy.mutate();
      }}
    >
      {destroy.error !== null && <VmProblem error={destroy.error} act="destroy" />}
      {!isUnderWay && (
        <Field
          label={`Type “${vm.name}” to confirm`}
          name="confirm"
          autoComplete="off"
          autoCapitalize="none"
          autoCorrect="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{isUnderWay ? "Close" : "Cancel"}</Button>
        {!isUnderWay && (
          <Button type="submit" variant="danger" busy={destroy.isPending} disabled={!isSure}>
            Destroy machine
          </Button>
        )}
      </div>
    </form>
  );
}
