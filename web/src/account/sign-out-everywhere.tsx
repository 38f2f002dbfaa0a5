import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { signOutEverywhere } from "../auth/sign-in";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";

export function SignOutEverywhere() {
  const [isAsking, setAsking] = useState(false);
  const leave = useMutation({ mutationFn: signOutEverywhere });
  return (
    <>
      <Button size="sm" data-testid="sign-out-everywhere" onClick={() => setAsking(true)}>
        Sign out everywhere
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={(isOpen) => {
          if (isOpen || leave.isPending) return;
          leave.reset();
          setAsking(false);
        }}
        title="Sign out everywhere?"
        description="Every device that is signed in, this one too, has to sign in again. Machines and their CLI tokens stay as they are."
        confirmLabel="Sign out everywhere"
        isBusy={leave.isPending}
        error={leave.error}
        onConfirm={() => leave.mutate()}
      />
    </>
  );
}
