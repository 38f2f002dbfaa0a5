export {
  activeOf,
  afterMoves,
  chooseKept,
  chooseReturning,
  excessOf,
  fittingOf,
  isPickFeature,
  KIND,
  overCap,
  parkedOf,
  PICK_FEATURES,
  type Caps,
  type Choice,
  type Holding,
  type Moves,
  type PickFeature,
} from "./holdings.core";
export { addMoves, settleMoved } from "./move-holdings";
export { capsOf, readHoldings } from "./read-holdings";
