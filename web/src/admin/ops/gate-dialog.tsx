import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { Switch } from "../../ui/switch";
import type { Gate, NewGate } from "../admin.types";
import { setGate, unsetGate } from "../ops.api";
import { readAccounts, readPercentage } from "./gates.core";
import { refreshOps } from "./ops-query";

interface GateDialogProps {
  gate: Gate;
  isOpen: boolean;
  onClose: () => void;
}

/** A gate's setting as a whole. */
export function GateDialog({ gate, isOpen, onClose }: GateDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={gate.key}
      description={gate.guards ?? "Nothing asks this gate."}
    >
      <GateForm gate={gate} onClose={onClose} />
    </Dialog>
  );
}

function GateForm({ gate, onClose }: Pick<GateDialogProps, "gate" | "onClose">) {
  const client = useQueryClient();
  const [isOn, setOn] = useState(gate.enabled);
  const [share, setShare] = useState(String(gate.percentage));
  const [accounts, setAccounts] = useState(gate.allowed_accounts.join(", "));
  const [note, setNote] = useState(gate.note ?? "");
  const percentage = readPercentage(share);
  const named = readAccounts(accounts);
  const done = { onSuccess: onClose, onSettled: () => refreshOps(client) };
  const save = useMutation({ mutationFn: (next: NewGate) => setGate(gate.key, next), ...done });
  const forget = useMutation({ mutationFn: () => unsetGate(gate.key), ...done });
  const failed = save.error ?? forget.error;
  const isBusy = save.isPending || forget.isPending;
  return (
    <form
      data-testid="gate-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (percentage === null || !named.ok || isBusy) return;
        save.mutate({ enabled: isOn, percentage, allowed_accounts: named.ids, note: note.trim() || null });
      }}
    >
      {failed !== null && <ErrorNotice error={asApiError(failed)} />}
      <div className="flex items-center justify-between gap-4 text-sm font-medium">
        <span aria-hidden>Open</span>
        <Switch label="Open" isOn={isOn} onChange={setOn} />
      </div>
      <Field
        label="Share of accounts, in %"
        name="percentage"
        inputMode="numeric"
        autoComplete="off"
        value={share}
        error={percentage === null ? "A whole number from 0 to 100." : null}
        hint="The same accounts each time, and more of them with a greater share."
        onChange={(event) => setShare(event.target.value)}
      />
      <Field
        label="Accounts that get through either way"
        name="accounts"
        autoComplete="off"
        value={accounts}
        error={named.ok ? null : `“${named.wrong}” is no id of an account.`}
        hint="Ids, with commas between them."
        onChange={(event) => setAccounts(event.target.value)}
      />
      <Field label="Note" name="note" autoComplete="off" maxLength={1000} value={note} hint="Why, for the next one who looks." onChange={(event) => setNote(event.target.value)} />
      <div className="flex flex-wrap justify-end gap-2">
        {gate.is_set && (
          <Button className="mr-auto" variant="ghost" busy={forget.isPending} onClick={() => !isBusy && forget.mutate()}>
            Open and forget
          </Button>
        )}
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={percentage === null || !named.ok}>
          Save
        </Button>
      </div>
    </form>
  );
}
