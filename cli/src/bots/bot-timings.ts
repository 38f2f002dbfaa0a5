export interface BotTimings {
  /** Pending codes are asked for this often, should an event be lost. */
  readonly pollMs: number;
  /** Tokens are tried this often. */
  readonly tokenCheckMs: number;
  /** Roster and shares are compared with the server's this often, besides after every link. */
  readonly compareMs: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
}

export const BOT_TIMINGS: BotTimings = { pollMs: 300_000, tokenCheckMs: 300_000, compareMs: 3_600_000, retryBaseMs: 1_000, retryCapMs: 30_000 };
