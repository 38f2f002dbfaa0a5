import { useState, type ReactNode } from "react";
import { Button } from "../ui/button";
import { ConfirmDialog } from "../ui/dialog";
import { useAct } from "./act";

interface ConfirmActProps {
  /** What the button says. */
  label: string;
  /** What the button is called when it is one of many. */
  name?: string;
  title: string;
  description: ReactNode;
  confirmLabel: string;
  variant?: "secondary" | "danger" | "ghost";
  isDisabled?: boolean;
  act: () => Promise<unknown>;
  onDone?: () => void;
}

/** A button whose act is asked about once more. */
export function ConfirmAct({ label, name, title, description, confirmLabel, variant = "secondary", isDisabled = false, act, onDone }: ConfirmActProps) {
  const [isAsked, setAsked] = useState(false);
  const mutation = useAct(act, () => {
    setAsked(false);
    onDone?.();
  });
  return (
    <>
      <Button size="sm" variant={variant} disabled={isDisabled} {...(name === undefined ? {} : { "aria-label": name })} onClick={() => setAsked(true)}>
        {label}
      </Button>
      <ConfirmDialog
        isOpen={isAsked}
        onOpenChange={(isOpen) => {
          if (isOpen) return;
          mutation.reset();
          setAsked(false);
        }}
        title={title}
        description={description}
        confirmLabel={confirmLabel}
        isBusy={mutation.isPending}
        error={mutation.error}
        onConfirm={() => mutation.mutate()}
      />
    </>
  );
}
