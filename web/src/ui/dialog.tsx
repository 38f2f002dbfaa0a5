import { Dialog as RadixDialog } from "radix-ui";
import { useRef, type ReactNode } from "react";
import { Button } from "./button";
import { ErrorNotice } from "./error-notice";

interface DialogProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: string;
  description: ReactNode;
  children?: ReactNode;
}

export function Dialog({ isOpen, onOpenChange, title, description, children }: DialogProps) {
  // Radix gives the focus back to its own trigger only, and these dialogs are opened by any button.
  const opener = useRef<Element | null>(null);
  return (
    <RadixDialog.Root open={isOpen} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 animate-fade bg-black/45" />
        <RadixDialog.Content
          onOpenAutoFocus={() => {
            opener.current = findOpener();
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (opener.current instanceof HTMLElement) opener.current.focus();
          }}
          className="fixed top-1/2 left-1/2 z-50 grid max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] max-w-md -translate-x-1/2 -translate-y-1/2 animate-rise grid-cols-1 gap-4 overflow-y-auto rounded-2xl border border-line bg-raised p-6 shadow-float outline-none"
        >
          <RadixDialog.Title className="text-lg font-semibold tracking-tight">{title}</RadixDialog.Title>
          <RadixDialog.Description asChild>
            <div className="-mt-2 text-muted [overflow-wrap:anywhere]">{description}</div>
          </RadixDialog.Description>
          {children}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

/** What had the focus. An item of a menu is gone by the time a dialog closes: then it is the menu's button. */
function findOpener(): Element | null {
  const focused = document.activeElement;
  const buttonId = focused?.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return buttonId ? document.getElementById(buttonId) : focused;
}

interface ConfirmDialogProps extends Omit<DialogProps, "children"> {
  confirmLabel: string;
  isBusy: boolean;
  error: unknown;
  onConfirm: () => void;
}

/** For what cannot be undone. The safe choice has the focus. */
export function ConfirmDialog({ confirmLabel, isBusy, error, onConfirm, ...dialog }: ConfirmDialogProps) {
  return (
    <Dialog {...dialog}>
      {error !== null && <ErrorNotice error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={() => dialog.onOpenChange(false)}>Cancel</Button>
        <Button variant="danger" busy={isBusy} onClick={onConfirm}>
          {confirmLabel}
        </Button>
      </div>
    </Dialog>
  );
}
