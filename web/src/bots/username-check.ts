import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { checkBotUsername } from "./bots.api";
import { usernameFault } from "./bots.core";

const TYPING_PAUSE_MS = 350;

export type UsernameState =
  | { kind: "empty" | "checking" | "unknown" }
  | { kind: "fault"; text: string }
  | { kind: "free"; mxid: string }
  | { kind: "taken" };

/** Whether a bot may be called that, asked when the typing pauses. A question without an answer is no reason to refuse. */
export function useUsernameCheck(username: string): UsernameState {
  const [settled, setSettled] = useState(username);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(username), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [username]);
  const fault = usernameFault(username);
  const isAskable = settled !== "" && usernameFault(settled) === null;
  const { data, isError } = useQuery({
    queryKey: ["bot-username", settled],
    queryFn: ({ signal }) => checkBotUsername(settled, signal),
    enabled: isAskable,
    staleTime: 10_000,
    retry: false,
  });
  if (username === "") return { kind: "empty" };
  if (fault !== null) return { kind: "fault", text: fault };
  if (settled !== username) return { kind: "checking" };
  if (data?.available && data.bot_user_id !== null) return { kind: "free", mxid: data.bot_user_id };
  if (data) return data.reason === "taken" ? { kind: "taken" } : { kind: "fault", text: "This name is not possible." };
  return { kind: isError ? "unknown" : "checking" };
}
