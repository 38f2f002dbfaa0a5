import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../api/errors";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { fieldFault } from "./bot-errors.core";
import { recordBot } from "./bots-query";
import { renameBot } from "./bots.api";
import type { Bot } from "./bots.types";
import { ProblemNotice } from "./problem-notice";

interface RenameDialogProps {
  bot: Bot;
  isOpen: boolean;
  onClose: () => void;
}

export function RenameDialog({ bot, isOpen, onClose }: RenameDialogProps) {
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
      title="Rename the bot"
      description="People see the new name in their chats. Its address stays as it is."
    >
      <RenameForm bot={bot} onClose={onClose} />
    </Dialog>
  );
}

function RenameForm({ bot, onClose }: { bot: Bot; onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState(bot.bot_name);
  const rename = useMutation({
    mutationFn: () => renameBot(bot.id, name.trim()),
    onSuccess: (renamed) => {
      recordBot(client, renamed);
      onClose();
    },
  });
  const failure = rename.error ? asApiError(rename.error) : null;
  const fault = fieldFault(failure, "bot_name");
  return (
    <form
      className="grid grid-cols-1 gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!rename.isPending && name.trim() !== "") rename.mutate();
      }}
    >
      {failure && !fault && <ProblemNotice error={failure} />}
      <Field label="Name" name="bot_name" autoComplete="off" maxLength={255} value={name} error={fault} onChange={(event) => setName(event.target.value)} />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={rename.isPending} disabled={name.trim() === "" || name.trim() === bot.bot_name}>
          Rename
        </Button>
      </div>
    </form>
  );
}
