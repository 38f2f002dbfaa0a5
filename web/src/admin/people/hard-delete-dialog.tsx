import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { Field } from "../../ui/field";
import { Notice } from "../../ui/notice";
import { removePerson } from "../admin.api";
import type { Person, Removal } from "../admin.types";
import { isTypedAddress, nameOfPerson } from "./person.core";

interface HardDeleteDialogProps {
  person: Person;
  isOpen: boolean;
  onClose: () => void;
  onRemoved: (removal: Removal) => void;
}

export function HardDeleteDialog({ person, isOpen, onClose, onRemoved }: HardDeleteDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Remove ${nameOfPerson(person)} for good?`}
      description="Bots, machines, files, payments, the Matrix account and the account itself go, in ten steps. Nothing of it comes back. The audit keeps who was removed, and by whom."
    >
      <HardDeleteForm person={person} onClose={onClose} onRemoved={onRemoved} />
    </Dialog>
  );
}

function HardDeleteForm({ person, onClose, onRemoved }: Omit<HardDeleteDialogProps, "isOpen">) {
  const [typed, setTyped] = useState("");
  const isSure = isTypedAddress(typed, person.email);
  const remove = useMutation({ mutationFn: () => removePerson(person.id, typed.trim()), onSuccess: onRemoved });
  // It may go on without us: the account is locked first, and a repeat goes on where it broke off.
  const isCut = remove.error !== null && asApiError(remove.error).code === "network";
  return (
    <form
      data-testid="hard-delete-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure && !remove.isPending) remove.mutate();
      }}
    >
      {remove.error !== null && (isCut ? <Notice tone="warn">The connection broke, and the removal may go on without it. Do it again to see what is left: what was done is not done twice.</Notice> : <ErrorNotice error={remove.error} />)}
      <Field
        label={`Type ${person.email ?? ""} to confirm`}
        name="confirm_email"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="danger" busy={remove.isPending} disabled={!isSure}>
          Remove for good
        </Button>
      </div>
    </form>
  );
}
