import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { refreshGovernance } from "./governance-query";

/** A change of governance; afterwards everything is read again, whether it worked or not. */
export function useAct<Answer, Input = void>(act: (input: Input) => Promise<Answer>, onDone?: (answer: Answer, input: Input) => void): UseMutationResult<Answer, Error, Input> {
  const client = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: (answer, input) => onDone?.(answer, input), onSettled: () => refreshGovernance(client) });
}
