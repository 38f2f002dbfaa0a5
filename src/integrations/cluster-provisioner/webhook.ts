import { SECOND_MS } from "../../kernel/clock";
import { fromUtf8 } from "../../kernel/crypto/bytes";
import { AppError } from "../../kernel/errors/app-error";
import { readBodyBytes } from "../../kernel/http/read-body";
import type { ClusterProvisioner, PlaceState } from "../../kernel/ports/cluster-provisioner";

const TIMEOUT_MS = 20 * SECOND_MS;
const MAX_ANSWER_BYTES = 64 * 1024;

const MAX_MESSAGE = 2_000;
const MAX_NAMESPACE = 253;

/**
 * A provisioner behind an address: `POST {url}` with `{action: "place", …}` answers `{phase, message?, boundNamespace?}`; with
 * `{action: "release", name}` it answers 2xx, or 404 for a place that is gone.
 */
export function createWebhookProvisioner(config: { readonly url: string; readonly token: string }): ClusterProvisioner {
  return {
    async place(wanted) {
      const { status, text } = await post(config, { action: "place", ...wanted });
      if (status < 200 || status > 299) throw refused(status);
      return readAnswer(text);
    },
    async release(name) {
      const { status } = await post(config, { action: "release", name });
      if ((status < 200 || status > 299) && status !== 404) throw refused(status);
    },
  };
}

async function post({ url, token }: { readonly url: string; readonly token: string }, body: unknown): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
      // A redirect could carry our token to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: fromUtf8(await readBodyBytes(response, MAX_ANSWER_BYTES)) };
  } catch (error) {
    throw new AppError("DEPENDENCY_UNAVAILABLE", "The cluster provisioner does not answer.", { cause: error });
  }
}

const refused = (status: number): AppError => new AppError(status >= 500 ? "DEPENDENCY_UNAVAILABLE" : "BAD_GATEWAY", "The cluster provisioner refuses.", { cause: new Error(`it answered ${status}`) });

function readAnswer(text: string): PlaceState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("BAD_GATEWAY", "The cluster provisioner answers no JSON.", { cause: error });
  }
  const { phase, message, boundNamespace } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (phase !== "provisioning" && phase !== "ready" && phase !== "failed") throw new AppError("BAD_GATEWAY", "The cluster provisioner's answer is not understood.", { cause: new Error("it tells no phase") });
  return { phase, message: textOrNull(message, MAX_MESSAGE), boundNamespace: textOrNull(boundNamespace, MAX_NAMESPACE) };
}

/** Read by hand: this is wired where no schema library is loaded. */
const textOrNull = (value: unknown, maxChars: number): string | null => (typeof value === "string" && value !== "" ? value.slice(0, maxChars) : null);
