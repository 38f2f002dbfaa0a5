import { fleet, linkIdentity } from "./fleet";
import { governance } from "./governance";
import type { Family } from "./kernel/family";

/** The API families, each of which is a folder. The first one answers for paths of nobody. */
export const families: readonly [Family, ...Family[]] = [fleet, governance];

export { linkIdentity };
