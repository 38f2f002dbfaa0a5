import { Link } from "@tanstack/react-router";
import { Bot, MessageCircle, Server } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../ui/button";

/** What a bot is, and the three steps to one that answers. */
export function EmptyBots({ hasMachines, onCreate }: { hasMachines: boolean; onCreate: () => void }) {
  return (
    <section aria-labelledby="no-bots-title" className="mx-auto grid w-full max-w-xl grid-cols-1 gap-8 py-10 sm:py-14">
      <div className="text-center">
        <h2 id="no-bots-title" className="text-xl font-semibold tracking-tight">
          Create your first bot
        </h2>
        <p className="mt-1.5 text-[0.9375rem] text-balance text-muted">
          A bot is a name on Matrix that people write to. One of your machines answers in that name, with the agent that runs there.
        </p>
      </div>
      <ol className="grid grid-cols-1 gap-5">
        <Step icon={<Bot aria-hidden />} title="Give it a name">
          It gets an address of its own, such as <span className="font-mono text-xs">@helper_bot:…</span>, that nobody else can have.
        </Step>
        <Step icon={<Server aria-hidden />} title="Pair it with a machine">
          {hasMachines ? (
            <>
              You get a code. Type <code className="font-mono text-xs">sett pair CODE</code> on the machine, or let its daemon take it.
            </>
          ) : (
            <>
              You get a code for a machine. There is none yet:{" "}
              <Link to="/fleet" className="font-medium text-ink underline decoration-line-strong underline-offset-4">
                add one to the fleet
              </Link>{" "}
              before or after.
            </>
          )}
        </Step>
        <Step icon={<MessageCircle aria-hidden />} title="Write to it">
          Invite it to a room, or share it with somebody. This page shows how it is doing.
        </Step>
      </ol>
      <div className="justify-self-center">
        <Button variant="primary" size="lg" data-testid="create-bot" onClick={onCreate}>
          Create a bot
        </Button>
      </div>
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
