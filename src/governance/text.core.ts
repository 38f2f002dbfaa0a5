/** Half of a surrogate pair: D1 keeps another character in its place, so that what is read is not what was written. */
const HALF_PAIR = /\p{Surrogate}/u;

/** Whether D1 gives a text back as it is. */
export const isWellFormed = (text: string): boolean => !HALF_PAIR.test(text);
export const NOT_WELL_FORMED = "Has half of a surrogate pair";
