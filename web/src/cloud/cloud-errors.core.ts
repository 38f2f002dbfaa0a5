/** Refusals about cloud machines in human words, with what to do about them. */
import { asApiError } from "../api/errors";

interface Problem {
  title: string;
  advice: string;
}

const PROBLEMS: Record<string, Problem> = {
  provider_capacity: { title: "The provider has no room for another machine now.", advice: "Nothing was made and nothing is charged. Try again in some minutes, or with a smaller machine." },
  bad_gateway: { title: "The provider refused this machine.", advice: "Nothing was made. Try another size; if that fails too, the operator of this server must look at its account there." },
  cloud_vm_busy: { title: "This machine is busy.", advice: "It is being made or destroyed. Wait until it is online or has failed." },
  cloud_vm_name_taken: { title: "You have a machine of this name.", advice: "Choose another one." },
  plan_limit: { title: "Nothing pays for another machine.", advice: "" },
  feature_not_available: { title: "Your plan cannot have add-ons.", advice: "Choose a larger plan." },
  not_found: { title: "This machine is not there any more.", advice: "Somebody destroyed it meanwhile." },
};

/** What was being done: the same code means another thing when making than when destroying. */
export type Act = "create" | "restart" | "destroy" | "buy" | "read";

const UNAVAILABLE: Record<Act, Problem> = {
  create: {
    title: "No machine could be ordered.",
    advice: "Nothing was charged. If this server never had cloud machines, its operator must connect a provider first (COMPUTE_DRIVER). Otherwise try again in a minute.",
  },
  restart: { title: "The provider cannot be reached.", advice: "The machine is as it was. Try again in a minute." },
  destroy: { title: "The provider has not confirmed it yet.", advice: "The machine is being destroyed and is asked for until it is gone. You need not do it again." },
  buy: { title: "Card payments cannot be reached.", advice: "Nothing was charged. If this server never took payments, its operator must connect them first (STRIPE_SECRET_KEY)." },
  read: { title: "Cloud machines cannot be read now.", advice: "They go on running. Try again in a minute." },
};

/** Null for what has no better words than the server's own. */
export function findVmProblem(thrown: unknown, act: Act): Problem | null {
  const error = asApiError(thrown);
  if (error.code === "dependency_unavailable") return UNAVAILABLE[act];
  const known = PROBLEMS[error.code];
  if (!known) return null;
  // The server's sentence has the numbers of the plan.
  return error.code === "plan_limit" ? { title: error.message, advice: "" } : known;
}
