/** How a state is coloured. */
export type Tone = "ok" | "info" | "warn" | "bad" | "quiet";
