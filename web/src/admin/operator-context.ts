import { createContext, useContext } from "react";
import type { Operator } from "./people/person.core";

export const OperatorContext = createContext<Operator | null>(null);

/** Who looks, as the server said. Only below the administrators' layout, which waits for it. */
export function useOperator(): Operator {
  const operator = useContext(OperatorContext);
  if (operator === null) throw new Error("outside the administrators' pages");
  return operator;
}
