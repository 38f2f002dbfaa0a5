/** An effect that looks an address up waits until the answer is surely out: work beside it makes it measurably later (`npm run bench:identity`). */
const LOOKUP_AFTER_MS = 250;

export const afterTheAnswer = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOKUP_AFTER_MS * (1 + Math.random())));
