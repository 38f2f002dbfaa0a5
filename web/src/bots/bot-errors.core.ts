/** Refusals about bots in human words, with what to do about them. */
import { asApiError, type ApiError } from "../api/errors";

export interface Problem {
  title: string;
  advice: string;
}

const PROBLEMS: Record<string, Problem> = {
  matrix_unavailable: {
    title: "Bots need a Matrix homeserver, and this server reaches none.",
    advice: "Nothing was changed. If none was ever connected, its operator must do that first (MATRIX_BASE_URL and its tokens). Otherwise try again in a minute.",
  },
  plan_limit: { title: "Your plan is full.", advice: "Nothing was made." },
  hermes_not_enabled: { title: "Hermes is not switched on here.", advice: "Choose OpenClaw, or ask the operator of this server to switch Hermes on." },
  hermes_not_installed: { title: "No machine of yours has Hermes.", advice: "Install Hermes on a machine first; this page knows with the machine's next beat. Or choose OpenClaw." },
  bot_name_taken: { title: "This username is taken.", advice: "Choose another one." },
  bot_disabled_by_plan: { title: "Your plan does not carry this bot.", advice: "Choose a larger plan, or delete another bot." },
  sharing_disabled: { title: "Sharing is off for this bot.", advice: "Switch it on first." },
  already_shared: { title: "This person has the bot already.", advice: "Revoke the share first to give it another end." },
  pairing_not_broken: { title: "There is nothing to repair.", advice: "The bot's state changed meanwhile; look again." },
  command_queue_full: { title: "Its machine has too many commands waiting.", advice: "It does not listen now. Look at the machine." },
  pairing_target_mismatch: { title: "That machine is not yours any more.", advice: "Choose another one." },
};

/** Null for what has no better words than the server's own. */
export function findProblem(thrown: unknown): Problem | null {
  const error = asApiError(thrown);
  const known = PROBLEMS[error.code];
  if (!known) return null;
  // The server's sentence has the numbers of the plan.
  return error.code === "plan_limit" ? { title: error.message, advice: known.advice } : known;
}

/** The message that belongs under an input, if the failure is about it. */
export function fieldFault(error: ApiError | null, field: string, ...codes: string[]): string | null {
  if (!error) return null;
  if (error.fields[field]) return error.fields[field];
  if (!codes.includes(error.code)) return null;
  const problem = findProblem(error);
  return problem ? `${problem.title} ${problem.advice}` : error.message;
}
