import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useState, type FormEvent, type ReactNode } from "react";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { cx } from "../ui/cx";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { fieldFault } from "./bot-errors.core";
import { recordBot, refreshBots } from "./bots-query";
import { createBot } from "./bots.api";
import { suggestUsername } from "./bots.core";
import type { BotRuntime, BotWithToken } from "./bots.types";
import { ProblemNotice } from "./problem-notice";
import { RUNTIME_NAME } from "./runtime-tag";
import { TokenDisclosure } from "./token-disclosure";
import { useUsernameCheck, type UsernameState } from "./username-check";

interface CreateBotDialogProps {
  isOpen: boolean;
  onClose: () => void;
  onPair: (botId: string) => void;
}

export function CreateBotDialog({ isOpen, onClose, onPair }: CreateBotDialogProps) {
  const [created, setCreated] = useState<BotWithToken | null>(null);
  const close = (): void => {
    setCreated(null);
    onClose();
  };
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) close();
      }}
      title={created ? `${created.bot_name} is created` : "Create a bot"}
      description={created ? "It exists on Matrix, but nothing answers yet. Pair it with a machine next." : "A name on Matrix that one of your machines answers in."}
    >
      {created ? (
        <Created
          bot={created}
          onLater={close}
          onPair={() => {
            close();
            onPair(created.id);
          }}
        />
      ) : (
        <NewBotForm onCancel={close} onCreated={setCreated} />
      )}
    </Dialog>
  );
}

function NewBotForm({ onCancel, onCreated }: { onCancel: () => void; onCreated: (bot: BotWithToken) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [typedUsername, setTypedUsername] = useState<string | null>(null);
  const [runtime, setRuntime] = useState<BotRuntime>("openclaw");
  const username = typedUsername ?? suggestUsername(name);
  const check = useUsernameCheck(username);
  const create = useMutation({
    mutationFn: () => createBot({ bot_name: name.trim(), bot_username: username, runtime }),
    onSuccess: (bot) => {
      const { access_token: _secret, ...shown } = bot;
      recordBot(client, shown);
      void refreshBots(client);
      onCreated(bot);
    },
  });
  const failure = create.error ? asApiError(create.error) : null;
  const nameFault = fieldFault(failure, "bot_name");
  const takenFault = fieldFault(failure, "bot_username", "bot_name_taken");
  const runtimeFault = failure && ["hermes_not_enabled", "hermes_not_installed"].includes(failure.code);
  const usernameFaultText = check.kind === "fault" ? check.text : check.kind === "taken" ? "This username is taken. Choose another one." : takenFault;
  const isReady = name.trim() !== "" && username !== "" && check.kind !== "fault" && check.kind !== "taken";
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isReady && !create.isPending) create.mutate();
  };
  return (
    <form data-testid="create-bot-form" onSubmit={submit} className="grid grid-cols-1 gap-4">
      {failure && !nameFault && !takenFault && !runtimeFault && <ProblemNotice error={failure} />}
      <Field
        label="Name"
        name="bot_name"
        autoComplete="off"
        maxLength={255}
        placeholder="Garden helper"
        hint="What people see in a chat. You can change it any time."
        value={name}
        error={nameFault}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        label="Username"
        name="bot_username"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        maxLength={50}
        placeholder="garden_helper"
        value={username}
        error={usernameFaultText}
        hint={<UsernameHint state={check} isSilent={Boolean(usernameFaultText)} />}
        onChange={(event) => {
          create.reset();
          setTypedUsername(event.target.value.toLowerCase());
        }}
      />
      <fieldset className="grid gap-2">
        <legend className="mb-1.5 text-sm font-medium">Runtime</legend>
        <RuntimeChoice value="openclaw" chosen={runtime} onChoose={setRuntime}>
          Joins the OpenClaw gateway that a machine runs already. Choose this if unsure.
        </RuntimeChoice>
        <RuntimeChoice value="hermes" chosen={runtime} onChoose={setRuntime}>
          Runs in a container of its own, on a machine with Hermes.
        </RuntimeChoice>
        {runtimeFault && <ProblemNotice error={failure} />}
      </fieldset>
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending} disabled={!isReady}>
          Create bot
        </Button>
      </div>
    </form>
  );
}

/** Says in every state what the address will be, or why that is not known. */
function UsernameHint({ state, isSilent }: { state: UsernameState; isSilent: boolean }) {
  return (
    <span role="status" data-testid="username-state" data-state={state.kind} className={isSilent ? "sr-only" : "block min-h-[1.25rem]"}>
      {state.kind === "free" && !isSilent && (
        <span className="inline-flex flex-wrap items-center gap-x-1.5">
          <Check aria-hidden className="size-3.5 text-ok" />
          <span className="font-mono text-xs [overflow-wrap:anywhere] text-ink">{state.mxid}</span> is free
        </span>
      )}
      {state.kind === "checking" && "Looking whether it is free…"}
      {state.kind === "empty" && "Part of its Matrix address, for ever: small letters, digits and _."}
      {state.kind === "unknown" && "Whether it is free could not be found out now; you can try it."}
    </span>
  );
}

interface RuntimeChoiceProps {
  value: BotRuntime;
  chosen: BotRuntime;
  onChoose: (runtime: BotRuntime) => void;
  children: ReactNode;
}

function RuntimeChoice({ value, chosen, onChoose, children }: RuntimeChoiceProps) {
  return (
    <label
      className={cx(
        "grid cursor-pointer grid-cols-[auto_1fr] gap-x-3 rounded-lg border px-3.5 py-2.5 transition-colors has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2",
        chosen === value ? "border-ink bg-surface" : "border-line-strong/60 hover:border-muted",
      )}
    >
      <input type="radio" name="runtime" value={value} checked={chosen === value} onChange={() => onChoose(value)} className="mt-1 self-start accent-ink outline-none" />
      <span>
        <span className="block text-sm font-medium">{RUNTIME_NAME[value]}</span>
        <span className="block text-[0.8125rem] text-muted">{children}</span>
      </span>
    </label>
  );
}

function Created({ bot, onLater, onPair }: { bot: BotWithToken; onLater: () => void; onPair: () => void }) {
  return (
    <div data-testid="bot-created" className="grid grid-cols-1 gap-4">
      <div>
        <p className="text-sm font-medium">Its address</p>
        <div className="mt-1.5 flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3.5">
          <code className="min-w-0 flex-1 py-1.5 font-mono text-[0.8125rem] break-all">{bot.bot_user_id}</code>
          <CopyButton text={bot.bot_user_id} label="Copy the address" />
        </div>
      </div>
      <TokenDisclosure token={bot.access_token}>
        Only for running it without Sett: pairing hands the token to the machine by itself. It cannot be shown again.
      </TokenDisclosure>
      <div className="flex justify-end gap-2">
        <Button onClick={onLater}>Later</Button>
        <Button variant="primary" data-testid="pair-now" onClick={onPair}>
          Pair with a machine
        </Button>
      </div>
    </div>
  );
}
