/** Typed access to the governance API, as the signed-in administrator. */
import createClient from "openapi-fetch";
import type { paths } from "../../../clients/governance.gen";
import { baseUrl, fetchSignedIn, type ApiResult } from "../api/client";
import { readRefusal } from "./refusal.core";

/** On this wire a spent token is answered 403. */
export const governanceApi = createClient<paths>({ baseUrl, fetch: fetchSignedIn(403) });

/** The body of a 2xx answer; anything else is thrown as an ApiError. */
export function take<T>(result: ApiResult<T>): T {
  if (!result.response.ok) throw readRefusal(result.response, result.error);
  // A 204 has no body; operations that answer it are typed as `never` or `undefined` by the generator.
  return result.data as T;
}
