import { Command } from "../ui/copy-button";
import { LogoMark } from "../ui/logo";

/** How the first machine gets here. It leaves by itself the moment one does. */
export function EmptyFleet() {
  const origin = location.origin;
  return (
    <section aria-labelledby="empty-title" className="mx-auto grid w-full max-w-xl grid-cols-1 gap-8 py-10 sm:py-14">
      <div className="grid justify-items-center gap-5 text-center">
        <Waiting />
        <div>
          <h2 id="empty-title" className="text-xl font-semibold tracking-tight">
            Add your first machine
          </h2>
          <p className="mt-1.5 text-[0.9375rem] text-balance text-muted">Run two commands on the computer your agents live on. Node 20 or newer is all it needs.</p>
        </div>
      </div>
      <ol className="grid grid-cols-1 gap-5">
        <Step number={1} title="Install the CLI and sign it in" hint="It opens this console in a browser, where you approve it.">
          <Command text={`npm i -g ${origin}/cli/sett-cli.tgz && sett login --server ${origin}`} label="sign the CLI in" />
        </Step>
        <Step number={2} title="Connect the machine" hint="It starts a small daemon that watches the gateway and keeps a link to Sett.">
          <Command text="sett up" label="connect the machine" />
        </Step>
      </ol>
      <p role="status" className="text-center text-sm text-balance text-muted">
        Waiting for a machine. This page changes by itself when it arrives.
      </p>
    </section>
  );
}

function Step({ number, title, hint, children }: { number: number; title: string; hint: string; children: React.ReactNode }) {
  return (
    <li className="grid grid-cols-[1.75rem_minmax(0,1fr)] gap-x-3">
      <span aria-hidden className="flex size-7 items-center justify-center rounded-full border border-line-strong text-[0.8125rem] font-semibold">
        {number}
      </span>
      <div className="grid grid-cols-1 gap-2">
        <div>
          <h3 className="leading-7 font-medium">{title}</h3>
          <p className="text-[0.8125rem] text-muted">{hint}</p>
        </div>
        {children}
      </div>
    </li>
  );
}

function Waiting() {
  return (
    <span aria-hidden className="relative flex size-14 items-center justify-center">
      <span className="absolute inset-1 animate-breathe rounded-2xl bg-ink" />
      <span className="absolute inset-1 animate-breathe rounded-2xl bg-ink [animation-delay:-1.2s]" />
      <LogoMark className="relative size-12" />
    </span>
  );
}
