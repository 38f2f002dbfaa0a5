import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { refreshBots } from "./bots-query";
import { rotateBotToken } from "./bots.api";
import type { BotRow } from "./bots.core";
import { ProblemNotice } from "./problem-notice";
import { TokenDisclosure } from "./token-disclosure";

interface RotateTokenDialogProps {
  row: BotRow;
  isOpen: boolean;
  onClose: () => void;
  onPair: () => void;
}

/** For a token that somebody else may have: the old one dies with the answer. */
export function RotateTokenDialog({ row, isOpen, onClose, onPair }: RotateTokenDialogProps) {
  const client = useQueryClient();
  const { bot, machine } = row;
  const rotate = useMutation({ mutationFn: () => rotateBotToken(bot.id), onSuccess: () => void refreshBots(client) });
  const close = (): void => {
    rotate.reset();
    onClose();
  };
  return (
    <Dialog
      isOpen={isOpen}
      onOpenChange={(next) => {
        if (!next && !rotate.isPending) close();
      }}
      title={rotate.data ? "The token is replaced" : "Replace the token?"}
      description={
        rotate.data ? (
          machine ? (
            <>The old token is dead. {machine.name} gets the new one with a repair, or by pairing again.</>
          ) : (
            "The old token is dead."
          )
        ) : (
          <>
            The old token stops working at once{machine && <>, and the bot falls silent on {machine.name} until it has the new one</>}. Messages that were encrypted for its old device stay
            unreadable. Do this when somebody else may know the token.
          </>
        )
      }
    >
      {rotate.data ? (
        <>
          <TokenDisclosure token={rotate.data.access_token}>Only for running the bot without Sett. It cannot be shown again.</TokenDisclosure>
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Done</Button>
            {machine && (
              <Button
                variant="primary"
                onClick={() => {
                  close();
                  onPair();
                }}
              >
                Pair again
              </Button>
            )}
          </div>
        </>
      ) : (
        <>
          {rotate.error !== null && <ProblemNotice error={rotate.error} />}
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Cancel</Button>
            <Button variant="danger" busy={rotate.isPending} onClick={() => rotate.mutate()}>
              Replace token
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
