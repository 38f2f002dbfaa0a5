/** Typed access to the same-origin API: `publicApi` without a token, `api` with one that is renewed when needed. */
import createClient from "openapi-fetch";
import type { paths } from "../../../clients/fleet.gen";
import { findAccessToken, renewAccessToken } from "../auth/tokens";
import { toApiError } from "./errors";

export const baseUrl = globalThis.location?.origin ?? "";

/** A fetch that adds the token; an answer of `spentStatus` is tried once more with a renewed one. */
export function fetchSignedIn(spentStatus: number) {
  return async (input: Request): Promise<Response> => {
    const spare = input.clone();
    const token = await findAccessToken();
    const first = await fetch(withToken(input, token));
    if (first.status !== spentStatus || token === null) return first;
    const renewed = await renewAccessToken(token);
    return renewed === null ? first : fetch(withToken(spare, renewed));
  };
}

function withToken(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
  return request;
}

export const publicApi = createClient<paths>({ baseUrl });
export const api = createClient<paths>({ baseUrl, fetch: fetchSignedIn(401) });

export interface ApiResult<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a 2xx answer; anything else is thrown as an ApiError. */
export function unwrap<T>(result: ApiResult<T>): T {
  if (!result.response.ok) throw toApiError(result.response, result.error);
  // A 204 has no body; operations that answer it are typed as `never` or `undefined` by the generator.
  return result.data as T;
}
