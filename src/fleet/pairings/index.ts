export { announcePairing } from "./announce-pairing";
export { createPairing, type CreatedPairing } from "./create-pairing";
export { forgetEndedPairings, listMachineIds, pairCodeSealContext } from "./pairings.store";
export { KEEP_ENDED_MS } from "./pair-code.core";
export { healthScore, phaseOfRow } from "./pairings.core";
export { findWaitingCode, listPairEvents } from "./pairings.queries";
export { renewPairing } from "./renew-pairing";
