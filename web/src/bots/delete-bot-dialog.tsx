import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { forgetBot } from "./bots-query";
import { deleteBot } from "./bots.api";
import type { Bot } from "./bots.types";
import { ProblemNotice } from "./problem-notice";

interface DeleteBotDialogProps {
  bot: Bot;
  isOpen: boolean;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteBotDialog({ bot, isOpen, onClose, onDeleted }: DeleteBotDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title={`Delete ${bot.bot_name}?`}
      description={
        <>
          It leaves its rooms, its machine loses it, and everybody it is shared with loses it too. The username <span className="font-mono text-xs">{bot.bot_username}</span> stays reserved for you:
          nobody else can ever have it.
        </>
      }
    >
      <DeleteForm bot={bot} onClose={onClose} onDeleted={onDeleted} />
    </Dialog>
  );
}

function DeleteForm({ bot, onClose, onDeleted }: Omit<DeleteBotDialogProps, "isOpen">) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const isSure = typed.trim() === bot.bot_name.trim();
  const remove = useMutation({
    mutationFn: () => deleteBot(bot.id),
    onSuccess: () => {
      forgetBot(client, bot.id);
      onDeleted();
    },
  });
  return (
    <form
      data-testid="delete-bot-form"
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure && !remove.isPending) remove.mutate();
      }}
    >
      {remove.error !== null && <ProblemNotice error={remove.error} />}
      <Field
        label={`Type “${bot.bot_name}” to confirm`}
        name="confirm"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="danger" busy={remove.isPending} disabled={!isSure}>
          Delete bot
        </Button>
      </div>
    </form>
  );
}
