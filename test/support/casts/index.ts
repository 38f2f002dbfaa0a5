import type { Cast } from "./cast";
import { fleetCast } from "./fleet";
import { governanceCast } from "./governance";

/** Who plays in the contract suite, by family. */
export const casts: readonly { readonly name: string; readonly make: () => Promise<Cast> }[] = [
  { name: "fleet", make: fleetCast },
  { name: "governance", make: governanceCast },
];
