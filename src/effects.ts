import { families } from "./families";
import type { EffectHandlers } from "./kernel/outbox/drain";

/** Effect type → handler of every family, loaded when the first such effect is delivered. */
export const effectHandlers: EffectHandlers = Object.assign({}, ...families.map(({ effects }) => effects)) as EffectHandlers;
