import { api, expectStatus, type ApiAnswer, type ApiOptions } from "./client";
import { testSecrets } from "./secrets";

/** The static token of the test environment: an operator. */
export const operatorToken: string = testSecrets.OPENCRANE_API_TOKEN;

/** One request of an operator. */
export const asOperator = <T = Record<string, unknown>>(method: string, path: string, options: ApiOptions = {}): Promise<ApiAnswer<T>> => api<T>(method, path, { token: operatorToken, ...options });

/** {@link asOperator} that fails the test unless the status is `status`. */
export const expectOperator = <T = Record<string, unknown>>(status: number, method: string, path: string, options: ApiOptions = {}): Promise<T> => expectStatus<T>(status, method, path, { token: operatorToken, ...options });
