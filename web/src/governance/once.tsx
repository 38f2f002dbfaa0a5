import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { Dialog } from "../ui/dialog";

interface OnceProps {
  title: string;
  label: string;
  /** Null: nothing is to be shown. */
  secret: string | null;
  onClose: () => void;
}

/** A secret that nobody can show again. */
export function Once({ title, label, secret, onClose }: OnceProps) {
  return (
    <Dialog
      isOpen={secret !== null}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={title}
      description="It is shown only this once. Keep it where you keep passwords."
    >
      <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3.5">
        <code data-testid="once" className="min-w-0 flex-1 py-1.5 font-mono text-[0.8125rem] break-all">
          {secret}
        </code>
        <CopyButton text={secret ?? ""} label={`Copy ${label}`} />
      </div>
      <div className="flex justify-end">
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}
