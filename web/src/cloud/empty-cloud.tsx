import { Cloud, KeyRound, Radio } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../ui/button";

/** What a cloud machine is, before there is one. */
export function EmptyCloud({ canCreate, onCreate }: { canCreate: boolean; onCreate: () => void }) {
  return (
    <section aria-labelledby="no-vms-title" className="mx-auto grid w-full max-w-xl grid-cols-1 gap-8 py-10 sm:py-14">
      <div className="text-center">
        <h2 id="no-vms-title" className="text-xl font-semibold tracking-tight">
          Create your first cloud machine
        </h2>
        <p className="mt-1.5 text-[0.9375rem] text-balance text-muted">For agents that must not sleep when your own computer does. It is a machine of your fleet like any other.</p>
      </div>
      <ol className="grid grid-cols-1 gap-5">
        <Step icon={<Cloud aria-hidden />} title="Choose its size">
          Cores, memory, disk. We rent the computer and install everything.
        </Step>
        <Step icon={<KeyRound aria-hidden />} title="Give it a model’s key">
          It is sealed, goes to that machine alone, and cannot be read here again.
        </Step>
        <Step icon={<Radio aria-hidden />} title="Watch it come to be">
          Five steps, each with how far it really is. It is online once its first heartbeat is heard.
        </Step>
      </ol>
      {canCreate && (
        <div className="justify-self-center">
          <Button variant="primary" size="lg" data-testid="create-vm" onClick={onCreate}>
            Create a machine
          </Button>
        </div>
      )}
    </section>
  );
}

function Step({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <li className="grid grid-cols-[2.25rem_minmax(0,1fr)] gap-x-3">
      <span className="flex size-9 items-center justify-center rounded-full border border-line-strong [&_svg]:size-4">{icon}</span>
      <div>
        <h3 className="font-medium">{title}</h3>
        <p className="text-[0.8125rem] text-muted">{children}</p>
      </div>
    </li>
  );
}
