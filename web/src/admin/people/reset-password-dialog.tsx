import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/errors";
import { Button } from "../../ui/button";
import { CopyButton } from "../../ui/copy-button";
import { Dialog } from "../../ui/dialog";
import { ErrorNotice } from "../../ui/error-notice";
import { PasswordField } from "../../ui/password-field";
import { setPersonPassword } from "../admin.api";
import type { Person } from "../admin.types";
import { matrixReason, nameOfPerson } from "./person.core";
import { newPassword } from "./new-password.core";

interface ResetPasswordDialogProps {
  person: Person;
  isOpen: boolean;
  onClose: () => void;
  onDone: (outcome: { text: string; isWhole: boolean }) => void;
}

export function ResetPasswordDialog({ person, isOpen, onClose, onDone }: ResetPasswordDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Another password for ${nameOfPerson(person)}`}
      description="It holds here and on the homeserver, and signs them out everywhere. Tell it over a way that you trust; it is shown nowhere again. “Forgot password” needs nobody's help."
    >
      <ResetForm person={person} onClose={onClose} onDone={onDone} />
    </Dialog>
  );
}

function ResetForm({ person, onClose, onDone }: Omit<ResetPasswordDialogProps, "isOpen">) {
  const [password, setPassword] = useState("");
  const reset = useMutation({
    mutationFn: () => setPersonPassword(person.id, password),
    onSuccess: ({ matrix_password_updated: isWhole, matrix_sync_reason: reason }) => {
      const matrix = isWhole || reason === null ? "" : ` The homeserver does not have it: ${matrixReason(reason)}.`;
      onDone({ text: `The password is set, and they are signed out everywhere.${matrix}`, isWhole: isWhole || reason === null || reason === "matrix_not_configured" || reason === "user_has_no_matrix_id" });
    },
  });
  const error = reset.error === null ? null : asApiError(reset.error);
  const fieldError = error?.fields["new_password"] ?? null;
  return (
    <form
      data-testid="reset-password-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (password !== "" && !reset.isPending) reset.mutate();
      }}
    >
      {error !== null && fieldError === null && <ErrorNotice error={error} />}
      <PasswordField label="New password" name="new_password" autoComplete="new-password" value={password} error={fieldError} onChange={(event) => setPassword(event.target.value)} />
      <div className="-mt-1 flex items-center gap-1 text-[0.8125rem] text-muted">
        <Button size="sm" onClick={() => setPassword(newPassword())}>
          Make one up
        </Button>
        {password !== "" && <CopyButton text={password} label="Copy the password" />}
      </div>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="danger" busy={reset.isPending} disabled={password === ""}>
          Set password
        </Button>
      </div>
    </form>
  );
}
