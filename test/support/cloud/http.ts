import { exports } from "cloudflare:workers";
import { BASE_URL, uniqueIp } from "../client";

/** What of the worker's exports we call; the generated type does not know our entry. */
const worker = (exports as unknown as { default: { fetch(request: Request): Promise<Response> } }).default;

/** A request of somebody who does not mind whether it changed anything: a daemon that starts, or a second click. */
export async function ask(method: string, path: string, { token, body, headers = {} }: { readonly token: string; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await worker.fetch(
    new Request(`${BASE_URL}${path}`, { method, headers: { "content-type": "application/json", "cf-connecting-ip": uniqueIp(), authorization: `Bearer ${token}`, ...headers }, body: JSON.stringify(body) }),
  );
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
}
