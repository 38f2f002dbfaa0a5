import { SECOND_MS } from "../../kernel/clock";
import { AppError } from "../../kernel/errors/app-error";
import type { Retrieval } from "../../kernel/ports/retrieval";

const TIMEOUT_MS = 5 * SECOND_MS;

export interface RetrievalConfig {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
}

/** A retrieval service that takes memberships as `PUT /tenants/{name}/datasets`. */
export function createRetrieval({ url, token }: RetrievalConfig): Retrieval {
  return {
    async putDatasets(tenant, datasets) {
      const status = await put(`${url}/tenants/${encodeURIComponent(tenant)}/datasets`, token, datasets);
      if (status < 200 || status > 299) throw refused(`answered ${status}`);
    },
  };
}

async function put(url: string, token: string | null, body: unknown): Promise<number> {
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { "content-type": "application/json", "user-agent": "sett", ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
      // A redirect could carry our token to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    throw refused(error instanceof Error ? error.name : "it cannot be reached");
  }
}

const refused = (said: string): AppError => new AppError("BAD_GATEWAY", "The retrieval service did not take the data sets; nothing was changed.", { cause: new Error(`retrieval: ${said}`) });
