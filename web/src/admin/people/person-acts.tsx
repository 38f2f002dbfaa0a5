import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../../ui/button";
import { ConfirmDialog } from "../../ui/dialog";
import { Notice } from "../../ui/notice";
import { activatePerson, deactivatePerson, signPersonOut } from "../admin.api";
import type { Person, Removal } from "../admin.types";
import { forgetPeople, refreshPerson } from "../admin-query";
import { useOperator } from "../operator-context";
import { HardDeleteDialog } from "./hard-delete-dialog";
import { describeSignOut, mayChange, maySignOut, nameOfPerson, whyNotRemoved } from "./person.core";
import { ResetPasswordDialog } from "./reset-password-dialog";

type Act = "activate" | "deactivate" | "sign-out" | "password" | "remove";

interface Outcome {
  text: string;
  isWhole: boolean;
}

const ASK = {
  activate: { title: "Activate", description: "They can sign in again. Machines must log in anew; what the owner deleted stays gone.", confirm: "Activate" },
  deactivate: { title: "Deactivate", description: "They are signed out at once everywhere, CLI tokens are revoked and machines cut off. Everything in the account stays.", confirm: "Deactivate" },
  "sign-out": { title: "Sign out everywhere", description: "Every session and access token ends at once, and the Matrix devices are deleted. Machines and CLI tokens stay.", confirm: "Sign out everywhere" },
} as const;

async function run(act: keyof typeof ASK, id: number): Promise<Outcome> {
  if (act === "sign-out") return describeSignOut(await signPersonOut(id));
  if (act === "activate") {
    await activatePerson(id);
    return { text: "Active again.", isWhole: true };
  }
  await deactivatePerson(id);
  return { text: "Deactivated, and signed out everywhere.", isWhole: true };
}

/** What an administrator may do to somebody. Each is audited by the server with what was before and after. */
export function PersonActs({ person, onRemoved }: { person: Person; onRemoved: (removal: Removal) => void }) {
  const me = useOperator();
  const client = useQueryClient();
  const [asked, setAsked] = useState<Act | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const act = useMutation({
    mutationFn: (which: keyof typeof ASK) => run(which, person.id),
    onSuccess: (next) => {
      setAsked(null);
      setOutcome(next);
    },
    onSettled: () => {
      forgetPeople(client);
      return refreshPerson(client, person.id);
    },
  });
  const close = (): void => {
    act.reset();
    setAsked(null);
  };
  const open = (next: Act): void => {
    setOutcome(null);
    setAsked(next);
  };
  const canChange = mayChange(me, person);
  const whyNot = whyNotRemoved(me, person);
  const name = nameOfPerson(person);
  const simple = asked === "activate" || asked === "deactivate" || asked === "sign-out" ? asked : null;
  return (
    <section aria-label="Acts" className="grid gap-3">
      <div className="flex flex-wrap gap-2">
        {maySignOut(me, person) && (
          <Button data-testid="sign-out-all" onClick={() => open("sign-out")}>
            Sign out everywhere
          </Button>
        )}
        {canChange && person.status !== "deleted" && (
          <Button data-testid="reset-password" onClick={() => open("password")}>
            Reset password
          </Button>
        )}
        {canChange &&
          (person.status === "active" ? (
            <Button data-testid="deactivate" onClick={() => open("deactivate")}>
              Deactivate
            </Button>
          ) : (
            <Button data-testid="activate" onClick={() => open("activate")}>
              Activate
            </Button>
          ))}
        {whyNot === null && (
          <Button data-testid="hard-delete" variant="danger" onClick={() => open("remove")}>
            Remove for good
          </Button>
        )}
      </div>
      {!canChange && <p className="text-[0.8125rem] text-muted">Only superadministrators change administrators.</p>}
      {canChange && whyNot !== null && <p className="text-[0.8125rem] text-muted">{whyNot}</p>}
      {outcome && (
        <Notice tone={outcome.isWhole ? "ok" : "warn"}>
          <span data-testid="act-outcome">{outcome.text}</span>
        </Notice>
      )}
      <ConfirmDialog
        isOpen={simple !== null}
        onOpenChange={(isOpen) => {
          if (!isOpen) close();
        }}
        title={simple ? `${ASK[simple].title}: ${name}` : ""}
        description={simple ? ASK[simple].description : ""}
        confirmLabel={simple ? ASK[simple].confirm : ""}
        isBusy={act.isPending}
        error={act.error}
        onConfirm={() => simple && act.mutate(simple)}
      />
      <ResetPasswordDialog
        person={person}
        isOpen={asked === "password"}
        onClose={close}
        onDone={(next) => {
          setAsked(null);
          setOutcome(next);
          void refreshPerson(client, person.id);
        }}
      />
      <HardDeleteDialog
        person={person}
        isOpen={asked === "remove"}
        onClose={close}
        onRemoved={(removal) => {
          forgetPeople(client);
          onRemoved(removal);
        }}
      />
    </section>
  );
}
