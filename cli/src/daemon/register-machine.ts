import type { InstanceResponse, RegisterBody } from "../core/api-types";
import { sleep, unlessAborted, type Backoff } from "../core/backoff";
import { CliError, EXIT } from "../core/errors";
import type { ApiClient } from "../core/http";

export interface RegisterOptions {
  readonly api: ApiClient;
  readonly body: RegisterBody;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
  onWait(detail: string, waitMs: number): void;
}

/** Registers a machine, waiting as long as the server cannot be reached; undefined when stopped meanwhile. Throws CliError when it refuses. */
export async function registerMachine({ api, body, backoff, signal, onWait }: RegisterOptions): Promise<InstanceResponse | undefined> {
  while (!signal.aborted) {
    try {
      return await unlessAborted(api.call<InstanceResponse>("POST", "/api/v1/openclaw/register", { body }), signal);
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
      const waitMs = backoff.next();
      onWait(error.message, waitMs);
      await sleep(waitMs, signal);
    }
  }
  return undefined;
}
